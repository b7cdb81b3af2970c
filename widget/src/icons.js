/** Icons, drawn here and not in a file of their own so that none is ever late. */

import { element, svg } from "./dom.js";

/** Each is one path in a square of 24. */
const PATHS = /** @type {Record<string, string>} */ ({
  plus: "M12 5v14M5 12h14",
  menu: "M4 7h16M4 12h16M4 17h10",
  pencil: "M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19Zm10.5-13.5 3 3",
  trash: "M4 7h16M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.2 11v5M13.8 11v5",
  copy:
    "M11 9h7a2 2 0 0 1 2 2v7a2 2 0 0 1 -2 2h-7a2 2 0 0 1 -2 -2v-7a2 2 0 0 1 2 -2" +
    "M5.5 15H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1h9a1 1 0 0 1 1 1v.5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  "thumb-up":
    "M7.5 20V10.5l4-7a2 2 0 0 1 2.3 2.3L13 9.5h5.2a2 2 0 0 1 2 2.4l-1.3 6.5a2 2 0 0 1-2 1.6ZM7.5 10.5H4V20h3.5",
  "thumb-down":
    "M16.5 4v9.5l-4 7a2 2 0 0 1-2.3-2.3l.8-3.7H5.8a2 2 0 0 1-2-2.4l1.3-6.5a2 2 0 0 1 2-1.6ZM16.5 13.5H20V4h-3.5",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4v5h-5",
  up: "M12 19V5.5M6 11l6-6 6 6",
  down: "M12 5v13.5M6 13l6 6 6-6",
  stop: "M8.5 6.5h7a2 2 0 0 1 2 2v7a2 2 0 0 1 -2 2h-7a2 2 0 0 1 -2 -2v-7a2 2 0 0 1 2 -2",
  chevron: "M9 6l6 6-6 6",
  thought:
    "M9 18.5h6M10 21.5h4M8.8 15.5c-2-1.2-3.3-3.1-3.3-5.8A6.4 6.4 0 0 1 12 3.3a6.4 6.4 0 0 1" +
    " 6.5 6.4c0 2.7-1.3 4.6-3.3 5.8Z",
  spark: "M12 4c.6 4.6 2.4 6.9 7.5 8-5.1 1.1-6.9 3.4-7.5 8-.6-4.6-2.4-6.9-7.5-8 5.1-1.1 6.9-3.4 7.5-8Z",
  globe: "M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0M3.5 12h17M12 3.5c5 5.7 5 11.3 0 17-5-5.7-5-11.3 0-17Z",
  file: "M13.5 3.5H7a1.5 1.5 0 0 0-1.5 1.5v14A1.5 1.5 0 0 0 7 20.5h10a1.5 1.5 0 0 0 1.5-1.5V8.5Zm0 0v5h5",
  image:
    "M5.5 4.5h13a2 2 0 0 1 2 2v11a2 2 0 0 1 -2 2h-13a2 2 0 0 1 -2 -2v-11a2 2 0 0 1 2 -2" +
    "M7.5 10a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M4 17.5l5-4.5 3.5 3 3-2.5 4.5 4",
  info: "M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0M12 11v5.5M12 7.7v.1",
  warning: "M12 4 2.8 19.5h18.4ZM12 10v4.5M12 17v.1",
  switch: "M8 9.5l4-4 4 4M8 14.5l4 4 4-4",
  clip:
    "M19.5 11.5l-7.8 7.8a4.6 4.6 0 0 1-6.5-6.5l8.3-8.3a3.1 3.1 0 0 1 4.4 4.4l-8.2 8.2a1.5 1.5" +
    " 0 0 1-2.2-2.2l7.4-7.4",
  mic: "M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1 -3 3a3 3 0 0 1 -3 -3v-5a3 3 0 0 1 3 -3M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v2.5",
  search: "M4 10.5a6.5 6.5 0 1 0 13 0 6.5 6.5 0 1 0-13 0M15.5 15.5l5 5",
  star: "M12 3.8l2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8Z",
  calendar:
    "M6 5.5h12a2 2 0 0 1 2 2v10.5a2 2 0 0 1 -2 2h-12a2 2 0 0 1 -2 -2v-10.5a2 2 0 0 1 2 -2M4 10h16M8.5 3.5v4M15.5 3.5v4",
  clock: "M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0M12 7v5.2l3.3 2",
  user: "M8 8.5a4 4 0 1 0 8 0 4 4 0 1 0-8 0M4.5 20.5c.8-4 3.7-6 7.5-6s6.7 2 7.5 6",
  mail: "M5.5 5.5h13a2 2 0 0 1 2 2v9a2 2 0 0 1 -2 2h-13a2 2 0 0 1 -2 -2v-9a2 2 0 0 1 2 -2M4 7l8 6 8-6",
  pin: "M12 21s-6.5-5.7-6.5-11a6.5 6.5 0 0 1 13 0c0 5.3-6.5 11-6.5 11ZM9.7 10a2.3 2.3 0 1 0 4.6 0 2.3 2.3 0 1 0-4.6 0",
  chart: "M5 19.5v-7M12 19.5v-15M19 19.5v-10",
  bolt: "M13 3.5 5.5 13.5h5.5l-1 7 7.5-10.5H12Z",
  book: "M5.5 18V5.5a2 2 0 0 1 2-2h11v14h-11a2 2 0 0 0-2 2 1.5 1.5 0 0 0 1.5 1.5h11.5v-3.5",
  cube: "M12 3.5l7.5 4.2v8.6L12 20.5l-7.5-4.2V7.7ZM4.5 7.7 12 12m0 0 7.5-4.3M12 12v8.5",
  bag:
    "M5.5 8h13a2 2 0 0 1 2 2v8a2 2 0 0 1 -2 2h-13a2 2 0 0 1 -2 -2v-8a2 2 0 0 1 2 -2" +
    "M8.5 8V6a2 2 0 0 1 2-2h3a2 2 0 0 1 2 2v2M3.5 13h17",
  phone:
    "M5 4h3.5l1.8 4.5-2.2 1.6a12 12 0 0 0 5.8 5.8l1.6-2.2 4.5 1.8V19a1.5 1.5 0 0 1-1.6" +
    " 1.5A15.5 15.5 0 0 1 3.5 5.6 1.5 1.5 0 0 1 5 4Z",
  settings: "M4 8h9M17 8h3M4 16h3M11 16h9M13 8a2 2 0 1 0 4 0 2 2 0 1 0-4 0M7 16a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
  code: "M8.5 7l-5 5 5 5M15.5 7l5 5-5 5",
  question:
    "M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0M9.7 9.6a2.4 2.4 0 1 1 3.5 2.1c-.8.5-1.2 1-1.2 1.8M12 16.6v.1",
  play: "M8 5.5v13l10.5-6.5Z",
  dot: "M9 12a3 3 0 1 0 6 0 3 3 0 1 0-6 0",
  dots: "M6 12h.1M12 12h.1M18 12h.1",
  external:
    "M13.5 4.5h6v6M19 5l-8.5 8.5M10 5.5H6A1.5 1.5 0 0 0 4.5 7v11A1.5 1.5 0 0 0 6 19.5h11a1.5 1.5 0 0 0 1.5-1.5v-4",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  home: "M4 11l8-7 8 7v8.5a1 1 0 0 1-1 1h-4.5V15h-5v5.5H5a1 1 0 0 1-1-1Z",
  back: "M14.5 6l-6 6 6 6",
  left: "M19 12H5.5M11 6l-6 6 6 6",
  doubleLeft: "M12 6l-6 6 6 6M18.5 6l-6 6 6 6",
  doubleRight: "M12 6l6 6-6 6M5.5 6l6 6-6 6",
  sidebarLeft: "M6 4.5h12a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-11a2 2 0 0 1 2-2M9.5 4.5v15",
  sidebarRight: "M6 4.5h12a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-11a2 2 0 0 1 2-2M14.5 4.5v15",
  expand: "M14 4.5h5.5V10M10 19.5H4.5V14M19.5 4.5l-6 6M4.5 19.5l6-6",
  collapse: "M19.5 10H14V4.5M4.5 14H10v5.5M14 10l6-6M10 14l-6 6",
  grid: "M4.5 4.5h6v6h-6ZM13.5 4.5h6v6h-6ZM4.5 13.5h6v6h-6ZM13.5 13.5h6v6h-6Z",
  history: "M4.5 12a7.5 7.5 0 1 0 2.2-5.3L4.5 9M4.5 4v5h5M12 8v4.3l2.8 1.7",
  compose:
    "M12.5 4.5H6a1.5 1.5 0 0 0-1.5 1.5v12A1.5 1.5 0 0 0 6 19.5h12a1.5 1.5 0 0 0 1.5-1.5v-6.5" +
    "M10 14l.6-2.8 7.6-7.6 2.2 2.2-7.6 7.6Z",
  share: "M12 15V4.5M8 8l4-4 4 4M5 13v5.5A1.5 1.5 0 0 0 6.5 20h11a1.5 1.5 0 0 0 1.5-1.5V13",
  sun:
    "M8 12a4 4 0 1 0 8 0 4 4 0 1 0-8 0M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6l1.4 1.4" +
    "M17 17l1.4 1.4M18.4 5.6L17 7M7 17l-1.4 1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
  dotsVertical: "M12 6v.1M12 12v.1M12 18v.1",
  dotsCircle: "M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0M8.5 12h.1M12 12h.1M15.5 12h.1",
  bug:
    "M8.5 9.5h7v5a3.5 3.5 0 0 1-7 0ZM9.5 9.5V8a2.5 2.5 0 0 1 5 0v1.5M8.5 12H4.5M19.5 12h-4" +
    "M8.8 15.5L5.5 18M15.2 15.5l3.3 2.5M8.5 9.8L5.5 7.5M15.5 9.8l3-2.3",
  chat:
    "M5 5.5h14a1.5 1.5 0 0 1 1.5 1.5v8.5A1.5 1.5 0 0 1 19 17h-7l-4.5 3.5V17H5a1.5 1.5 0 0" +
    " 1-1.5-1.5V7A1.5 1.5 0 0 1 5 5.5",
  reply: "M9.5 6.5L4.5 11l5 4.5M4.5 11H14a5.5 5.5 0 0 1 5.5 5.5v1.5",
  at: "M8.5 12a3.5 3.5 0 1 0 7 0 3.5 3.5 0 1 0-7 0M15.5 8.5v4.3a2.2 2.2 0 0 0 4.5 0V12a8 8 0 1 0-3 6.3",
  checkCircle: "M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0M8 12.3l2.8 2.8 5.2-5.6",
  compass: "M3.5 12a8.5 8.5 0 1 0 17 0 8.5 8.5 0 1 0-17 0M15.5 8.5l-2 5-5 2 2-5Z",
  desktop: "M5.5 4.5h13a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2M9 20h6M12 16.5V20",
  key: "M4 15.5a4 4 0 1 0 8 0 4 4 0 1 0-8 0M11 12.7L19.5 4.5M16.5 7.5l2.5 2.5M14 10l2 2",
});
/** Those that are filled and have no outline. */
const FILLED = ["stop", "dot"];

