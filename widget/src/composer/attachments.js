/** The files that go with the next message: announced to the server, uploaded where it says, and only then sent. */

import { element } from "../dom.js";
import { icon, iconButton } from "../icons.js";
import { imageAddress } from "../images.js";
import { messageOf } from "../notices.js";

/**
 * @typedef {import("../types.js").Attachment} Attachment
 * @typedef {"uploading" | "ready" | "failed"} State
 * @typedef {{ element: HTMLElement, abort: AbortController, attachment: Attachment | null, state: State, preview:
 *   string | null }} Entry
 * @typedef {{ enabled: boolean, maxSize?: number | Record<string, number>, maxCount?: number,
 *   accept?: Record<string, string[]> }} Limits
 */

/** ChatKit's, where the site sets none. */
const MAX_BYTES = 100 * 1024 * 1024;
const MAX_FILES = 10;

export class AttachmentTray {
  /** @type {Set<Entry>} */
  #entries = new Set();
  /** @type {Limits} */
  #limits = { enabled: false };
  list = element("ul", { id: "attachments", class: "attachments", hidden: true });
  input = element("input", { id: "files", type: "file", multiple: true, hidden: true, change: () => this.#picked() });

  /**
   * @param {import("../ui.js").Ui} ui
   * @param {import("../api.js").ChatKitApi} api
   * @param {() => void} onChange
   */
  constructor(ui, api, onChange) {
    this.ui = ui;
    this.api = api;
    this.onChange = onChange;
    this.list.ariaLabel = ui.text("attachedFiles");
    this.input.ariaLabel = ui.text("attach");
  }

  /** @param {Limits} limits */
  configure(limits) {
    this.#limits = limits;
    this.input.accept = Object.entries(limits.accept ?? {})
      .flat(2)
      .join(",");
  }

  get isOffered() {
    return this.#limits.enabled;
  }

  /** Asks for files. */
  browse() {
    this.input.click();
  }

  #picked() {
    this.add([...(this.input.files ?? [])]);
    this.input.value = "";
  }

  /** Whether a file can go with a message. */
  get hasFiles() {
    return this.#isAny("ready");
  }

  /** Whether a file is still on its way. One that was refused is not. */
  get isUploading() {
    return this.#isAny("uploading");
  }

  /** What is attached, which is then no longer here, as are the files that were refused. @returns {Attachment[]} */
  take() {
    /** @type {Attachment[]} */
    const taken = [];
    for (const entry of this.#entries) {
      if (entry.state === "ready" && entry.attachment) taken.push(entry.attachment);
      else if (entry.attachment) this.#withdraw(entry.attachment);
      this.#discard(entry);
    }
    return taken;
  }

  /** @param {Entry["state"]} state */
  #isAny(state) {
    return [...this.#entries].some((entry) => entry.state === state);
  }

  /** @param {File[]} files */
  add(files) {
    if (!this.#limits.enabled) return;
    for (const file of files) this.#begin(file);
  }

  /** Takes files that the server has already. @param {Attachment[]} attachments */
  addUploaded(attachments) {
    for (const attachment of attachments) {
      const { entry, state } = this.#entry(attachment.name, imageAddress(attachment.preview_url));
      state.textContent = attachment.mime_type;
      entry.attachment = attachment;
      entry.element.dataset.state = entry.state = "ready";
    }
    this.#changed();
  }

  /** Why a file cannot be sent. @param {File} file @returns {string | null} */
  #refusal({ name, size, type }) {
    const { maxSize = MAX_BYTES, maxCount = MAX_FILES, accept } = this.#limits;
    const others = [...this.#entries].filter(({ state }) => state !== "failed");
    if (others.length >= maxCount) return this.ui.text("tooMany", maxCount);
    const isTaken = (/** @type {[string, string[]]} */ [pattern, endings]) =>
      matches(type, pattern) || endings.some((ending) => name.toLowerCase().endsWith(ending));
    if (accept && !Object.entries(accept).some(isTaken)) return this.ui.text("wrongType");
    const most = typeof maxSize === "number" ? maxSize : limitFor(type, maxSize);
    return size > most ? this.ui.text("tooLarge", readableSize(most, this.ui.language)) : null;
  }

  /** @param {string} name @param {string} [image] an address to show */
  #entry(name, image) {
    const state = element("small");
    const bar = element("progress", { max: 1, value: 0, "aria-label": this.ui.text("uploadOf", name) });
    /** @type {Entry} */
    const entry = {
      abort: new AbortController(),
      attachment: null,
      state: "uploading",
      preview: null,
      element: element(
        "li",
        { class: "upload" },
        image ? element("img", { src: image, alt: "" }) : icon("file"),
        element("span", { class: "upload-text" }, element("span", {}, name), state),
        iconButton("close", this.ui.text("remove", name), () => this.#remove(entry)),
        bar,
      ),
    };
    this.#entries.add(entry);
    this.list.append(entry.element);
    return { entry, state, bar };
  }

  /** @param {File} file */
  #begin(file) {
    const refusal = this.#refusal(file);
    const preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
    const { entry, state, bar } = this.#entry(file.name, preview ?? undefined);
    entry.preview = preview;
    state.textContent = this.ui.text("waiting");
    if (refusal !== null) entry.state = "failed";
    this.#changed();
    const upload =
      refusal !== null
        ? Promise.reject(new Error(refusal))
        : this.#upload(file, entry, (share) => {
            bar.value = share;
            state.textContent = `${Math.round(share * 100)} %`;
          });
    upload
      .then(() => {
        entry.element.dataset.state = entry.state = "ready";
        state.textContent = readableSize(file.size, this.ui.language);
        this.ui.announce(this.ui.text("isAttached", file.name));
        this.#changed();
      })
      .catch((error) => {
        if (entry.abort.signal.aborted) return;
        entry.element.dataset.state = entry.state = "failed";
        state.textContent = messageOf(this.ui, error) || this.ui.text("uploadFailed");
        this.ui.announce(`${file.name}: ${state.textContent}`);
        this.#changed();
      });
  }

  /**
   * @param {File} file
   * @param {Entry} entry
   * @param {(share: number) => void} onProgress from 0 to 1
   */
  async #upload(file, entry, onProgress) {
    const type = file.type || "application/octet-stream";
    const { uploadStrategy } = this.api.options();
    if (uploadStrategy?.type === "direct") {
      entry.attachment = await this.api.upload(uploadStrategy.uploadUrl, file, entry.abort.signal);
      return;
    }
    /** @type {Attachment} */
    const attachment = await this.api.call("attachments.create", { name: file.name, size: file.size, mime_type: type });
    entry.attachment = attachment;
    if (entry.abort.signal.aborted) return this.#withdraw(attachment);
    const to = attachment.upload_descriptor;
    if (to) await sendFile(this.ui, file, to, entry.abort.signal, onProgress);
  }

  /** @param {Entry} entry */
  #remove(entry) {
    entry.abort.abort();
    if (entry.attachment) this.#withdraw(entry.attachment);
    this.#discard(entry);
  }

  /** Errors are ignored: the server removes files that are never sent. @param {Attachment} attachment */
  async #withdraw({ id }) {
    await this.api.call("attachments.delete", { attachment_id: id }).catch(() => {});
  }

  /** @param {Entry} entry */
  #discard(entry) {
    if (entry.preview) URL.revokeObjectURL(entry.preview);
    entry.element.remove();
    this.#entries.delete(entry);
    this.#changed();
  }

  #changed() {
    this.list.hidden = this.#entries.size === 0;
    this.onChange();
  }
}

