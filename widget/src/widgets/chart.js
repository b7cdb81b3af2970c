/** Charts: a drawing for the eye, and the numbers as a table for everybody else. */

import { element, svg } from "../dom.js";
import { colour, length } from "./style.js";

/**
 * @typedef {{ type: "bar" | "line" | "area", dataKey: string, label?: string, color?: unknown, stack?: string }}
 * Series
 */

const PALETTE = ["blue-400", "orange-400", "green-400", "purple-400", "pink-400", "yellow-500"];
const WIDTH = 600;
const HEIGHT = 240;
/** Room for the labels below and beside. */
const BOTTOM = 24;
const LEFT = 40;

/** @type {import("./render.js").Component} */
export const chart = (node, { ui }) => {
  /** @type {Record<string, any>[]} */
  const rows = Array.isArray(node.data) ? node.data : [];
  /** @type {Series[]} */
  const series = Array.isArray(node.series) ? node.series : [];
  const axis = typeof node.xAxis === "string" ? { dataKey: node.xAxis } : (node.xAxis ?? {});
  const labels = rows.map((row) => String(axis.labels?.[row[axis.dataKey]] ?? row[axis.dataKey] ?? ""));
  const colours = series.map(({ color: tone }, index) => colour(tone) ?? colour(PALETTE[index % PALETTE.length]) ?? "");
  const made = element(
    "figure",
    { class: "widget-chart" },
    drawing(rows, series, colours, axis.hide ? [] : labels, node.showYAxis === true, ui.language),
    node.showLegend === false ? null : legend(series, colours),
    numbers(rows, series, labels),
  );
  made.style.height = length(node.height ?? node.size);
  made.style.width = length(node.width);
  return made;
};

/**
 * @param {Record<string, any>[]} rows
 * @param {Series[]} series
 * @param {string[]} colours
 * @param {string[]} labels
 * @param {boolean} hasScale
 * @param {string} language
 */
function drawing(rows, series, colours, labels, hasScale, language) {
  const value = (/** @type {Record<string, any>} */ row, /** @type {Series} */ { dataKey }) =>
    Number(row[dataKey]) || 0;
  const values = rows.flatMap((row) => series.map((one) => value(row, one)));
  const most = Math.max(1, ...values);
  const least = Math.min(0, ...values);
  const left = hasScale ? LEFT : 0;
  const floor = HEIGHT - (labels.length > 0 ? BOTTOM : 4);
  const y = (/** @type {number} */ number) => 6 + (floor - 6) * (1 - (number - least) / (most - least));
  const step = (WIDTH - left) / Math.max(1, rows.length);
  const middle = (/** @type {number} */ index) => left + step * (index + 0.5);
  const bars = series.filter(({ type }) => type === "bar");
  const drawn = [0, 0.5, 1].map((share) => {
    const number = least + (most - least) * share;
    return svg(
      "g",
      { class: "widget-chart-scale" },
      svg("line", { x1: left, x2: WIDTH, y1: y(number), y2: y(number) }),
      ...(hasScale
        ? [
            svg(
              "text",
              { x: left - 6, y: y(number) + 4, "text-anchor": "end" },
              number.toLocaleString(language, { notation: "compact" }),
            ),
          ]
        : []),
    );
  });
  series.forEach((one, index) => {
    const points = rows.map((row, column) => `${middle(column)},${y(value(row, one))}`).join(" ");
    if (one.type === "bar") {
      const width = Math.min(36, (step * 0.7) / bars.length);
      const offset = (bars.indexOf(one) - bars.length / 2) * width;
      rows.forEach((row, column) => {
        const [top, bottom] = [y(Math.max(0, value(row, one))), y(Math.min(0, value(row, one)))];
        drawn.push(
          svg("rect", {
            x: middle(column) + offset + 1,
            y: top,
            width: width - 2,
            height: Math.max(1, bottom - top),
            rx: 3,
            fill: colours[index],
          }),
        );
      });
    } else {
      if (one.type === "area" && rows.length > 0) {
        drawn.push(
          svg("polygon", {
            points: `${middle(0)},${y(0)} ${points} ${middle(rows.length - 1)},${y(0)}`,
            fill: colours[index],
            "fill-opacity": 0.18,
          }),
        );
      }
      drawn.push(
        svg("polyline", {
          points,
          fill: "none",
          stroke: colours[index],
          "stroke-width": 2.5,
          "stroke-linejoin": "round",
          "stroke-linecap": "round",
        }),
      );
    }
  });
  // Labels that would run into each other are left out.
  const every = Math.ceil((labels.length * 64) / WIDTH) || 1;
  labels.forEach((label, index) => {
    if (index % every === 0)
      drawn.push(svg("text", { x: middle(index), y: HEIGHT - 6, "text-anchor": "middle" }, label));
  });
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, ...drawn);
}

/** @param {Series[]} series @param {string[]} colours */
function legend(series, colours) {
  return element(
    "ul",
    { class: "widget-legend", "aria-hidden": "true" },
    ...series.map(({ label, dataKey }, index) => {
      const mark = element("span", {});
      mark.style.background = colours[index];
      return element("li", {}, mark, label ?? dataKey);
    }),
  );
}

/** @param {Record<string, any>[]} rows @param {Series[]} series @param {string[]} labels */
function numbers(rows, series, labels) {
  return element(
    "table",
    { class: "visually-hidden" },
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("td", {}),
        ...series.map(({ label, dataKey }) => element("th", { scope: "col" }, label ?? dataKey)),
      ),
    ),
    element(
      "tbody",
      {},
      ...rows.map((row, index) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, labels[index]),
          ...series.map(({ dataKey }) => element("td", {}, String(row[dataKey] ?? ""))),
        ),
      ),
    ),
  );
}
