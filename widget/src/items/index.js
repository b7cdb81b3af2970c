/**
 * What a thread consists of, on the screen. A new kind of item is one file beside this one and one line in the table.
 *
 * @typedef {import("../types.js").ThreadItem} ThreadItem
 *
 * @typedef {object} ItemActions what an item's buttons do
 * @property {import("../ui.js").Ui} ui
 * @property {import("../entities.js").Entities} entities
 * @property {(itemId: string, kind: "positive" | "negative") => Promise<boolean>} rate whether it was taken
 * @property {() => void} retry
 * @property {(item: { id: string, widget: import("../types.js").WidgetNode }, action:
 *   import("../types.js").WidgetAction) => Promise<void>} act does what a widget's button
 *   says
 * @property {(host: string) => boolean} mayShow whether images may come from there
 *
 * @typedef {object} ItemView
 * @property {HTMLElement} element
 * @property {(item: any) => void} set shows the item as it is stored
 * @property {(update: any) => void} [update] applies an update while the item is being made
 * @property {() => void} [settle] nothing more will come, though the item was not finished
 * @property {() => string} [spoken] what a screen reader hears when the item is there
 */

import { assistantMessage } from "./assistant-message.js";
import { card } from "./card.js";
import { clientToolCall } from "./client-tool-call.js";
import { generatedImage } from "./generated-image.js";
import { structuredInput } from "./structured-input.js";
import { taskItem } from "./task.js";
import { userMessage } from "./user-message.js";
import { widget } from "./widget.js";
import { workflow } from "./workflow.js";

/** @type {Record<string, ((item: any, actions: ItemActions) => ItemView) | null>} `null`: nothing is shown. */
const RENDERERS = {
  user_message: userMessage,
  assistant_message: assistantMessage,
  workflow,
  task: taskItem,
  widget,
  generated_image: generatedImage,
  structured_input: structuredInput,
  client_tool_call: clientToolCall,
  end_of_turn: null,
};

/**
 * @param {ThreadItem} item
 * @param {ItemActions} actions
 * @returns {ItemView | null} a view of the item as it begins; `set` completes it
 */
export function renderItem(item, actions) {
  const renderer = item.type in RENDERERS ? RENDERERS[item.type] : card;
  return renderer && renderer(item, actions);
}
