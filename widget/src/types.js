/**
 * The part of the ChatKit protocol that the playground reads, as types for the editor.
 *
 * @typedef {{ type: "active" } | { type: "locked" | "closed", reason?: string }} ThreadStatus
 * @typedef {{ id: string, title?: string, created_at: string, status: ThreadStatus,
 *   allowed_image_domains?: string[] }} Thread
 *
 * @typedef {{ type: "file", title: string, description?: string, filename: string }} FileSource
 * @typedef {{ type: "url", title: string, description?: string, url: string, attribution?: string }} UrlSource
 * @typedef {{ type: "entity", title: string, description?: string, id: string,
 *   interactive?: boolean, data?: Record<string, string> }} EntitySource
 * @typedef {FileSource | UrlSource | EntitySource} Source
 * @typedef {{ type: "annotation", source: Source, index?: number }} Annotation
 * @typedef {{ type: "output_text", text: string, annotations: Annotation[] }} AnswerPart
 *
 * @typedef {"none" | "loading" | "complete"} StatusIndicator
 * @typedef {{ type: "custom", status_indicator?: StatusIndicator, title?: string, icon?: string,
 *   content?: string }} CustomTask
 * @typedef {{ type: "thought", status_indicator?: StatusIndicator, title?: string, content: string }} ThoughtTask
 * @typedef {{ type: "web_search", status_indicator?: StatusIndicator, title?: string, title_query?: string,
 *   queries?: string[], sources?: Source[] }} WebSearchTask
 * @typedef {{ type: "file", status_indicator?: StatusIndicator, title?: string, sources?: Source[] }} FileTask
 * @typedef {{ type: "image", status_indicator?: StatusIndicator, title?: string }} ImageTask
 * @typedef {CustomTask | ThoughtTask | WebSearchTask | FileTask | ImageTask} Task
 * @typedef {{ type: "custom" | "reasoning", tasks: Task[], expanded?: boolean,
 *   summary?: { title: string, icon?: string } | { duration: number } }} Workflow
 *
 * @typedef {{ id: string, thread_id: string, created_at: string }} ItemHeader
 * @typedef {{ type: "input_text", text: string } | { type: "input_tag", id: string, text: string, group?: string,
 *   data?: Record<string, unknown>, interactive?: boolean }} UserContent
 * @typedef {{ id: string, name: string, mime_type: string, type: "file" | "image", preview_url?: string,
 *   upload_descriptor?: { url: string, method: "POST" | "PUT", headers?: Record<string, string> } }} Attachment
 * @typedef {ItemHeader & { type: "user_message", content: UserContent[], attachments: Attachment[],
 *   quoted_text?: string }} UserMessage
 * @typedef {ItemHeader & { type: "assistant_message", content: AnswerPart[] }} AssistantMessage
 * @typedef {ItemHeader & { type: "workflow", workflow: Workflow }} WorkflowItem
 * @typedef {ItemHeader & { type: "task", task: Task }} TaskItem
 * @typedef {ItemHeader & { type: "end_of_turn" }} EndOfTurn
 * @typedef {ItemHeader & { type: "client_tool_call", status: "pending" | "completed", call_id: string, name: string,
 *   arguments: Record<string, unknown>, output?: unknown }} ClientToolCall
 * @typedef {ItemHeader & { type: "widget", widget: WidgetNode, copy_text?: string }} WidgetItem
 * @typedef {ItemHeader & { type: "generated_image", image?: GeneratedImage }} GeneratedImageItem
 * @typedef {ItemHeader & { type: "structured_input", status: "pending" | "answered" | "skipped", inputs: Question[]
 *   }} StructuredInputItem
 * @typedef {UserMessage | AssistantMessage | WorkflowItem | TaskItem | EndOfTurn | ClientToolCall | WidgetItem
 *   | GeneratedImageItem | StructuredInputItem} ThreadItem
 *
 * @typedef {{ id: string, url: string }} GeneratedImage
 * @typedef {{ values?: string[], skipped?: boolean }} QuestionAnswer
 * @typedef {{ type: "multiple_choice", id: string, question: string, answer?: QuestionAnswer, options: { value:
 *   string }[],
 *   multiple?: boolean } | { type: "freeform", id: string, question: string, answer?: QuestionAnswer,
 *   description?: string }} Question
 * @typedef {{ status: "answered" | "skipped", answers: Record<string, QuestionAnswer> }} Answers
 *
 * @typedef {{ type: string, id?: string, key?: string, children?: (WidgetNode | null)[] | WidgetNode,
 *   [property: string]: any }} WidgetNode
 * @typedef {{ type: string, payload?: any, handler?: "server" | "client", streaming?: boolean,
 *   loadingBehavior?: "auto" | "none" | "self" | "container" }} WidgetAction
 *
 * @typedef {{ type: "assistant_message.content_part.added", content_index: number, content: AnswerPart }
 *   | { type: "assistant_message.content_part.text_delta", content_index: number, delta: string }
 *   | { type: "assistant_message.content_part.annotation_added", content_index: number, annotation_index: number,
 *       annotation: Annotation }
 *   | { type: "assistant_message.content_part.done", content_index: number, content: AnswerPart }
 *   | { type: "workflow.task.added" | "workflow.task.updated", task_index: number, task: Task }
 *   | { type: "widget.streaming_text.value_delta", component_id: string, delta: string, done: boolean }
 *   | { type: "widget.root.updated", widget: WidgetNode }
 *   | { type: "widget.component.updated", component_id: string, component: WidgetNode }
 *   | { type: "generated_image.updated", image: GeneratedImage, progress?: number }} ItemUpdate
 *
 * @typedef {{ type: "notice", level: "info" | "warning" | "danger", message: string, title?: string }} Notice
 * @typedef {{ type: "error", code: string, message?: string, allow_retry?: boolean }} ErrorEvent
 * @typedef {{ type: "thread.created" | "thread.updated", thread: Thread }
 *   | { type: "thread.item.added" | "thread.item.done" | "thread.item.replaced", item: ThreadItem }
 *   | { type: "thread.item.updated", item_id: string, update: ItemUpdate }
 *   | { type: "thread.item.removed", item_id: string }
 *   | { type: "stream_options", stream_options: { allow_cancel: boolean } }
 *   | { type: "progress_update", text: string }
 *   | { type: "client_effect", name: string, data?: Record<string, any> }
 *   | Notice | ErrorEvent} StreamEvent
 */

/**
 * @template T
 * @typedef {{ data: T[], has_more: boolean, after?: string }} Page
 */

export {};
