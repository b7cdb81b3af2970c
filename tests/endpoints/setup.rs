//! The secret that calls are signed with.

use chatkit_shared::assistant::Assistant;
use chatkit_shared::clock::Clock;
use chatkit_shared::endpoints::Endpoints;
use chatkit_shared::env::Env;
use chatkit_shared::webhooks::Signer;
use serde_json::json;

use crate::harness::outside::{client, outside};
use crate::harness::site::SIGNING_SECRET;

fn fault(document: &serde_json::Value, secret: &str) -> Option<String> {
    let env = Env::from_iter([
        ("AWS_REGION", "here"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("ASSISTANT", &document.to_string()),
        ("TOOL_SIGNING_SECRET", secret),
    ]);
    let secret = outside(&env, &Clock::system()).secrets.secret(&env, Signer::SECRET);
    let has_endpoints = Assistant::from_env(&env).unwrap().has_endpoints();
    let endpoints = secret.and_then(|signer| Endpoints::new(has_endpoints, client(), signer));
    endpoints.err().map(|error| error.to_string())
}

#[test]
fn endpoints_without_a_signing_secret_stop_the_start() {
    const MISSING: &str = "`TOOL_SIGNING_SECRET` or `TOOL_SIGNING_SECRET_ARN` must be set to the secret that calls of \
                           the endpoints in `ASSISTANT` are signed with";
    let actions = json!({ "actions": { "url": "https://shop.example/actions" } });
    let server = json!({ "tools": [
        { "type": "function", "name": "a", "run": "client" },
        { "type": "function", "name": "b", "run": { "url": "http://[::1]:8080/" } },
    ] });
    let client = json!({ "tools": [{ "type": "function", "name": "a", "run": "client" }] });
    for document in [&actions, &server] {
        assert_eq!(fault(document, "").as_deref(), Some(MISSING));
        assert_eq!(fault(document, SIGNING_SECRET), None);
    }
    for document in [&client, &json!({})] {
        assert_eq!(fault(document, ""), None);
    }
}

#[test]
fn signing_secret_in_another_form_stops_the_start() {
    const WANTS: &str =
        "`TOOL_SIGNING_SECRET` must be the base64 of 24 bytes or more, with `whsec_` in front or without";
    let raw = SIGNING_SECRET.strip_prefix("whsec_").unwrap();
    let short = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7o=";
    for secret in ["whsec_", short, "whsec_not base64", &format!("{SIGNING_SECRET}="), &format!("WHSEC_{raw}")] {
        assert_eq!(fault(&json!({}), secret).as_deref(), Some(WANTS), "{secret}");
    }
    assert_eq!(fault(&json!({}), raw), None, "Secrets Manager makes secrets without a prefix");
}
