/** The style properties that many components share, through the object model: the page allows no inline styles. */

/** @typedef {import("../types.js").WidgetNode} WidgetNode */

const TOKENS = /** @type {Record<string, string>} */ ({
  default: "var(--text)",
  prose: "var(--text)",
  primary: "var(--text)",
  emphasis: "var(--text)",
  secondary: "var(--muted)",
  tertiary: "color-mix(in srgb, var(--muted) 75%, transparent)",
  success: "var(--success)",
  warning: "var(--warning)",
  danger: "var(--danger)",
  info: "var(--info)",
  discovery: "var(--discovery)",
  caution: "var(--warning)",
  surface: "var(--background)",
  "surface-secondary": "var(--surface)",
  "surface-tertiary": "var(--selected)",
  "surface-elevated": "var(--raised)",
  "surface-elevated-secondary": "var(--surface)",
  subtle: "var(--border)",
  strong: "var(--strong-border)",
  white: "#ffffff",
  black: "#000000",
});
const HUES = /** @type {Record<string, number>} */ ({
  red: 25,
  orange: 55,
  yellow: 95,
  green: 150,
  blue: 255,
  purple: 300,
  pink: 350,
  gray: 0,
});
const RADII = /** @type {Record<string, string>} */ ({
  none: "0",
  "2xs": "2px",
  xs: "4px",
  sm: "6px",
  md: "8px",
  lg: "10px",
  xl: "12px",
  "2xl": "16px",
  "3xl": "20px",
  "4xl": "24px",
  full: "999px",
  "100%": "100%",
});
const ALIGN = /** @type {Record<string, string>} */ ({
  start: "flex-start",
  end: "flex-end",
  center: "center",
  baseline: "baseline",
  stretch: "stretch",
  between: "space-between",
  around: "space-around",
  evenly: "space-evenly",
});

/**
 * A colour of ChatKit's: a token, a step of a scale such as `blue-100`, CSS, or `{light, dark}`.
 *
 * @param {unknown} value
 * @returns {string | null}
 */
export function colour(value) {
  if (typeof value === "object" && value !== null && "light" in value && "dark" in value) {
    const [light, dark] = [colour(value.light), colour(value.dark)];
    return light && dark && `light-dark(${light}, ${dark})`;
  }
  if (typeof value !== "string") return null;
  if (Object.hasOwn(TOKENS, value)) return TOKENS[value];
  const alpha = /^alpha-(\d{2})$/.exec(value);
  if (alpha) return `color-mix(in srgb, var(--text) ${alpha[1]}%, transparent)`;
  const [, hue, step] = /^([a-z]+)-(\d{1,4})$/.exec(value) ?? [];
  if (hue && Object.hasOwn(HUES, hue)) {
    const lightness = Math.max(0.15, 0.99 - Number(step) / 1200);
    return `oklch(${lightness.toFixed(3)} ${hue === "gray" ? 0 : 0.14 * Math.min(1, Number(step) / 300)} ${HUES[hue]})`;
  }
  return CSS.supports("color", value) ? value : null;
}

/** A distance: a number counts steps of 4 pixels. @param {unknown} value */
export function space(value) {
  return typeof value === "number" ? `${value * 0.25}rem` : typeof value === "string" ? value : "";
}

/** A length: a number counts pixels. @param {unknown} value */
export function length(value) {
  return typeof value === "number" ? `${value}px` : typeof value === "string" ? value : "";
}

/**
 * What a box can be: its place in its parent, its size, its distances, border and background.
 *
 * @template {HTMLElement} T
 * @param {T} made
 * @param {WidgetNode} node
 * @returns {T}
 */
export function styled(made, node) {
  const { style } = made;
  style.width = length(node.width ?? node.size);
  style.height = length(node.height ?? node.size);
  style.minWidth = length(node.minWidth ?? node.minSize);
  style.minHeight = length(node.minHeight ?? node.minSize);
  style.maxWidth = length(node.maxWidth ?? node.maxSize);
  style.maxHeight = length(node.maxHeight ?? node.maxSize);
  style.aspectRatio = node.aspectRatio === undefined ? "" : String(node.aspectRatio);
  if (node.flex !== undefined) style.flex = String(node.flex);
  sides(node.padding, (side, value) => style.setProperty(`padding${side}`, space(value)));
  sides(node.margin, (side, value) => style.setProperty(`margin${side}`, space(value)));
  if (node.radius !== undefined) style.borderRadius = RADII[node.radius] ?? "";
  if (node.background !== undefined) style.background = colour(node.background) ?? "";
  if (node.border !== undefined) borders(node.border, style);
  return made;
}

/** How a box arranges what is in it. @param {HTMLElement} made @param {WidgetNode} node */
export function arranged(made, { gap, align, justify, wrap }) {
  made.style.gap = space(gap);
  made.style.alignItems = ALIGN[align] ?? "";
  made.style.justifyContent = ALIGN[justify] ?? "";
  made.style.flexWrap = typeof wrap === "string" ? wrap : "";
}

/** @param {any} value @param {(side: string, value: unknown) => void} set */
function sides(value, set) {
  if (value === undefined || value === null) return;
  if (typeof value !== "object") return set("", value);
  const { x, y, top = y, bottom = y, left = x, right = x } = value;
  for (const [side, distance] of Object.entries({ top, bottom, left, right }))
    if (distance !== undefined) set(`-${side}`, distance);
}

/** @param {any} border @param {CSSStyleDeclaration} style */
function borders(border, style) {
  const line = (/** @type {any} */ value) => {
    const {
      size = 1,
      color: tone,
      style: kind = "solid",
    } = typeof value === "object" && value !== null ? value : { size: value };
    const drawn = ["solid", "dashed", "dotted", "double"].includes(kind) ? kind : "solid";
    return `${Number(size) || 0}px ${drawn} ${colour(tone) ?? "var(--border)"}`;
  };
  if (typeof border !== "object" || border === null || "size" in border) {
    style.border = line(border);
    return;
  }
  sides(border, (side, value) => style.setProperty(`border${side}`, line(value)));
}
