//! A person's tab: what ChatKit's transport does with a request, and what the page shows of its events.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;

use super::dice::Dice;
use super::world::{Instance, World};
use crate::harness::app::request;
use crate::harness::page::{Page, Reader};
use crate::harness::requests::Carrying;

/// Longer than any answer takes.
const ENDS_WITHIN: Duration = Duration::from_secs(400);
/// The transport sends a request again so often.
const TRIES: u32 = 5;

pub(super) struct Tab {
    pub(super) world: Arc<World>,
    pub(super) user: String,
    pub(super) name: String,
    pub(super) dice: Dice,
    /// How many tabs the person has.
    pub(super) tabs: u64,
    /// Whether they wait for each answer to its end.
    pub(super) is_patient: bool,
    pub(super) page: Page,
    /// How many operations had begun in the thread when the page showed all of it.
    pub(super) fresh_at: Option<u64>,
}

/// What the person does while an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gesture {
    Nothing,
    /// Hides the tab, and shows it again after these milliseconds.
    Hide(u64),
    Stop,
    /// Closes the tab.
    Leave,
}

/// How a request ended for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its stream came to its end.
    Whole,
    Refused(u16),
    /// The page gave it up or was closed: a run may go on.
    Loose,
}

enum Read {
    Whole,
    Broken,
    Interrupted,
}

impl Tab {
    /// Sends a streaming operation as ChatKit's transport does, whatever the person does meanwhile.
    pub(super) async fn converse(&mut self, operation: &Value) -> Outcome {
        let mut position: Option<String> = None;
        let mut gestures = self.gestures();
        self.page.error = None;
        let (mut tries, mut sent_before, mut is_blind) = (0, false, false);
        let deadline = Instant::now() + ENDS_WITHIN;
        while tries < TRIES {
            let Some(instance) = self.world.instance(&self.dice) else { return Outcome::Loose };
            let mut sent = request(Method::POST, "/chatkit", &self.user, Body::from(operation.to_string()));
            sent = sent.with("accept", "text/event-stream");
            let claimed = match self.world.sabotage {
                Some(sabotage) => sabotage.position(position.clone()),
                None => position.clone(),
            };
            self.say(format!("sends {operation} to {} at {claimed:?}", instance.number));
            match &claimed {
                Some(id) => sent = sent.with("last-event-id", id),
                None => {
                    self.count_sent(operation);
                    // Where the first one was carried out, this is another one, and the page knows of it alone.
                    is_blind |= std::mem::replace(&mut sent_before, true);
                }
            }
            let answered = tokio::select! {
                () = instance.end() => None,
                answer = timeout(ENDS_WITHIN, instance.router.clone().oneshot(sent)) => {
                    let Ok(answer) = answer else {
                        self.world.blame(format!("{}: {operation} is not answered", self.name));
                        return Outcome::Loose;
                    };
                    Some(answer.unwrap())
                }
            };
            let Some(answer) = answered else {
                tries += 1;
                self.wait(500, 3_000).await;
                continue;
            };
            match answer.status() {
                StatusCode::OK => {}
                status if status.is_server_error() => {
                    self.say(format!("is told {status}"));
                    tries += 1;
                    self.wait(1_000, 10_000).await;
                    continue;
                }
                status => {
                    let body = answer.into_body().collect().await.unwrap().to_bytes();
                    self.say(format!("is told {status}: {}", String::from_utf8_lossy(&body)));
                    return Outcome::Refused(status.as_u16());
                }
            }
            let gesture = gestures.pop().unwrap_or(Gesture::Nothing);
            match self.read(&instance, answer.into_body(), &mut position, gesture, deadline).await {
                Read::Whole => return if is_blind { Outcome::Loose } else { Outcome::Whole },
                Read::Interrupted => match gesture {
                    Gesture::Hide(milliseconds) => sleep(Duration::from_millis(milliseconds)).await,
                    _ => return Outcome::Loose,
                },
                // The transport gives up when the network fails, unless the tab was hidden meanwhile.
                Read::Broken if self.dice.percent(30) => return Outcome::Loose,
                Read::Broken => {
                    tries += 1;
                    self.wait(500, 3_000).await;
                }
            }
        }
        Outcome::Loose
    }

