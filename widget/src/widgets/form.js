/** The values of a widget's fields. Each field is an element with `data-name`, the name that the server knows it by. */

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Field */

/**
 * What the fields in here say, as the server gets it: a dotted name nests.
 *
 * @param {Element} root
 * @returns {Record<string, unknown>}
 */
export function collect(root) {
  const values = /** @type {Record<string, unknown>} */ (Object.create(null));
  for (const field of fields(root)) {
    if (isToggle(field) && field.type === "radio" && !field.checked) continue;
    nest(values, field.dataset.name ?? "", valueOf(field));
  }
  return values;
}

/** @param {Field} field */
export function valueOf(field) {
  return isToggle(field) && field.type === "checkbox" ? field.checked : field.value;
}

/**
 * @param {Record<string, any>} values
 * @param {string} name
 * @param {unknown} value
 */
export function nest(values, name, value) {
  const path = name.split(".");
  const last = path.pop() ?? "";
  let place = values;
  for (const step of path) {
    if (typeof place[step] !== "object" || place[step] === null) place[step] = Object.create(null);
    place = place[step];
  }
  place[last] = value;
}

/** What was typed and picked, to be put back. @param {Element} root */
export function fieldValues(root) {
  return new Map(
    fields(root)
      .filter((field) => state(field) !== initial(field))
      .map((field) => [key(field), { initial: initial(field), state: state(field) }]),
  );
}

/**
 * Puts values back, where the field is still the one that they were given to.
 *
 * @param {Element} root
 * @param {ReturnType<typeof fieldValues>} values
 */
export function restoreFields(root, values) {
  for (const field of fields(root)) {
    const kept = values.get(key(field));
    if (!kept || kept.initial !== initial(field)) continue;
    if (isToggle(field)) field.checked = kept.state === "true";
    else field.value = kept.state;
  }
}

/** @param {Element} root @returns {Field[]} */
function fields(root) {
  return [...root.querySelectorAll("[data-name]")].filter(
    (field) =>
      field instanceof HTMLInputElement || field instanceof HTMLSelectElement || field instanceof HTMLTextAreaElement,
  );
}

/** @param {Field} field @returns {field is HTMLInputElement} */
function isToggle(field) {
  return field instanceof HTMLInputElement && (field.type === "checkbox" || field.type === "radio");
}

/** @param {Field} field */
function key(field) {
  return JSON.stringify([field.dataset.name, field.type, field.type === "radio" ? field.value : null]);
}

/** @param {Field} field */
function state(field) {
  return isToggle(field) ? String(field.checked) : field.value;
}

/** @param {Field} field */
function initial(field) {
  if (isToggle(field)) return String(field.defaultChecked);
  if (field instanceof HTMLSelectElement)
    return [...field.options].find((option) => option.defaultSelected)?.value ?? field.options[0]?.value ?? "";
  return field.defaultValue;
}
