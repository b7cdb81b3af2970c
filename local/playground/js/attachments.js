/** The files that go with the next message: announced to the server, uploaded where it says, and only then sent. */

import { announce, byId, element, icon, iconButton } from "./dom.js";

/** @typedef {import("./types.js").Attachment} Attachment */
/** @typedef {{ enabled: boolean, max_bytes?: number, types: string[] }} Limits `types` are MIME types or `image/*` */
/** @typedef {{ element: HTMLElement, abort: AbortController, attachment: Attachment | null, state: "uploading" | "ready" | "failed", preview: string | null }} Entry */

export class AttachmentTray {
  #list = byId("attachments", HTMLElement);
  #button = byId("attach", HTMLButtonElement);
  #input = byId("files", HTMLInputElement);
  #drop = byId("drop", HTMLElement);
  /** @type {Set<Entry>} */
  #entries = new Set();
  /** @type {Limits} */
  #limits = { enabled: false, types: [] };

  /**
   * @param {import("./api.js").ChatKit} api
   * @param {() => void} onChange
   */
  constructor(api, onChange) {
    this.api = api;
    this.onChange = onChange;
    this.#button.addEventListener("click", () => this.#input.click());
    this.#input.addEventListener("change", () => {
      this.add([...(this.#input.files ?? [])]);
      this.#input.value = "";
    });
    this.#acceptDrops();
  }

  /** @param {Limits} limits */
  configure(limits) {
    this.#limits = limits;
    this.#button.hidden = !limits.enabled;
    this.#input.accept = limits.types.join(",");
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

  /** @param {File} file */
  #begin(file) {
    const preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
    const state = element("small", {}, "Waiting");
    const bar = element("progress", { max: 1, value: 0, "aria-label": `Upload of ${file.name}` });
    /** @type {Entry} */
    const entry = {
      abort: new AbortController(), attachment: null, state: "uploading", preview,
      element: element("li", { class: "upload" },
        preview ? element("img", { src: preview, alt: "" }) : icon("file"),
        element("span", { class: "upload-text" }, element("span", {}, file.name), state),
        iconButton("close", `Remove ${file.name}`, () => this.#remove(entry)),
        bar),
    };
    this.#entries.add(entry);
    this.#list.append(entry.element);
    this.#changed();
    const { max_bytes: most = Infinity } = this.#limits;
    const upload = file.size > most
      ? Promise.reject(new Error(`Larger than ${readableSize(most)}`))
      : this.#upload(file, entry, (share) => {
        bar.value = share;
        state.textContent = `${Math.round(share * 100)} %`;
      });
    upload.then(() => {
      entry.element.dataset.state = entry.state = "ready";
      state.textContent = readableSize(file.size);
      announce(`${file.name} is attached`);
      this.#changed();
    }).catch((error) => {
      if (entry.abort.signal.aborted) return;
      entry.element.dataset.state = entry.state = "failed";
      state.textContent = error instanceof Error ? error.message : "The upload failed";
      announce(`${file.name}: ${state.textContent}`);
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
    /** @type {Attachment} */
    const attachment = await this.api.call("attachments.create", { name: file.name, size: file.size, mime_type: type });
    entry.attachment = attachment;
    if (entry.abort.signal.aborted) return this.#withdraw(attachment);
    if (attachment.upload_descriptor) await sendFile(file, attachment.upload_descriptor, entry.abort.signal, onProgress);
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
    this.#list.hidden = this.#entries.size === 0;
    this.onChange();
  }

  #acceptDrops() {
    const hasFiles = (/** @type {DragEvent} */ event) => this.#limits.enabled && event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.#drop.hidden = false;
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) this.#drop.hidden = true;
    });
    document.addEventListener("drop", (event) => {
      this.#drop.hidden = true;
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.add([...(event.dataTransfer?.files ?? [])]);
    });
    byId("message", HTMLTextAreaElement).addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!this.#limits.enabled || files.length === 0) return;
      event.preventDefault();
      this.add(files);
    });
  }
}

/**
 * Sends the bytes where the server says: `PUT` as they are, `POST` as a form. `fetch` cannot say how far it is.
 *
 * @param {File} file
 * @param {{ url: string, method: string, headers?: Record<string, string> }} descriptor
 * @param {AbortSignal} signal
 * @param {(share: number) => void} onProgress
 * @returns {Promise<void>}
 */
function sendFile(file, { url, method, headers = {} }, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    // The browser sets the length itself, and refuses any other.
    for (const [name, value] of Object.entries(headers)) if (!/^content-length$/i.test(name)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
    request.addEventListener("load", () => (request.status < 300 ? resolve() : reject(new Error(`The upload was refused (${request.status})`))));
    request.addEventListener("error", () => reject(new Error("The upload broke off")));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.addEventListener("abort", () => reject(signal.reason));
    if (method === "PUT") return request.send(file);
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

/** @param {number} bytes */
export function readableSize(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${value.toLocaleString("en", { maximumFractionDigits: step === 0 ? 0 : 1 })} ${units[step]}`;
}
