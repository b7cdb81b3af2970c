/** One step that the assistant took: on its own, or within a workflow. */

import { element } from "../dom.js";
import { icon, namedIcon } from "../icons.js";
import { renderMarkdown } from "../markdown/render.js";
import { sourceChips } from "./sources.js";

/** @typedef {import("../types.js").Task} Task */

const ICONS = { custom: "spark", thought: "thought", web_search: "globe", file: "file", image: "image" };

/**
 * @param {import("../types.js").TaskItem} item
 * @param {import("./index.js").ItemActions} actions
 * @returns {import("./index.js").ItemView}
 */
export function taskItem(item, { ui }) {
  const view = element("article", { class: "item task-item", "aria-label": ui.text("step") }, taskBody(ui, item.task));
  return { element: view, set: (next) => view.replaceChildren(taskBody(ui, next.task)) };
}

/**
 * @param {import("../ui.js").Ui} ui
 * @param {Task} task
 * @returns {HTMLElement}
 */
export function taskBody(ui, task) {
  const own = ICONS[task.type] ?? "spark";
  const symbol =
    task.status_indicator === "complete" ? icon("check") : namedIcon("icon" in task ? task.icon : undefined, own);
  const { title, content } = described(ui, task);
  return element(
    "div",
    { class: "task-body", "data-kind": task.type, "data-status": task.status_indicator },
    symbol,
    element(
      "div",
      {},
      title ? element("strong", {}, title) : null,
      content ? renderMarkdown(ui, content) : null,
      ...sourceChips(ui, "sources" in task ? (task.sources ?? []).map((source) => ({ source })) : []),
    ),
  );
}

/** @param {import("../ui.js").Ui} ui @param {Task} task @returns {{ title?: string, content?: string }} */
function described(ui, task) {
  switch (task.type) {
    case "custom":
    case "thought":
      return task;
    case "web_search":
      return {
        title: task.title_query ?? task.title ?? ui.text("searchedWeb"),
        content: task.queries?.map((query) => `- ${query}`).join("\n"),
      };
    case "file":
      return { title: task.title ?? ui.text("readFiles") };
    case "image":
      return { title: task.title ?? ui.text("drewImage") };
  }
}
