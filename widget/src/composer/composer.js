/** Where the user writes: Enter sends, Shift+Enter breaks the line, Escape stops the answer. */

import { element, focused } from "../dom.js";
import { icon, iconButton } from "../icons.js";
import { QuestionPanel } from "../questions.js";
import { AttachmentTray } from "./attachments.js";
import { Completion } from "./completion.js";
import { Dictation } from "./dictation.js";
import { Menu } from "./menu.js";
import { Pickers } from "./pickers.js";
import { Tags } from "./tags.js";

/** @typedef {import("../types.js").ThreadStatus} ThreadStatus */
/** @typedef {import("../types.js").Attachment} Attachment */
/** @typedef {import("../types.js").UserContent} UserContent */
/** @typedef {import("../types.js").StructuredInputItem} StructuredInputItem */
/**
 * @typedef {{ content: UserContent[], attachments: Attachment[], reply?: string,
 *   options: { model?: string, tool_choice?: { id: string } } }} Message `reply` is a text that is quoted
 *
 * @typedef {object} ComposerListener
 * @property {(message: Message) => void} onSend
 * @property {() => void} onStop
 * @property {(item: StructuredInputItem, answers: import("../types.js").Answers) => void} onAnswers
 *
 * @typedef {object} ComposerValue
 * @property {string} [text]
 * @property {UserContent[]} [content]
 * @property {string} [reply]
 * @property {Attachment[]} [attachments]
 * @property {File[]} [files]
 * @property {string | null} [selectedToolId]
 * @property {string} [selectedModelId]
 */

export class Composer {
  #field = element("textarea", { id: "message", rows: 1, autocomplete: "off", enterkeyhint: "send" });
  /** Draws the tags behind the text, which a text field cannot. */
  #mirror = element("div", { class: "mirror", "aria-hidden": "true" });
  #quote = element("div", { class: "quote", hidden: true });
  #closed = element("p", { id: "closed", class: "closed", hidden: true });
  #questions = element("div", { id: "questions", hidden: true });
  #isRunning = false;
  #canStop = false;
  /** @type {ThreadStatus} */
  #status = { type: "active" };
  /** @type {QuestionPanel | null} */
  #panel = null;
  #tags = new Tags();
  /** @type {string | undefined} */
  #reply;

