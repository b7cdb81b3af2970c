//! Tokens, genuine and forged.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chatkit_shared::env::Env;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// A JWT with any header and claims, whose signature is an HMAC with this secret and hash, whatever the header says.
pub(crate) fn sign(header: &Value, claims: &Value, secret: &str, hash: Algorithm) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, hash).unwrap();
    format!("{message}.{signature}")
}

/// A user token of the site with these claims.
pub(crate) fn user_token(env: &Env, claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    sign(&header, claims, env.get("JWT_SECRET").unwrap(), Algorithm::HS256)
}

/// The header and the claims of a token.
pub(crate) fn read(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

/// One part of a token.
pub(crate) fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}
