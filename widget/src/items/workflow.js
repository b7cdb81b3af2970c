/** Steps in a block that opens while they happen and closes when they are done. */

import { element } from "../dom.js";
import { icon } from "../icons.js";
import { taskBody } from "./task.js";

/** @typedef {import("../types.js").Workflow} Workflow */
/** @typedef {import("../types.js").WorkflowItem} WorkflowItem */

/**
 * @param {WorkflowItem} item
 * @param {import("./index.js").ItemActions} actions
 * @returns {import("./index.js").ItemView}
 */
export function workflow(item, { ui }) {
  let { workflow: current } = structuredClone(item);
  const label = element("span", { class: "workflow-label" });
  const tasks = element("ol", { class: "tasks" });
  const symbol = current.type === "reasoning" ? "thought" : "spark";
  const summary = element("summary", {}, icon(symbol), label, icon("chevron"));
  const view = element("details", { class: "item workflow", "data-growing": true, open: true }, summary, tasks);
  let wasToggled = false;
  summary.addEventListener("click", () => {
    wasToggled = true;
  });

  /** @param {number} index */
  const drawTask = (index) => {
    const made = element("li", {}, taskBody(ui, current.tasks[index]));
    if (tasks.children[index]) tasks.children[index].replaceWith(made);
    else tasks.append(made);
    tasks.scrollTop = tasks.scrollHeight;
  };
  const draw = () => {
    tasks.replaceChildren();
    current.tasks.forEach((_, index) => drawTask(index));
  };
  const settle = () => {
    view.removeAttribute("data-growing");
    label.textContent = endLabel(ui, current);
    if (!wasToggled) view.open = current.expanded === true;
  };

  const drawLabel = () => {
    const task = current.tasks.findLast(({ status_indicator: status }) => status === "loading");
    const title = task && "title" in task && task.title;
    label.textContent = title || ui.text(current.type === "reasoning" ? "thinking" : "working");
  };

  drawLabel();
  draw();
  return {
    element: view,
    set(next) {
      current = structuredClone(next.workflow);
      draw();
      settle();
    },
    update(update) {
      if (update.type !== "workflow.task.added" && update.type !== "workflow.task.updated") return;
      current.tasks[update.task_index] = update.task;
      drawTask(update.task_index);
      drawLabel();
    },
    settle,
  };
}

/** @param {import("../ui.js").Ui} ui @param {Workflow} workflow */
function endLabel(ui, { type, summary }) {
  if (summary && "title" in summary) return summary.title;
  if (summary) return summary.duration < 1 ? ui.text("thoughtBriefly") : ui.text("thoughtFor", summary.duration);
  return ui.text(type === "reasoning" ? "thoughts" : "steps");
}
