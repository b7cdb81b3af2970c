"use client";
import { ChatKit, useChatKit } from "@openai/chatkit-react";
import { createAuthClient } from "better-auth/react";
import { useMemo, useState } from "react";
import { sessionFetch } from "./chatkit-session.js";

const API = process.env.NEXT_PUBLIC_CHAT_API;
const { signIn, signUp, signOut, useSession } = createAuthClient();

/** The user token, which Better Auth's plugin `jwt` makes for the signed-in user. */
async function token() {
  const response = await fetch("/api/auth/token");
  return (await response.json()).token;
}

function Chat({ user }) {
  const fetchAsUser = useMemo(() => sessionFetch(API, { id: user.id, token }), [user.id]);
  const { control } = useChatKit({ api: { url: `${API}/chatkit`, domainKey: "local", fetch: fetchAsUser } });
  const leave = () => fetchAsUser.signOut().finally(() => signOut());
  return (
    <>
      <p>Hello {user.name} <button onClick={leave}>Sign out</button></p>
      <ChatKit control={control} style={{ height: 600 }} />
    </>
  );
}

export default function Page() {
  const { data, isPending } = useSession();
  const [problem, setProblem] = useState("");
  if (isPending) return null;
  if (data) return <Chat key={data.user.id} user={data.user} />;

  async function submit(event) {
    event.preventDefault();
    const { email, password } = Object.fromEntries(new FormData(event.target));
    const isNew = event.nativeEvent.submitter.value === "new";
    const { error } = isNew
      ? await signUp.email({ email, password, name: email.split("@")[0] })
      : await signIn.email({ email, password });
    setProblem(error?.message ?? "");
  }

  return (
    <form onSubmit={submit}>
      <input name="email" type="email" placeholder="E-mail" required />
      <input name="password" type="password" placeholder="Password" minLength={8} required />
      <button value="new">Sign up</button> <button value="known">Sign in</button>
      <p role="alert">{problem}</p>
    </form>
  );
}
