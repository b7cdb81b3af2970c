//! `kill -9`: a process of the functions dies before each write of each streaming operation, and after each. Another
//! process goes on with what is stored. For each operation: how many such moments there are, and what holds after them.

mod invariants;
mod operations;
mod process;
mod world;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use http::Method;
use serde_json::{Value, json};

use self::operations::Kind;
use self::process::{Asked, Ended, STEP_MS};
use self::world::{ANSWER, Case, World};
use crate::harness::dynamodb::Fault;
use crate::harness::page::Page;

/// A turn of 8 s leaves signs of life, and 30 s after its death everybody knows.
const TURN_STEPS: u32 = 8_000 / STEP_MS;
const DEATH_MS: u32 = 30_000;
const DEATH_STEPS: u32 = DEATH_MS / STEP_MS;
/// More than any operation needs.
const MAX_WRITES: usize = 40;

/// What the client does when its connection broke.
#[derive(Debug, Clone, Copy)]
enum Repeats {
    /// It sends the request again, and where it was.
    WithPosition,
    /// It sends the request again as if nothing had come.
    FromTheStart,
}

async fn every_write(kind: Kind) {
    let world = World::start().await;
    let mut moments = [0, 0];
    let mut failed = 0;
    for repeats in [Repeats::WithPosition, Repeats::FromTheStart] {
        for (fault, moments) in [Fault::CutBefore, Fault::CutAfter].into_iter().zip(&mut moments) {
            *moments = 0;
            // One that fails says so, and the others are tried all the same.
            loop {
                if AssertUnwindSafe(die(&world, kind, *moments, fault, repeats)).catch_unwind().await.is_err() {
                    failed += 1;
                }
                if !world.dynamo.has_sprung() {
                    break;
                }
                *moments += 1;
                assert!(*moments < MAX_WRITES, "{kind:?} has no end, {failed} failed");
            }
        }
    }
    let [before, after] = moments;
    assert_eq!(failed, 0, "{kind:?}: moments of {} that went wrong", 2 * (before + after));
    assert!(before > 3 && after > 3, "{kind:?} writes {before} and {after} times");
    eprintln!("{kind:?}: {before} writes, killed before and after each");
}

/// Kills a process at the write that comes after so many, if there is such a write.
async fn die(world: &World, kind: Kind, writes: usize, fault: Fault, repeats: Repeats) {
    let case = world.prepare(kind).await;
    let context = format!("{kind:?}, {fault:?} after {writes} writes, {repeats:?}, {}", case.user);
    let victim = world.process(&world.survivor.now().await);
    world.dynamo.trap(writes, fault, victim.killer());
    let mut page = case.page.clone();
    let asked = asked(&case, None, TURN_STEPS);
    let first = victim.stream(&world.dynamo, &asked, &mut page).await;
    if !first.broken && !world.until_sprung().await {
        // Nobody dies of what the others write.
        world.dynamo.trap(usize::MAX, fault, || ());
        assert_eq!(first.status, Some(200), "{context}: {first:?}");
        case.gate.open_for_good();
        return invariants::hold(world, &case, &page, &context).await;
    }
    drop(victim);
    case.gate.open_for_good();

    // Once the answer is stored, the same request without a position is a new one.
    let is_answered = case.is_answered_on(&world.load(&case, &page).await);
    let position = first.position.clone().filter(|_| matches!(repeats, Repeats::WithPosition));
    let mut shown = if position.is_some() { page.clone() } else { case.page.clone() };
    if first.broken && (position.is_some() || !is_answered) {
        let again = Asked { last_event_id: position.as_deref(), ..self::asked(&case, None, DEATH_STEPS) };
        let again = world.survivor.stream(&world.dynamo, &again, &mut shown).await;
        let answered = Ended { position: None, ..again.clone() };
        assert_eq!(answered, Ended { status: Some(200), ..Ended::default() }, "{context}: {first:?}, {again:?}");
    } else {
        world.survivor.pass(&world.dynamo, DEATH_MS).await;
        shown = if first.broken { world.load(&case, &page).await } else { page.clone() };
    }
    let loaded = world.load(&case, &shown).await;
    for announced in page.announced() {
        let kept = loaded.items.iter().any(|item| item["id"] == announced["id"]);
        assert!(kept, "{context}: {announced} is lost in {:#?}", loaded.items);
    }
    invariants::hold(world, &case, &shown, &context).await;
}

fn asked<'a>(case: &'a Case, last_event_id: Option<&'a str>, steps: u32) -> Asked<'a> {
    Asked { user: &case.user, operation: &case.operation, last_event_id, steps, gate: Some(&case.gate) }
}

impl Case {
    /// Whether the page shows that what the person asked for is done.
    fn is_answered_on(&self, page: &Page) -> bool {
        let widget = |page: &Page| page.items.iter().find(|item| item["type"] == "widget").cloned();
        let is_new = |item: &&Value| !self.before.items.iter().any(|before| before["id"] == item["id"]);
        match self.kind {
            Kind::Action => widget(page) != widget(&self.before),
            _ => page.items.iter().filter(is_new).any(|item| item["content"][0]["text"] == ANSWER),
        }
    }
}

impl World {
    /// The thread as a page that is loaded anew shows it.
    async fn load(&self, case: &Case, shown: &Page) -> Page {
        let Some(thread_id) = &shown.thread_id else { return Page::default() };
        let get = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread_id } });
        let (status, body) = self.survivor.send(Method::POST, "/chatkit", &case.user, get.to_string()).await;
        assert_eq!(status, 200, "{body}");
        Page::loaded(&serde_json::from_str(&body).unwrap())
    }
}

#[tokio::test]
async fn create_thread_survives_kills() {
    every_write(Kind::Create).await;
}

#[tokio::test]
async fn add_user_message_survives_kills() {
    every_write(Kind::Message).await;
}

#[tokio::test]
async fn message_that_makes_the_model_call_a_server_tool_survives_kills() {
    every_write(Kind::ServerTool).await;
}

#[tokio::test]
async fn retry_survives_kills() {
    every_write(Kind::Retry).await;
}

#[tokio::test]
async fn client_tool_output_survives_kills() {
    every_write(Kind::ClientToolOutput).await;
}

#[tokio::test]
async fn structured_input_survives_kills() {
    every_write(Kind::StructuredInput).await;
}

#[tokio::test]
async fn action_survives_kills() {
    every_write(Kind::Action).await;
}

#[tokio::test]
async fn action_with_an_answer_survives_kills() {
    every_write(Kind::ActionWithAnswer).await;
}