  /**
   * @param {import("../chat.js").Parts} parts
   * @param {ComposerListener} listener
   */
  constructor({ ui, api, options, entities }, listener) {
    this.ui = ui;
    this.options = options;
    this.listener = listener;
    this.tray = new AttachmentTray(ui, api, () => this.#fit());
    this.pickers = new Pickers(ui, () => this.#fit());
    this.dictation = new Dictation(ui, api, (text) => this.#fill(`${this.#field.value} ${text}`.trim()));
    this.completion = new Completion(ui, this.#field, this.#tags, {
      options,
      entities,
      actions: () => this.#actions(),
    });
    this.send = element(
      "button",
      { id: "send", type: "submit", class: "round-button", "aria-label": ui.text("send") },
      icon("up"),
    );
    const stop = { id: "stop", type: "button", class: "round-button", "aria-label": ui.text("stop"), hidden: true };
    this.stop = element("button", { ...stop, click: () => this.#stopAnswer() }, icon("stop"));
    this.attach = iconButton("clip", ui.text("attach"), () => this.tray.browse(), { id: "attach", hidden: true });
    this.mention = iconButton("at", ui.text("mention"), () => this.completion.begin("@"), {
      id: "mention",
      hidden: true,
    });
    this.menu = new Menu("plus", ui.text("more"));
    this.form = element(
      "form",
      { id: "composer", class: "composer", submit: (event) => this.#submitted(event) },
      element("label", { for: "message", class: "visually-hidden" }, ui.text("message")),
      this.completion.element,
      this.#quote,
      this.tray.list,
      element("div", { class: "field" }, this.#mirror, this.#field),
      element(
        "div",
        { class: "composer-bar" },
        this.menu.element,
        this.attach,
        this.tray.input,
        this.mention,
        this.pickers.tools,
        element("div", { class: "composer-end" }, this.pickers.models, this.dictation.element, this.send, this.stop),
      ),
    );
    this.drop = element(
      "div",
      { id: "drop", class: "drop", "aria-hidden": "true", hidden: true },
      element("p", {}, ui.text("dropFiles")),
    );
    this.elements = [this.#closed, this.#questions, this.form];
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    this.#field.addEventListener("input", () => this.#fit());
    this.#field.addEventListener("scroll", () => (this.#mirror.scrollTop = this.#field.scrollTop));
    this.#acceptFiles();
    this.configure();
  }

  /** Shows what the options say. */
  configure() {
    const { composer = {}, entities } = this.options();
    this.pickers.configure(composer);
    this.tray.configure(composer.attachments ?? { enabled: false });
    this.dictation.configure(composer.dictation?.enabled === true);
    this.mention.hidden = !(entities?.onTagSearch && entities.showComposerMenu);
    const { unpinned } = this.pickers;
    this.menu.configure(unpinned.length > 0 ? this.#actions() : []);
    this.attach.hidden = !this.tray.isOffered || unpinned.length > 0;
    this.#fit();
  }

  focus() {
    if (this.#panel) this.#panel.focus();
    else this.#field.focus();
  }

  /** @param {ComposerValue} value */
  fill({ text, content, reply, attachments = [], files = [], selectedToolId, selectedModelId }) {
    if (selectedToolId !== undefined) this.pickers.pick(selectedToolId);
    if (selectedModelId !== undefined) this.pickers.pickModel(selectedModelId);
    if (reply !== undefined) this.#quoteReply(reply);
    this.tray.addUploaded(attachments);
    this.tray.add(files);
    if (text !== undefined || content !== undefined) this.#fill(text ?? this.#tags.textOf(content ?? []));
  }

  /**
   * @param {{ isRunning: boolean, canStop: boolean, status: ThreadStatus, question: StructuredInputItem | null }} state
   *   `question` takes over while it is open
   */
  set({ isRunning, canStop, status, question }) {
    this.#isRunning = isRunning;
    this.#canStop = canStop;
    this.#status = status;
    const current = focused(this.form);
    const hadFocus = current !== this.#field && (this.form.contains(current) || this.#questions.contains(current));
    this.send.hidden = isRunning;
    this.stop.hidden = !isRunning;
    this.stop.disabled = !canStop;
    this.#field.disabled = status.type !== "active";
    this.#ask(status.type === "active" && !isRunning ? question : null);
    this.form.hidden = status.type === "closed" || this.#panel !== null;
    this.#closed.hidden = status.type !== "closed";
    this.#closed.textContent = status.type === "closed" ? (status.reason ?? this.ui.text("closed")) : "";
    this.#fit();
    if (hadFocus) this.focus();
  }

  /** What the composer can do, for its menu and its commands. */
  #actions() {
    const attach = { label: this.ui.text("attach"), icon: "clip", pick: () => this.tray.browse() };
    const tools = this.pickers.unpinned.map(({ id, label, icon }) => ({
      label,
      icon,
      pick: () => this.pickers.pick(id),
    }));
    return [...(this.tray.isOffered ? [attach] : []), ...tools];
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (this.completion.take(event)) return;
    // While an input method composes a word, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    if (!this.#canSend) return;
    const content = this.#tags.contentOf(this.#field.value.trim());
    const reply = this.#reply;
    this.#field.value = "";
    this.#quoteReply(undefined);
    this.completion.close();
    const message = { content, attachments: this.tray.take(), options: this.pickers.take(), reply };
    this.#fit();
    this.listener.onSend(message);
  }

  get #canSend() {
    const hasContent = this.#field.value.trim() !== "" || this.tray.hasFiles;
    return hasContent && !this.tray.isUploading && !this.#isRunning && !this.#field.disabled;
  }

  /** @param {KeyboardEvent} event pressed anywhere in the chat */
  escape(event) {
    if (event.key === "Escape" && !this.ui.root.querySelector("dialog[open]")) this.#stopAnswer();
  }

  #stopAnswer() {
    if (!this.#isRunning || !this.#canStop) return;
    this.listener.onStop();
    this.focus();
  }

  /** @param {string | undefined} text */
  #quoteReply(text) {
    this.#reply = text || undefined;
    this.#quote.hidden = !text;
    this.#quote.replaceChildren(
      ...(text
        ? [
            icon("reply"),
            element("span", {}, text),
            iconButton("close", this.ui.text("removeQuote"), () => this.#quoteReply(undefined)),
          ]
        : []),
    );
  }

  /** @param {StructuredInputItem | null} item */
  #ask(item) {
    if (this.#panel?.item.id === item?.id) return;
    this.#panel = item && new QuestionPanel(this.ui, item, (answers) => this.listener.onAnswers(item, answers));
    this.#questions.hidden = item === null;
    this.#questions.replaceChildren(...(this.#panel ? [this.#panel.element] : []));
    this.#panel?.focus();
  }

  /** @param {string} text */
  #fill(text) {
    this.#field.value = text;
    this.#fit();
    this.focus();
  }

  /** As high as its text, up to what the style sheet allows. */
  #fit() {
    const { value } = this.#field;
    this.send.disabled = !this.#canSend;
    const usual = this.pickers.placeholder ?? this.options().composer?.placeholder ?? this.ui.text("placeholder");
    this.#field.placeholder = this.#status.type === "locked" ? (this.#status.reason ?? this.ui.text("locked")) : usual;
    this.#field.style.height = "auto";
    if (this.#field.scrollHeight > 0) this.#field.style.height = `${this.#field.scrollHeight}px`;
    this.#mirror.replaceChildren(
      ...this.#tags
        .split(value)
        .map((part) => (typeof part === "string" ? part : element("span", {}, `@${part.title}`))),
    );
  }

  #acceptFiles() {
    const { root } = this.ui;
    const hasFiles = (/** @type {DragEvent} */ event) =>
      this.tray.isOffered && event.dataTransfer?.types.includes("Files");
    root.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.drop.hidden = false;
    });
    root.addEventListener("dragleave", (event) => {
      if (!root.contains(/** @type {Node | null} */ (event.relatedTarget))) this.drop.hidden = true;
    });
    root.addEventListener("drop", (event) => {
      this.drop.hidden = true;
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.tray.add([...(event.dataTransfer?.files ?? [])]);
    });
    this.#field.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!this.tray.isOffered || files.length === 0) return;
      event.preventDefault();
      this.tray.add(files);
    });
  }
}
