//! The tools that the model calls: server tools run at the site's endpoints, several at once; client tools wait for the
//! page.

use std::collections::HashMap;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, SelectAll};
use serde_json::json;

use super::{Turn, TurnEnd};
use crate::assistant::Runner;
use crate::endpoints::{Effect, EndpointError, Expects, Output};
use crate::identity::Identity;
use crate::ids;
use crate::model::{FunctionCall, Input};
use crate::store::ModelContext;
use crate::telemetry::chain;

/// Of one round. A model that wants more is told so.
const MAX_CALLS: usize = 16;

/// Of the calls of one round that wait for the page. They fit a record of the store, with what the page returns and
/// what is stored beside it.
const MAX_PAGE_CALLS_BYTES: usize = 64 * 1024;

/// The output of a call that asked the person something.
const ASKED: &str = "The person is being asked. The answers come with the person's next message.";

/// The output of a call that was under way when the turn ended.
const UNANSWERED: &str = r#"{"error":"the turn ended before the function had answered; it may have done its work"}"#;

/// What a running server tool does next.
enum CallProgress {
    Effect(Effect),
    Failed(EndpointError),
    Ended,
}

/// The calls that run, each by its number in the round.
type RunningCalls = SelectAll<BoxStream<'static, (usize, CallProgress)>>;

enum CallState {
    Output(String),
    Running { has_asked: bool },
    WaitsForPage,
}

impl Turn {
    /// Runs the calls of a round; whether the page or the person has to answer before the model can go on.
    pub(super) async fn run_tools(&mut self, calls: Vec<FunctionCall>) -> Result<bool, TurnEnd> {
        // A tool may take its time; what the person saw complete is stored before.
        self.flush().await?;
        let mut states = Vec::new();
        let mut running = RunningCalls::new();
        let mut page_bytes_left = MAX_PAGE_CALLS_BYTES;
        for (number, call) in calls.iter().enumerate() {
            let mut state = self.start_call(number, call, &mut running).await?;
            if matches!(state, CallState::WaitsForPage) {
                match page_bytes_left.checked_sub(serde_json::to_vec(call).map_or(usize::MAX, |json| json.len())) {
                    Some(left) => page_bytes_left = left,
                    None => state = refused("the arguments are too long"),
                }
            }
            states.push(state);
        }
        let ran = self.follow_calls(running, &mut states).await;
        let mut page_calls = Vec::new();
        for (call, state) in calls.into_iter().zip(states) {
            let output = match state {
                CallState::Output(output) => output,
                CallState::Running { .. } if ran.is_err() => UNANSWERED.to_owned(),
                CallState::Running { has_asked } => if has_asked { ASKED } else { "" }.to_owned(),
                CallState::WaitsForPage => {
                    page_calls.push(call);
                    continue;
                }
            };
            self.push_to_prompt(Input::CallOutput { call_id: call.call_id, output });
        }
        // The outputs are stored with the next item, unless that is one that waits and keeps everything.
        let flushed = self.flush().await;
        page_calls.iter().for_each(|call| self.unstored_inputs.remove(call));
        ran?;
        flushed?;
        let questions = self.answer.ask_questions();
        let waits = !questions.is_empty() || !page_calls.is_empty();
        self.perform(questions).await?;
        self.ask_page(page_calls).await?;
        Ok(waits)
    }

    /// Asks the page for the first of these calls; it is asked for the others once it has answered.
    pub(super) async fn ask_page(&mut self, mut page_calls: Vec<FunctionCall>) -> Result<(), TurnEnd> {
        if page_calls.is_empty() {
            return Ok(());
        }
        let FunctionCall { call_id, name, arguments, extra_content } = page_calls.remove(0);
        // They were read before the call was kept.
        let arguments = serde_json::from_str(&arguments).unwrap_or_default();
        let model_context = ModelContext { extra_content, ..self.unstored_inputs.take_waiting(page_calls) };
        let steps = self.answer.ask_page(call_id, name, arguments, model_context);
        Ok(self.perform(steps).await?)
    }

