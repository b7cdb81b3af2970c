/** The microphone button: records, has the server write it down, and hands over the text. */

import { iconButton } from "../icons.js";
import { messageOf } from "../notices.js";

/** What the server takes, best first. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

export class Dictation {
  /** @type {HTMLButtonElement} */
  element;
  /** @type {MediaRecorder | null} */
  #recorder = null;

  /**
   * @param {import("../ui.js").Ui} ui
   * @param {import("../api.js").ChatKitApi} api
   * @param {(text: string) => void} onText
   */
  constructor(ui, api, onText) {
    this.ui = ui;
    this.api = api;
    this.onText = onText;
    const press = () => (this.#recorder ? this.#recorder.stop() : this.#record());
    const more = { id: "dictate", "aria-pressed": "false", hidden: true };
    this.element = iconButton("mic", ui.text("dictate"), press, more);
  }

  /** @param {boolean} isOffered by the server; the browser must be able to, too */
  configure(isOffered) {
    this.element.hidden = !isOffered || !navigator.mediaDevices || typeof MediaRecorder === "undefined";
  }

  async #record() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => null);
    if (!stream) return this.ui.toast(this.ui.text("noMicrophone"), "mic");
    const recorder = new MediaRecorder(stream, { mimeType: TYPES.find((type) => MediaRecorder.isTypeSupported(type)) });
    /** @type {Blob[]} */
    const pieces = [];
    recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
    recorder.addEventListener("stop", () => {
      for (const track of stream.getTracks()) track.stop();
      this.#show(null);
      this.#transcribe(new Blob(pieces, { type: recorder.mimeType }));
    });
    recorder.start();
    this.#show(recorder);
    this.ui.announce(this.ui.text("recording"));
  }

  /** @param {Blob} audio */
  async #transcribe(audio) {
    this.element.disabled = true;
    try {
      const { text } = await this.api.call("input.transcribe", {
        audio_base64: await base64(audio),
        mime_type: audio.type,
      });
      this.onText(text);
    } catch (error) {
      this.ui.report(error);
      this.ui.toast(messageOf(this.ui, error), "mic");
    } finally {
      this.element.disabled = false;
    }
  }

  /** @param {MediaRecorder | null} recorder */
  #show(recorder) {
    this.#recorder = recorder;
    this.element.ariaPressed = String(recorder !== null);
    this.element.ariaLabel = this.ui.text(recorder ? "stopDictating" : "dictate");
  }
}

/** @param {Blob} blob @returns {Promise<string>} */
function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",")[1] ?? ""));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}