/** ChatKit's names. Names that are not here are the names of our own icons, or have none. */
const NAMES = /** @type {Record<string, string>} */ ({
  agent: "spark",
  analytics: "chart",
  atom: "spark",
  batch: "cube",
  "book-open": "book",
  "book-closed": "book",
  "book-clock": "book",
  "check-circle": "checkCircle",
  "check-circle-filled": "checkCircle",
  "chevron-left": "back",
  "chevron-right": "chevron",
  "circle-question": "question",
  confetti: "spark",
  document: "file",
  "dots-horizontal": "dots",
  "dots-vertical": "dotsVertical",
  "empty-circle": "dot",
  "external-link": "external",
  images: "image",
  keys: "key",
  lab: "cube",
  lifesaver: "question",
  lightbulb: "thought",
  "map-pin": "pin",
  maps: "globe",
  mobile: "phone",
  name: "user",
  notebook: "book",
  "notebook-pencil": "compose",
  "page-blank": "file",
  profile: "user",
  "profile-card": "user",
  reload: "retry",
  "star-filled": "star",
  sparkle: "spark",
  "sparkle-double": "spark",
  "square-code": "code",
  "square-image": "image",
  "square-text": "file",
  suitcase: "bag",
  "settings-slider": "settings",
  wreath: "star",
  write: "pencil",
  "write-alt": "compose",
  "write-alt2": "pencil",
  // Of the header.
  "sidebar-left": "sidebarLeft",
  "sidebar-right": "sidebarRight",
  "sidebar-open-left": "sidebarLeft",
  "sidebar-open-right": "sidebarRight",
  "sidebar-open-left-alt": "sidebarLeft",
  "sidebar-open-right-alt": "sidebarRight",
  "sidebar-floating-left": "sidebarLeft",
  "sidebar-floating-right": "sidebarRight",
  "sidebar-floating-open-left": "sidebarLeft",
  "sidebar-floating-open-right": "sidebarRight",
  "sidebar-collapse-left": "sidebarLeft",
  "sidebar-collapse-right": "sidebarRight",
  "collapse-left": "doubleLeft",
  "collapse-right": "doubleRight",
  "open-left": "doubleLeft",
  "open-right": "doubleRight",
  "double-chevron-left": "doubleLeft",
  "double-chevron-right": "doubleRight",
  "home-alt": "home",
  "back-small": "back",
  "back-large": "left",
  "expand-large": "expand",
  "collapse-large": "collapse",
  "expand-small": "expand",
  "collapse-small": "collapse",
  "chat-temporary": "chat",
  "settings-cog": "settings",
  "dots-horizontal-circle": "dotsCircle",
  "dots-vertical-circle": "dotsCircle",
  "menu-inverted": "menu",
  hamburger: "menu",
  "light-mode": "sun",
  "dark-mode": "moon",
});

/** @param {string} name one of our own */
export function icon(name) {
  const filled = FILLED.includes(name) ? { class: "icon filled" } : { class: "icon" };
  return svg("svg", { ...filled, viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: PATHS[name] ?? "" }));
}

/**
 * @param {string | undefined} name one of ChatKit's, or `lucide:…`
 * @param {string} [otherwise] ours where there is no such icon
 */
export function namedIcon(name, otherwise = "spark") {
  const plain = name?.replace(/^lucide:/, "") ?? "";
  const own = Object.hasOwn(NAMES, plain) ? NAMES[plain] : plain;
  return icon(Object.hasOwn(PATHS, own) ? own : otherwise);
}

/**
 * A button that shows only an icon; the label is for the tooltip and for screen readers.
 *
 * @param {string} name
 * @param {string} label
 * @param {(event: MouseEvent) => void} click
 * @param {Record<string, string | boolean>} [attributes]
 */
export function iconButton(name, label, click, attributes = {}) {
  const shared = { type: "button", class: "icon-button", "aria-label": label, title: label, click };
  return element("button", { ...shared, ...attributes }, icon(name));
}
