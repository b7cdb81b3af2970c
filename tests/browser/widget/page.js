// The site's page. It notes which options and parameters the widget reads, and which events come.
import { name } from "/chatkit.js";

const EVENTS = [
  "ready",
  "error",
  "effect",
  "deeplink",
  "response.start",
  "response.end",
  "history.open",
  "history.close",
  "thread.change",
  "thread.load.start",
  "thread.load.end",
  "tool.change",
  "log",
];

const site = {
  name,
  /** Paths of options and parameters. @type {Set<string>} */
  read: new Set(),
  /** Types of events that have ever come. @type {Set<string>} */
  heard: new Set(),
  /** Those of the chat that is open. @type {{ type: string, detail: any }[]} */
  events: [],
  /** What the page's own functions were called with. @type {any[]} */
  calls: [],
  /** @type {any} */
  chat: null,

  /** Opens a chat in place of the one that is there. @param {any} options */
  open(options) {
    site.chat?.remove();
    site.events.length = 0;
    site.calls.length = 0;
    site.chat = document.createElement(name);
    for (const type of EVENTS) {
      site.chat.addEventListener(`chatkit.${type}`, ({ detail }) => {
        site.heard.add(`chatkit.${type}`);
        site.events.push({ type, detail });
      });
    }
    site.set(options);
    document.querySelector("main")?.append(site.chat);
  },

  /** @param {any} options */
  set(options) {
    site.read.add("setOptions");
    site.chat.setOptions(observed({ api: { url: "/chatkit", domainKey: "local" }, ...options }, ""));
  },

  /** Calls a method. @param {string} method @param {...any} parameters */
  call(method, ...parameters) {
    site.read.add(method);
    return site.chat[method](...parameters.map((parameter) => observed(parameter, method)));
  },

  /** What an event of this type said, the newest first. @param {string} type */
  said: (type) =>
    site.events
      .filter((event) => event.type === type)
      .map(({ detail }) => detail)
      .reverse(),
};

/** @param {any} value @param {string} path @returns {any} a value that notes what is read of it */
function observed(value, path) {
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype;
  if (!isPlain) return value;
  return new Proxy(value, {
    get(target, property) {
      const inner = Reflect.get(target, property);
      if (typeof property === "symbol" || !Object.hasOwn(target, property)) return inner;
      if (Array.isArray(target)) return observed(inner, path);
      const own = path === "" ? property : `${path}.${property}`;
      site.read.add(own);
      return observed(inner, own);
    },
  });
}

/** @type {any} */ (window).site = site;
