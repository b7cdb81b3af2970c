/** The microphone button: records, has the server write it down, and hands over the text. */

import { announce, byId } from "./dom.js";
import { toast } from "./toast.js";

/** What the server takes, best first. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

export class Dictation {
  #button = byId("dictate", HTMLButtonElement);
  /** @type {MediaRecorder | null} */
  #recorder = null;

  /**
   * @param {import("./api.js").ChatKit} api
   * @param {(text: string) => void} onText
   */
  constructor(api, onText) {
    this.api = api;
    this.onText = onText;
    this.#button.addEventListener("click", () => (this.#recorder ? this.#recorder.stop() : this.#record()));
  }

  /** @param {boolean} isOffered by the server; the browser must be able to, too */
  configure(isOffered) {
    this.#button.hidden = !isOffered || !navigator.mediaDevices || typeof MediaRecorder === "undefined";
  }

  async #record() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => null);
    if (!stream) return toast("The microphone cannot be used here", "mic");
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
    announce("Recording. Press again to stop.");
  }

  /** @param {Blob} audio */
  async #transcribe(audio) {
    this.#button.disabled = true;
    try {
      const { text } = await this.api.call("input.transcribe", { audio_base64: await base64(audio), mime_type: audio.type });
      this.onText(text);
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), "mic");
    } finally {
      this.#button.disabled = false;
    }
  }

  /** @param {MediaRecorder | null} recorder */
  #show(recorder) {
    this.#recorder = recorder;
    this.#button.ariaPressed = String(recorder !== null);
    this.#button.ariaLabel = recorder ? "Stop dictating" : "Dictate";
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
