/** ChatKit's theme as custom properties, from which the style sheets compute every colour and distance. */

/**
 * @typedef {"light" | "dark" | "system"} ColorScheme `system` is ours
 * @typedef {{ family: string, src: string, weight?: string | number, style?: string, display?: FontDisplay,
 *   unicodeRange?: string }} Font
 *
 * @typedef {object} Theme
 * @property {ColorScheme} [colorScheme]
 * @property {{ baseSize?: number, fontSources?: Font[], fontFamily?: string, fontFamilyMono?: string }} [typography]
 * @property {"pill" | "round" | "soft" | "sharp"} [radius]
 * @property {"compact" | "normal" | "spacious"} [density]
 * @property {{ grayscale?: { hue: number, tint: number, shade?: number }, accent?: { primary: string, level: number },
 *   surface?: { background: string, foreground: string } }} [color]
 */

/** Of cards, of controls, of the composer and bubbles; in pixels. */
const RADII = { pill: [14, 999, 28, 20], round: [12, 10, 20, 16], soft: [8, 6, 10, 8], sharp: [2, 2, 2, 2] };
const DENSITY = { compact: 0.75, normal: 1, spacious: 1.3 };
/** How much colour one step of tint has, in `oklch`. */
const CHROMA_STEP = 0.004;
/** How much one step of shade lightens or darkens. */
const SHADE_STEP = 0.012;
/** Fonts that were asked for already, on this page. */
const loaded = new Set();

/** @param {HTMLElement} root @param {ColorScheme | Theme} [theme] */
export function applyTheme(root, theme = "light") {
  const {
    colorScheme = "light",
    typography = {},
    radius = "pill",
    density = "normal",
    color = {},
  } = typeof theme === "string" ? { colorScheme: theme } : theme;
  root.dataset.scheme = colorScheme;
  const { grayscale, accent, surface } = color;
  const [card, control, composer, bubble] = RADII[radius] ?? RADII.pill;
  const values = {
    "--rem": `${typography.baseSize ?? 16}px`,
    "--sans": typography.fontFamily,
    "--mono": typography.fontFamilyMono,
    "--density": String(DENSITY[density] ?? 1),
    "--radius": `${card}px`,
    "--radius-control": `${control}px`,
    "--radius-composer": `${composer}px`,
    "--radius-bubble": `${bubble}px`,
    "--hue": grayscale && String(grayscale.hue),
    "--chroma": grayscale && String(grayscale.tint * CHROMA_STEP),
    "--shade": grayscale?.shade === undefined ? undefined : String(grayscale.shade * SHADE_STEP),
    "--accent": accent && CSS.supports("color", accent.primary) ? accent.primary : undefined,
    "--background": surface?.background,
    [isReadable(surface) ? "--text" : "--raised"]: surface?.foreground,
  };
  if (accent) root.dataset.accent = String(accent.level);
  else delete root.dataset.accent;
  for (const name of ["--text", "--raised"]) root.style.removeProperty(name);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) root.style.removeProperty(name);
    else root.style.setProperty(name, value);
  }
  for (const font of typography.fontSources ?? []) load(font);
}

/**
 * Whether the foreground is a colour for text: some sites name the colour of raised boxes.
 *
 * @param {{ background: string, foreground: string } | undefined} surface
 */
function isReadable(surface) {
  if (!surface) return true;
  const [one, other] = [luminance(surface.background), luminance(surface.foreground)].sort((a, b) => a - b);
  return (other + 0.05) / (one + 0.05) >= 3;
}

/** @param {string} colour in CSS @returns {number} from 0 to 1 */
function luminance(colour) {
  const drawing = new OffscreenCanvas(1, 1).getContext("2d");
  if (!drawing) return 0;
  drawing.fillStyle = colour;
  drawing.fillRect(0, 0, 1, 1);
  const [red, green, blue] = [...drawing.getImageData(0, 0, 1, 1).data].map((value) => (value / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {Font} font */
function load({ family, src, weight = "normal", style = "normal", display = "swap", unicodeRange }) {
  const key = JSON.stringify([family, src, weight, style]);
  if (loaded.has(key)) return;
  loaded.add(key);
  const descriptors = { weight: String(weight), style, display, ...(unicodeRange ? { unicodeRange } : {}) };
  const face = new FontFace(family, `url(${JSON.stringify(new URL(src, location.href).href)})`, descriptors);
  document.fonts.add(face);
  // A font that does not come is replaced by the next of its family.
  face.load().catch(() => {});
}
