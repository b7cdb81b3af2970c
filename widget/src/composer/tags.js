/** The tags in a text that is being written: `@Title`, wherever it stands, names the entity that was picked. */

/** @typedef {import("../types.js").UserContent} UserContent */
/** @typedef {import("../entities.js").Entity} Entity */

export class Tags {
  /** By their title. @type {Map<string, Entity>} */
  #picked = new Map();

  /** @param {Entity} entity @returns {string} what stands for it in the text */
  add(entity) {
    this.#picked.set(entity.title, entity);
    return `@${entity.title}`;
  }

  /** @param {string} text @returns {UserContent[]} */
  contentOf(text) {
    const parts = this.split(text).map((part) => (typeof part === "string" ? textPart(part) : tagPart(part)));
    return parts.filter((part) => part.type !== "input_text" || part.text !== "");
  }

  /** @param {UserContent[]} content @returns {string} the text that stands for it */
  textOf(content) {
    return content
      .map((part) => {
        if (part.type === "input_text") return part.text;
        const data = /** @type {Record<string, string>} */ (part.data);
        return this.add({ id: part.id, title: part.text, group: part.group, data, interactive: part.interactive });
      })
      .join("");
  }

  /** @param {string} text @returns {(string | Entity)[]} */
  split(text) {
    /** @type {(string | Entity)[]} */
    const parts = [];
    // The longest first: one title may begin with another.
    const titles = [...this.#picked.keys()].sort((a, b) => b.length - a.length);
    let start = 0;
    for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
      const title = titles.find((candidate) => text.startsWith(candidate, at + 1));
      if (title === undefined || at < start) continue;
      parts.push(text.slice(start, at), /** @type {Entity} */ (this.#picked.get(title)));
      start = at + 1 + title.length;
    }
    return [...parts, text.slice(start)];
  }
}

/** @param {string} text @returns {UserContent} */
const textPart = (text) => ({ type: "input_text", text });

/** @param {Entity} entity @returns {UserContent} */
const tagPart = ({ id, title, group, data = {}, interactive = false }) => ({
  type: "input_tag",
  id,
  text: title,
  data,
  interactive,
  ...(group ? { group } : {}),
});
