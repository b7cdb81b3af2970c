import { Webhook } from "standardwebhooks";

export async function POST(request) {
  let call;
  try {
    const webhook = new Webhook(process.env.TOOL_SIGNING_SECRET);
    call = webhook.verify(await request.text(), Object.fromEntries(request.headers));
  } catch {
    return new Response(null, { status: 401 });
  }
  // `user` is the signed-in user, verified by the backend; the model cannot change it.
  const { arguments: values, user } = call.data;
  return Response.json({ output: { asked: values.query, found: "blue mug, 12 EUR", customer: user.name } });
}
