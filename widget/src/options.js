/**
 * ChatKit's options, as the official types of `@openai/chatkit` 1.9.0 name them. What `theme`, `colorScheme` may be
 * is wider here: `system`
 * follows the person's computer.
 *
 * @typedef {{ id: string, url?: string }} Named
 * @typedef {{ label: string, prompt: string | import("./types.js").UserContent[], icon?: string }} Prompt
 *
 * @typedef {object} Options
 * @property {import("./api.js").ApiOptions} api
 * @property {string} [locale]
 * @property {import("./theme.js").ColorScheme | import("./theme.js").Theme} [theme]
 * @property {string} [frameTitle]
 * @property {string | null} [initialThread]
 * @property {(call: { name: string, params: Record<string, unknown> }) => unknown} [onClientTool]
 * @property {import("./header.js").HeaderOptions} [header]
 * @property {{ enabled?: boolean, showDelete?: boolean, showRename?: boolean }} [history]
 * @property {{ greeting?: string, prompts?: Prompt[] }} [startScreen]
 * @property {{ feedback?: boolean, retry?: boolean }} [threadItemActions]
 * @property {{ placeholder?: string, attachments?: import("./composer/attachments.js").Limits,
 *   tools?: import("./composer/pickers.js").Tool[], models?: import("./composer/pickers.js").Model[],
 *   dictation?: { enabled: boolean } }} [composer]
 * @property {{ text: string, highContrast?: boolean }} [disclaimer]
 * @property {import("./entities.js").EntitiesOptions} [entities]
 * @property {import("./composer/completion.js").CommandsOptions} [commands]
 * @property {{ onAction?: (action: { type: string, payload?: any },
 *   item: { id: string, widget: import("./types.js").WidgetNode }) => Promise<void> }} [widgets]
 * @property {{ autoScroll?: boolean }} [thread]
 */

export {};
