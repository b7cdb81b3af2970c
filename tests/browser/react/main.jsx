// A site that uses the official React package as its documentation says, with our widget in place of OpenAI's script.
import { ChatKit, useChatKit } from "@openai/chatkit-react";
import { createElement, useState } from "react";
import { createRoot } from "react-dom/client";
import "../../../widget/dist/chatkit.js";

const events = (window.events = []);
const note = (name) => (detail) => events.push({ name, detail });

function Page() {
  const [theme, setTheme] = useState("light");
  const chat = useChatKit({
    api: { url: "/chatkit", domainKey: "local", fetch: (...request) => fetch(...request) },
    theme,
    startScreen: { greeting: "Hello from React", prompts: [{ label: "Begin", prompt: "Let us begin" }] },
    onClientTool: async ({ name, params }) => {
      setTheme(params.theme);
      return { done: name };
    },
    onReady: note("ready"),
    onThreadChange: note("thread"),
    onResponseStart: note("start"),
    onResponseEnd: note("end"),
    onEffect: note("effect"),
    onError: note("error"),
  });
  window.chat = chat;
  return createElement(ChatKit, { control: chat.control, style: { height: "90vh" } });
}

createRoot(document.getElementById("root")).render(createElement(Page));