/** Whether a MIME type is of a kind such as `image/*`. @param {string} type @param {string} pattern */
function matches(type, pattern) {
  return pattern.endsWith("/*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** @param {string} type @param {Record<string, number>} limits */
function limitFor(type, limits) {
  const [, limit] = Object.entries(limits).find(([pattern]) => matches(type, pattern)) ?? [];
  return limit ?? limits["*"] ?? limits[""] ?? MAX_BYTES;
}

/**
 * Sends the bytes where the server says: `PUT` as they are, `POST` as a form. `fetch` cannot say how far it is.
 *
 * @param {import("../ui.js").Ui} ui
 * @param {File} file
 * @param {{ url: string, method: string, headers?: Record<string, string> }} descriptor
 * @param {AbortSignal} signal
 * @param {(share: number) => void} onProgress
 * @returns {Promise<void>}
 */
function sendFile(ui, file, { url, method, headers = {} }, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    // The browser sets the length itself, and refuses any other.
    for (const [name, value] of Object.entries(headers))
      if (!/^content-length$/i.test(name)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("load", () =>
      request.status < 300 ? resolve() : reject(new Error(ui.text("uploadRefused", request.status))),
    );
    request.addEventListener("error", () => reject(new Error(ui.text("uploadBroke"))));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.addEventListener("abort", () => reject(signal.reason));
    if (method === "PUT") return request.send(file);
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

/** @param {number} bytes @param {string} language */
function readableSize(bytes, language) {
  const units = ["bytes", "KB", "MB", "GB"];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${value.toLocaleString(language, { maximumFractionDigits: step === 0 ? 0 : 1 })} ${units[step]}`;
}
