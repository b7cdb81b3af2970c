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
  show(theme);
}

/** What was chosen before. @returns {Theme} */
export function restoredTheme() {
  const theme = localStorage.getItem(KEY);
  return isTheme(theme) ? theme : "system";
}

/** @param {Theme} theme */
function show(theme) {
  document.documentElement.dataset.theme = theme;
  dispatchEvent(new CustomEvent("themechange"));
}

show(restoredTheme());
