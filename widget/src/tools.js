/** The page's own tools, which the model may call. */

/**
 * @param {import("./options.js").Options} options
 * @param {import("./types.js").ClientToolCall} call
 * @returns {Promise<unknown>} what the tool returned, or `{error}` for the model to read
 */
export async function runTool({ onClientTool }, { name, arguments: params }) {
  try {
    if (!onClientTool) throw new Error(`this page has no tool \`${name}\``);
    return (await onClientTool({ name, params })) ?? null;
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
