/**
 * The open ChatKit widget: a page that loads this module has the element `<openai-chatkit>`. Where another script
 * has taken
 * that name, ours is `<open-chatkit>`; `chatkit.js?name=my-chat` asks for a name.
 */

import { ChatKitElement } from "./element.js";

const asked = new URL(import.meta.url).searchParams.get("name");
/** The name of the element. */
export const name = asked ?? (customElements.get("openai-chatkit") ? "open-chatkit" : "openai-chatkit");
// A second copy of this module changes nothing.
if (!customElements.get(name)) customElements.define(name, ChatKitElement);