    async fn read(
        &mut self,
        instance: &Arc<Instance>,
        mut body: Body,
        position: &mut Option<String>,
        gesture: Gesture,
        deadline: Instant,
    ) -> Read {
        let mut reader = Reader::default();
        let mut act_at = match gesture {
            Gesture::Nothing => None,
            _ => Some(Instant::now() + Duration::from_millis(self.dice.below(6_000))),
        };
        let mut stopped_at: Option<Instant> = None;
        loop {
            let acts = async {
                match act_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let frame = tokio::select! {
                biased;
                () = instance.end() => return Read::Broken,
                () = tokio::time::sleep_until(deadline) => {
                    self.world.blame(format!("{}: an answer does not end", self.name));
                    return Read::Interrupted;
                }
                () = acts => {
                    act_at = None;
                    self.say(format!("does: {gesture:?}"));
                    if gesture != Gesture::Stop {
                        return Read::Interrupted;
                    }
                    if self.stop().await {
                        stopped_at = Some(Instant::now());
                    }
                    continue;
                }
                frame = body.frame() => frame,
            };
            let Some(frame) = frame else {
                if let Some(at) = stopped_at {
                    self.check_stop(at);
                }
                self.say("has the whole answer");
                return Read::Whole;
            };
            for streamed in reader.read(frame.unwrap().data_ref().unwrap()) {
                self.say(format!("sees {:?} {}", streamed.id, streamed.event));
                if let Some(thread_id) = streamed.event["thread"]["id"].as_str()
                    && streamed.event["type"] == "thread.created"
                {
                    self.world.begin_thread(thread_id);
                }
                if let Err(what) = self.page.show(&streamed.event) {
                    self.world.blame(format!("{}: {what}", self.name));
                }
                if let Some(id) = streamed.id {
                    if let (Some(before), Some(now)) = (position.as_deref().and_then(number), number(&id))
                        && now < before
                    {
                        self.world.blame(format!("{}: the position goes back to {id} from {position:?}", self.name));
                    }
                    *position = Some(id);
                }
            }
        }
    }

    /// Presses stop; whether the server has taken it.
    async fn stop(&self) -> bool {
        let Some(thread_id) = self.page.thread_id.clone() else { return false };
        let path = format!("/chatkit/threads/{thread_id}/run");
        self.bare(Method::DELETE, &path).await.is_some_and(|(status, _)| status == 204)
    }

    fn check_stop(&self, at: Instant) {
        let took = at.elapsed();
        let bound = if self.world.is_calm() { Duration::from_millis(3_200) } else { Duration::from_secs(30) };
        if took > bound {
            self.world.blame(format!("{}: a run ends {took:?} after it was stopped", self.name));
        }
    }

    /// Follows the run of a thread to its end, if there is one; whether it is known that there is none now.
    pub(super) async fn follow(&mut self, thread_id: &str) -> bool {
        let path = format!("/chatkit/threads/{thread_id}/run");
        let Some(instance) = self.world.instance(&self.dice) else { return false };
        let sent = request(Method::GET, &path, &self.user, Body::empty());
        let answer = tokio::select! {
            () = instance.end() => return false,
            answer = instance.router.clone().oneshot(sent) => answer.unwrap(),
        };
        self.say(format!("follows {thread_id}: {}", answer.status()));
        if answer.status() != StatusCode::OK {
            return answer.status() == StatusCode::NO_CONTENT;
        }
        // What it shows is not compared: the page has loaded the thread in the middle.
        let read = tokio::select! {
            () = instance.end() => return false,
            read = timeout(ENDS_WITHIN, answer.into_body().collect()) => read,
        };
        if read.is_err() {
            self.world.blame(format!("{}: following does not end", self.name));
        }
        false
    }

    /// An operation that is answered with one document; none if it failed.
    pub(super) async fn call(&self, operation: &str, params: &Value) -> Option<(u16, Value)> {
        let operation = json!({ "type": operation, "params": params });
        let sent = request(Method::POST, "/chatkit", &self.user, Body::from(operation.to_string()));
        self.answered(sent).await
    }

    /// A request without a body.
    pub(super) async fn bare(&self, method: Method, path: &str) -> Option<(u16, Value)> {
        self.answered(request(method, path, &self.user, Body::empty())).await
    }

    async fn answered(&self, sent: http::Request<Body>) -> Option<(u16, Value)> {
        let instance = self.world.instance(&self.dice)?;
        let answer = async {
            let answer = instance.router.clone().oneshot(sent).await.unwrap();
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&body).unwrap_or_default())
        };
        tokio::select! {
            () = instance.end() => None,
            answered = timeout(ENDS_WITHIN, answer) => {
                if answered.is_err() {
                    self.world.blame(format!("{}: a call is not answered", self.name));
                }
                answered.ok()
            }
        }
    }

    pub(super) async fn wait(&self, least: u64, most: u64) {
        sleep(Duration::from_millis(self.dice.between(least, most))).await;
    }

    pub(super) fn say(&self, line: impl AsRef<str>) {
        self.world.say(format!("{} {}", self.name, line.as_ref()));
    }

    /// What the person does during the next answers, the last first.
    fn gestures(&self) -> Vec<Gesture> {
        if self.is_patient {
            return Vec::new();
        }
        match self.dice.below(100) {
            0..55 => Vec::new(),
            55..80 => (0..self.dice.between(1, 3)).map(|_| Gesture::Hide(self.dice.between(50, 20_000))).collect(),
            80..92 => vec![Gesture::Stop],
            _ => vec![Gesture::Leave],
        }
    }

    fn count_sent(&self, operation: &Value) {
        if let Some(text) = operation["params"]["input"]["content"][0]["text"].as_str() {
            *self.world.journal.lock().unwrap().sent.entry(text.to_owned()).or_default() += 1;
        }
    }
}

/// The number of the event in a position.
fn number(position: &str) -> Option<u64> {
    position.rsplit(':').nth(1)?.parse().ok()
}
