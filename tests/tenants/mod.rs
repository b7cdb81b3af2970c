//! What tenants configure themselves.

mod context;
mod permissions;
mod plans;
mod prices;
mod settings;
mod stored;

use chatkit_shared::store::SettingsChange;
use serde_json::{Value, json};

use crate::harness::app::{Answer, App, create};
use crate::harness::requests::{Carrying, post};
use crate::harness::responses::answer;
use crate::harness::tokens::user_token;

/// The functions with a table for settings.
async fn with<const N: usize>(variables: [(&str, &str); N]) -> App {
    let mut all = vec![("TABLE_SETTINGS", "settings")];
    all.extend(variables);
    let clock = chatkit_shared::clock::Clock::fixed(crate::harness::app::NOW.parse().unwrap());
    let app = App::at(clock, &all).await;
    app.model.by(|_| answer("Hello"));
    app
}

impl App {
    /// Makes a document the settings of a tenant that count, as an operator does it, checked or not.
    async fn put_settings(&self, tenant: &str, document: &Value) {
        let put = self.dynamo.settings().put(tenant, &document.to_string(), self.clock.now()).await.unwrap();
        assert!(matches!(put, SettingsChange::Counts(Some(_))));
    }

    /// The site's token for Ada with these claims.
    fn token_with(&self, claims: &Value) -> String {
        let mut all = json!({ "sub": "ada", "exp": Self::began() + 31_536_000 });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        user_token(&self.env, &all)
    }

    /// A new thread of Ada's with these claims.
    async fn ask(&self, claims: &Value) -> Answer {
        self.send(post("/chatkit", &create("Hi")).bearer(&self.token_with(claims))).await
    }

    /// What the model was asked for Ada with these claims.
    async fn prompt(&self, claims: &Value) -> Value {
        let answer = self.ask(claims).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.last_prompt()
    }

    fn last_prompt(&self) -> Value {
        self.model.requests().into_iter().rfind(|request| !request.is_title()).unwrap().body
    }

    async fn instructions(&self, tenant: &str) -> String {
        self.prompt(&json!({ "tenant": tenant })).await["instructions"].as_str().unwrap_or_default().to_owned()
    }
}

fn instructions(text: &str) -> Value {
    json!({ "assistant": { "instructions": text } })
}

/// The names of the tools that the model was shown.
fn tools(prompt: &Value) -> Vec<&str> {
    let tools = prompt["tools"].as_array().into_iter().flatten();
    tools.map(|tool| tool["name"].as_str().unwrap_or(tool["type"].as_str().unwrap())).collect()
}
