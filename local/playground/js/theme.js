/** Light or dark: as the system, until the user chooses. */

const KEY = "chatkit-playground:theme";

/** @typedef {"light" | "dark" | "system"} Theme */

/** @param {unknown} theme @returns {theme is Theme} */
export function isTheme(theme) {
  return theme === "light" || theme === "dark" || theme === "system";
}

/** @param {Theme} theme kept in this browser */
export function useTheme(theme) {
  localStorage.setItem(KEY, theme);
  document.documentElement.dataset.theme = theme;
}

/** Shows what was chosen before. */
export function restoreTheme() {
  const theme = localStorage.getItem(KEY);
  if (isTheme(theme)) document.documentElement.dataset.theme = theme;
}
