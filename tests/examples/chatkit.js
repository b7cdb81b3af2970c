// In the place of OpenAI's script, which the tests do not load: keeps the options that the page sets, and converses with them.
customElements.define(
  "openai-chatkit",
  class extends HTMLElement {
    /** Exactly what a ChatKit of one's own server needs. */
    setOptions({ api: { url, domainKey, fetch, ...more } }) {
      if (!domainKey || !fetch || Object.keys(more).length > 0) throw new Error("ChatKit would refuse these options");
      this.send = (operation) => {
        const headers = { "content-type": "application/json", accept: "text/event-stream, application/json" };
        return fetch(url, { method: "POST", headers, body: JSON.stringify(operation) });
      };
      this.dataset.ready = "";
    }

    /** An operation that is answered in JSON. */
    async ask(type, params) {
      const response = await this.send({ type, params });
      return { status: response.status, answer: await response.json() };
    }

    /** Begins a thread, and shows what the assistant writes. */
    async converse(text) {
      const input = { content: [{ type: "input_text", text }], attachments: [], inference_options: {} };
      const response = await this.send({ type: "threads.create", params: { input } });
      const events = [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(([, event]) => JSON.parse(event));
      const answers = events.filter(({ type, item }) => type === "thread.item.done" && item.type === "assistant_message");
      this.textContent = answers.map(({ item }) => item.content[0].text).join("\n");
      return events[0].thread?.id;
    }
  },
);
