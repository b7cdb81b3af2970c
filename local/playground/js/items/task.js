/** One step that the assistant took: on its own, or within a workflow. */

import { element, icon } from "../dom.js";
import { namedIcon } from "../icons.js";
import { renderMarkdown } from "../markdown/render.js";
import { sourceChips } from "./sources.js";

/** @typedef {import("../types.js").Task} Task */

const ICONS = { custom: "spark", thought: "thought", web_search: "globe", file: "file", image: "image" };

/**
 * @param {import("../types.js").TaskItem} item
 * @returns {import("./index.js").ItemView}
 */
export function taskItem(item) {
  const view = element("article", { class: "item task-item", "aria-label": "Step" }, taskBody(item.task));
  return { element: view, set: (next) => view.replaceChildren(taskBody(next.task)) };
}

/**
 * @param {Task} task
 * @returns {HTMLElement}
 */
export function taskBody(task) {
  const own = ICONS[task.type] ?? "spark";
  const symbol = task.status_indicator === "complete" ? icon("check") : namedIcon("icon" in task ? task.icon : undefined, own);
  const { title, content } = described(task);
  return element(
    "div",
    { class: "task-body", "data-kind": task.type, "data-status": task.status_indicator },
    symbol,
    element(
      "div",
      {},
      title ? element("strong", {}, title) : null,
      content ? renderMarkdown(content) : null,
      ...sourceChips("sources" in task ? (task.sources ?? []).map((source) => ({ source })) : []),
    ),
  );
}

/** @param {Task} task @returns {{ title?: string, content?: string }} */
function described(task) {
  switch (task.type) {
    case "custom":
    case "thought":
      return task;
    case "web_search":
      return { title: task.title_query ?? task.title ?? "Searched the web", content: task.queries?.map((query) => `- ${query}`).join("\n") };
    case "file":
      return { title: task.title ?? "Read files" };
    case "image":
      return { title: task.title ?? "Made an image" };
  }
}
