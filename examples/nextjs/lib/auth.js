import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { jwt } from "better-auth/plugins";

// Forgotten when the server stops. A real site names its database here.
const database = (globalThis.database ??= { user: [], session: [], account: [], verification: [], jwks: [] });

export const auth = betterAuth({
  database: memoryAdapter(database),
  emailAndPassword: { enabled: true },
  // The chat backend verifies these tokens with the keys at /api/auth/jwks.
  plugins: [jwt({ jwt: { expirationTime: "5m", definePayload: ({ user }) => ({ name: user.name }) } })],
});