    async fn start_call(
        &mut self,
        number: usize,
        call: &FunctionCall,
        running: &mut RunningCalls,
    ) -> Result<CallState, TurnEnd> {
        let assistant = self.engine.assistant.clone();
        let function = match assistant.function(&call.name) {
            Some(_) if number >= MAX_CALLS => return Ok(refused("too many functions were called at once")),
            Some(function) => function,
            None => return Ok(refused("there is no function of this name")),
        };
        let arguments = match function.arguments(&call.arguments) {
            Ok(arguments) => arguments,
            Err(wrong) => return Ok(refused(&wrong)),
        };
        match &function.runner {
            Runner::Client if self.writer.is_thread() => Ok(CallState::WaitsForPage),
            Runner::Client => Ok(refused("this function cannot be called here")),
            Runner::Server(endpoint) => {
                let steps = self.answer.start_call(number, &function.title, function.icon.as_deref());
                self.perform(steps).await?;
                let request = self.endpoint_request(
                    "tool.call",
                    json!({ "call_id": call.call_id, "tool": call.name, "arguments": arguments }),
                );
                let Self { engine, .. } = self;
                let id = engine.ids.mint(ids::TOOL_CALL);
                let effects = engine.endpoints.call(endpoint, Expects::Output, &id, engine.clock.now(), &request);
                let progress = effects.map(|effect| effect.map_or_else(CallProgress::Failed, CallProgress::Effect));
                let progress = progress.chain(stream::once(async { CallProgress::Ended }));
                running.push(progress.map(move |progress| (number, progress)).boxed());
                Ok(CallState::Running { has_asked: false })
            }
        }
    }

    /// Follows the calls that run until the last of them has ended.
    async fn follow_calls(&mut self, mut running: RunningCalls, states: &mut [CallState]) -> Result<(), TurnEnd> {
        let mut has_failed = vec![false; states.len()];
        while let Some((number, progress)) = self.next(&mut running).await? {
            let steps = match progress {
                CallProgress::Ended => self.answer.end_call(number, has_failed[number]),
                CallProgress::Failed(error) => {
                    tracing::warn!(error = chain(&error), "a server tool failed");
                    has_failed[number] = true;
                    states[number] = refused(error.public_message());
                    Vec::new()
                }
                CallProgress::Effect(Effect::Output { output }) => {
                    states[number] = CallState::Output(text(output));
                    Vec::new()
                }
                CallProgress::Effect(effect) => {
                    if let (Effect::StructuredInput { .. }, CallState::Running { has_asked }) =
                        (&effect, &mut states[number])
                    {
                        *has_asked = true;
                    }
                    self.answer.apply_effect(number, effect)
                }
            };
            self.perform(steps).await?;
        }
        Ok(())
    }

    /// The body of a request to one of the site's endpoints.
    pub(crate) fn endpoint_request(&self, kind: &str, mut data: serde_json::Value) -> serde_json::Value {
        data["user"] = user(&self.identity);
        if let Some(thread_id) = self.writer.thread_id() {
            data["thread"] = json!({ "id": thread_id });
            if let Some(title) = &self.thread_title {
                data["thread"]["title"] = json!(title);
            }
        }
        json!({ "type": kind, "timestamp": self.engine.clock.now(), "data": data })
    }
}

/// The user, by the verified identity, and what is verified of it: a language that no token names is the browser's.
fn user(identity: &Identity) -> serde_json::Value {
    let Identity { owner, anonymous, claims, languages, .. } = identity;
    let mut user = json!(claims);
    user["id"] = owner.user().into();
    user["tenant"] = owner.tenant().into();
    user["anonymous"] = (*anonymous).into();
    let fields = user.as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let mut verified: HashMap<_, _> = fields.map(|name| (name, true)).collect();
    if let (None, Some(language)) = (&claims.locale, languages.preferred()) {
        user["locale"] = language.into();
        verified.insert("locale".to_owned(), false);
    }
    user["verified"] = json!(verified);
    user
}

fn refused(why: &str) -> CallState {
    CallState::Output(json!({ "error": why }).to_string())
}

fn text(output: Output) -> String {
    match output {
        Output::Text(text) => text,
        Output::Json(value) => value.to_string(),
    }
}
