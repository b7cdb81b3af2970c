//! The functions that the model calls: server tools run here, several at once; client tools wait for the page.

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, SelectAll};
use serde_json::json;

use super::answer::Answer;
use super::messages;
use super::respond::{Ended, Turn};
use crate::assistant::Runner;
use crate::endpoints::{Effect, EndpointError, Expects, Output};
use crate::identity::Identity;
use crate::ids;
use crate::model::{FunctionCall, Input};
use crate::store::ModelContext;

/// Calls of one round that are run; a model that wants more is told so.
const MOST_CALLS: usize = 16;

/// Bytes of the calls of one round that wait for the page. They fit a record of the store with what the page returns
/// and what is carried beside it.
const LARGEST_WAITING: usize = 64 * 1024;

/// What the model is told of a call that asked the person something.
const ASKED: &str = "The person is being asked. The answers come with the person's next message.";

/// What the model is told of a call that was under way when the turn ended.
const UNANSWERED: &str = r#"{"error":"the turn ended before the function had answered; it may have done its work"}"#;

/// What a call does next; `None` is its end.
type Happening = (usize, Option<Result<Effect, EndpointError>>);

/// Where a call is.
enum State {
    Output(String),
    Running {
        has_asked: bool,
    },
    /// Waits for the page.
    Page,
}

impl Turn {
    /// Runs the calls of a round; whether somebody else has to answer before the model goes on.
    ///
    /// # Errors
    /// How the turn ended: the store failed, or it took too long.
    pub(super) async fn call(&mut self, calls: Vec<FunctionCall>, answer: &mut Answer) -> Result<bool, Ended> {
        // A tool may take its time; what the person saw complete is stored before.
        self.flush().await?;
        let mut states = Vec::new();
        let mut running = SelectAll::new();
        let mut left = LARGEST_WAITING;
        for (number, call) in calls.iter().enumerate() {
            let mut state = self.start_call(number, call, answer, &mut running).await?;
            if matches!(state, State::Page) {
                match left.checked_sub(serde_json::to_vec(call).map_or(usize::MAX, |json| json.len())) {
                    Some(rest) => left = rest,
                    None => state = refused("the arguments are too long"),
                }
            }
            states.push(state);
        }
        let watched = self.watch(running, &mut states, answer).await;
        let mut waiting = Vec::new();
        for (call, state) in calls.into_iter().zip(states) {
            let output = match state {
                State::Output(output) => output,
                State::Running { .. } if watched.is_err() => UNANSWERED.to_owned(),
                State::Running { has_asked } => if has_asked { ASKED } else { "" }.to_owned(),
                State::Page => {
                    waiting.push(call);
                    continue;
                }
            };
            self.learn(Input::CallOutput { call_id: call.call_id, output });
        }
        // What was done is kept on the item that is stored next, unless one follows that waits and keeps everything.
        let flushed = self.flush().await;
        waiting.iter().for_each(|call| self.progress.trail.remove(call));
        watched?;
        flushed?;
        let questions = answer.ask();
        let has_asked = !questions.is_empty();
        self.perform(questions).await?;
        let waits_for_page = !waiting.is_empty();
        self.ask_page(waiting, answer).await?;
        Ok(has_asked || waits_for_page)
    }

    /// Asks the page for the first of these calls; the others come when it has answered.
    ///
    /// # Errors
    /// As [`Turn::call`].
    pub(super) async fn ask_page(&mut self, mut waiting: Vec<FunctionCall>, answer: &mut Answer) -> Result<(), Ended> {
        if waiting.is_empty() {
            return Ok(());
        }
        let FunctionCall { call_id, name, arguments } = waiting.remove(0);
        // They were read before the call was kept.
        let arguments = serde_json::from_str(&arguments).unwrap_or_default();
        let model_context: ModelContext = self.progress.trail.take_waiting(waiting);
        let steps = answer.ask_page(call_id, name, arguments, model_context);
        Ok(self.perform(steps).await?)
    }

    async fn start_call(
        &mut self,
        number: usize,
        call: &FunctionCall,
        answer: &mut Answer,
        running: &mut SelectAll<BoxStream<'static, Happening>>,
    ) -> Result<State, Ended> {
        let assistant = self.engine.assistant.clone();
        let function = match assistant.function(&call.name) {
            Some(_) if number >= MOST_CALLS => return Ok(refused("too many functions were called at once")),
            Some(function) => function,
            None => return Ok(refused("there is no function of this name")),
        };
        let arguments = match function.arguments(&call.arguments) {
            Ok(arguments) => arguments,
            Err(wrong) => return Ok(refused(&wrong)),
        };
        match &function.runner {
            Runner::Client if self.place.is_some() => Ok(State::Page),
            Runner::Client => Ok(refused("this function cannot be called here")),
            Runner::Server(endpoint) => {
                let steps = answer.start_call(number, &function.title, function.icon.as_deref());
                self.perform(steps).await?;
                let request = self.endpoint_request(
                    "tool.call",
                    json!({ "call_id": call.call_id, "tool": call.name, "arguments": arguments }),
                );
                let Self { engine, .. } = self;
                let id = engine.ids.mint(ids::TOOL_CALL);
                let effects = engine.endpoints.call(endpoint, Expects::Output, &id, engine.clock.now(), &request);
                let happenings = effects.map(move |effect| (number, Some(effect)));
                running.push(happenings.chain(stream::once(async move { (number, None) })).boxed());
                Ok(State::Running { has_asked: false })
            }
        }
    }

    /// Follows the calls that run until the last of them is over.
    async fn watch(
        &mut self,
        mut running: SelectAll<BoxStream<'static, Happening>>,
        states: &mut [State],
        answer: &mut Answer,
    ) -> Result<(), Ended> {
        let mut failed = vec![false; states.len()];
        loop {
            let next = self.next(&mut running).await.map_err(|_| Ended::failed(messages::took_too_long()))?;
            let Some((number, happening)) = next else { return Ok(()) };
            let steps = match happening {
                None => answer.end_call(number, failed[number]),
                Some(Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a tool's endpoint failed");
                    failed[number] = true;
                    states[number] = refused(error.public_message());
                    Vec::new()
                }
                Some(Ok(Effect::Output { output })) => {
                    states[number] = State::Output(text(output));
                    Vec::new()
                }
                Some(Ok(effect)) => {
                    if let (Effect::StructuredInput { .. }, State::Running { has_asked }) =
                        (&effect, &mut states[number])
                    {
                        *has_asked = true;
                    }
                    answer.effect(number, effect)
                }
            };
            self.perform(steps).await?;
        }
    }

    /// What an endpoint is told.
    pub(super) fn endpoint_request(&self, kind: &str, mut data: serde_json::Value) -> serde_json::Value {
        data["user"] = user(&self.identity);
        if let Some(place) = &self.place {
            data["thread"] = json!({ "id": place.thread_id });
            if let Some(title) = &self.thread_title {
                data["thread"]["title"] = json!(title);
            }
        }
        json!({ "type": kind, "timestamp": self.engine.clock.now(), "data": data })
    }
}

/// Who it is for, by the verified identity.
fn user(identity: &Identity) -> serde_json::Value {
    let Identity { owner, anonymous, claims, .. } = identity;
    let mut user = json!(claims);
    user["id"] = owner.user().into();
    user["tenant"] = owner.tenant().into();
    user["anonymous"] = (*anonymous).into();
    user
}

fn refused(why: &str) -> State {
    State::Output(json!({ "error": why }).to_string())
}

fn text(output: Output) -> String {
    match output {
        Output::Text(text) => text,
        Output::Json(value) => value.to_string(),
    }
}
