/** Which images are shown: whatever else an address is, it is not asked for. */

const IMAGE = /^(?:https?:|blob:|data:image\/)/;

/** An address that an image may have, or none. @param {string | undefined} url */
export function imageAddress(url) {
  const address = url ? URL.parse(url, location.href) : null;
  return address && IMAGE.test(address.href) ? address.href : undefined;
}

/**
 * @param {import("./types.js").Thread | null} thread whose server may say where images may come from
 * @param {string} host
 */
export function isAllowedHost(thread, host) {
  const domains = thread?.allowed_image_domains;
  return domains?.some((domain) => host === domain || host.endsWith(`.${domain}`)) ?? true;
}
