import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from "node:crypto";
import cookieSession from "cookie-session";
import express from "express";
import jwt from "jsonwebtoken";
import { Webhook } from "standardwebhooks";

// Forgotten when the server stops: the user of each e-mail address.
const users = new Map();
const webhook = new Webhook(process.env.TOOL_SIGNING_SECRET);
const app = express();
app.use(express.static("../page"));

// Before the cookies: the chat backend has none, and signs its calls.
app.post("/chat-tools", express.text({ type: "application/json" }), (request, response) => {
  let call;
  try {
    call = webhook.verify(request.body, request.headers);
  } catch {
    return response.status(401).end();
  }
  // `user` is the signed-in user, verified by the backend; the model cannot change it.
  const { arguments: values, user } = call.data;
  response.json({ output: { asked: values.query, found: "blue mug, 12 EUR", customer: user.name } });
});

app.use(cookieSession({ secret: process.env.SITE_COOKIE_SECRET, sameSite: "lax", httpOnly: true }));
app.use(express.json());

const hash = (password, salt) => scryptSync(password, salt, 32);

app.post("/sign-in", (request, response) => {
  const { email, password } = request.body ?? {};
  if (typeof email !== "string" || typeof password !== "string") return response.status(400).end();
  // An unknown address signs up.
  if (!users.has(email)) {
    const salt = randomBytes(16);
    users.set(email, { id: randomUUID(), name: email.split("@")[0], salt, hash: hash(password, salt) });
  }
  const user = users.get(email);
  if (!timingSafeEqual(user.hash, hash(password, user.salt))) return response.status(401).end();
  request.session.email = email;
  response.status(204).end();
});

app.post("/sign-out", (request, response) => {
  request.session = null;
  response.status(204).end();
});

/** The user token, for the user whom the site's cookie names. */
app.get("/chat-token", (request, response) => {
  const user = users.get(request.session.email);
  if (!user) return response.status(401).json({});
  const token = jwt.sign({ sub: user.id, name: user.name }, process.env.JWT_SECRET, { expiresIn: "5m" });
  response.json({ user: { id: user.id, name: user.name }, token });
});

app.listen(4000, "127.0.0.1");
