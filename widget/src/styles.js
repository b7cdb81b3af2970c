/** The style sheets, as one that every chat of a page shares. Adopted ones need no exception of the page's policy. */

import base from "../css/base.css";
import composer from "../css/composer.css";
import controls from "../css/controls.css";
import conversation from "../css/conversation.css";
import history from "../css/history.css";
import items from "../css/items.css";
import layout from "../css/layout.css";
import media from "../css/media.css";
import menus from "../css/menus.css";
import prose from "../css/prose.css";
import questions from "../css/questions.css";
import widgetData from "../css/widget-data.css";
import widgetFields from "../css/widget-fields.css";
import widgets from "../css/widgets.css";

const TEXTS = [
  base,
  layout,
  controls,
  history,
  conversation,
  items,
  media,
  prose,
  composer,
  menus,
  questions,
  widgets,
  widgetData,
  widgetFields,
];
/** @type {CSSStyleSheet | null} */
let made = null;

export function styleSheet() {
  if (made) return made;
  made = new CSSStyleSheet();
  made.replaceSync(TEXTS.join("\n"));
  return made;
}
