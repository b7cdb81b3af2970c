//! How much of a thread the model is shown, what reading it costs, and that a prompt begins as the one before.

use chatkit_shared::identity::Owner;
use chatkit_shared::ids::{Ids, MESSAGE};
use chatkit_shared::protocol::{AssistantContent, AssistantMessage, ItemHeader, ThreadItem, UserContent, UserMessage};
use chatkit_shared::store::StoredItem;
use serde_json::{Value, json};

use super::{fill, message, retry, thread};
use crate::harness::app::{App, add, thread_id};
use crate::harness::responses::answer;

/// No limits, so that a test has as many turns as it wants.
const TURNS: (&str, &str) = ("LIMIT_USER_TURNS_PER_MINUTE", "0");
const TOKENS: (&str, &str) = ("LIMIT_USER_TOKENS_PER_HOUR", "0");

const NAME: &str = "My name is Ottokar and I am allergic to nuts.";

/// What the model was shown last.
fn shown(app: &App) -> Vec<Value> {
    let asked = app.model.requests().into_iter().rfind(|request| !request.is_title()).unwrap().body;
    asked["input"].as_array().unwrap().clone()
}

fn text(input: &Value) -> &str {
    input["content"].as_str().or(input["content"][0]["text"].as_str()).unwrap()
}

/// A thread with so many turns, each a question and an answer of so many characters.
async fn thread_of(app: &App, turns: usize, chars: [usize; 2]) -> String {
    let thread_id = thread(app, "alice").await;
    app.clock.advance(1_000);
    let (owner, store) = (Owner::new(Owner::DEFAULT_TENANT, "alice").unwrap(), app.dynamo.store());
    let ids = Ids::seeded(app.clock.clone(), 99);
    let mut items = Vec::new();
    for number in 0..turns {
        for (chars, asks) in chars.into_iter().zip([true, false]) {
            app.clock.advance(1);
            let header =
                ItemHeader { id: ids.mint(MESSAGE), thread_id: thread_id.clone(), created_at: app.clock.now() };
            let text = format!("{number:0chars$}");
            items.push(StoredItem::new(if asks {
                ThreadItem::UserMessage(UserMessage {
                    header,
                    content: vec![UserContent::InputText { text }],
                    attachments: Vec::new(),
                    quoted_text: None,
                    inference_options: Default::default(),
                })
            } else {
                let content = vec![AssistantContent { annotations: Vec::new(), text }];
                ThreadItem::AssistantMessage(AssistantMessage { header, content })
            }));
        }
    }
    for items in items.chunks(50) {
        let puts = items.iter().map(|item| store.items.put(&owner, &thread_id, item));
        futures_util::future::try_join_all(puts).await.unwrap();
    }
    app.clock.advance(1_000);
    thread_id
}

/// Read units, write units and round trips of a message.
async fn cost(app: &App, thread_id: &str, text: &str) -> (f64, f64, usize) {
    app.dynamo.lockstep(true);
    app.dynamo.reset();
    app.chatkit("alice", &add(thread_id, text)).await.events();
    let meter = app.dynamo.reset();
    app.dynamo.lockstep(false);
    let (read, written) = meter.units();
    (read, written, meter.round_trips())
}

#[tokio::test]
async fn model_remembers_the_first_message_after_sixty_turns() {
    let app = App::with([("MAX_CONTEXT_TOKENS", "100000"), TURNS, TOKENS]).await;
    app.model.on(|_| true, answer("I see"));
    let thread_id = thread_id(&app.create("alice", NAME).await);
    let mut before = shown(&app);
    for number in 1..=60 {
        app.add("alice", &thread_id, &format!("Turn {number}")).await;
        let now = shown(&app);
        assert_eq!((now.len(), &now[..before.len()]), (2 * number + 1, &before[..]));
        before = now;
    }
    assert_eq!(text(&before[0]), NAME);
    // Head and newest page; then the rest, which is a second page.
    let (read, written, trips) = cost(&app, &thread_id, "What is my name?").await;
    assert_eq!((written, trips), (5.0, 5));
    assert!(read <= 8.0, "{read}");
}

#[tokio::test]
async fn history_is_cut_at_a_whole_turn_and_in_large_steps() {
    let app = App::with([TURNS, TOKENS]).await;
    // A turn has 808 tokens, so 19 fit.
    let long = "x".repeat(1_600);
    app.model.on(|request| !request.is_title(), answer(&long));
    let thread_id = thread_id(&app.create("alice", NAME).await);
    let (mut before, mut moves) = (shown(&app), Vec::new());
    for number in 1..=60 {
        app.add("alice", &thread_id, &format!("{number:01600}")).await;
        let now = shown(&app);
        assert_eq!((now[0]["role"].as_str(), now.len() % 2), (Some("user"), 1));
        if now[0] == before[0] {
            assert_eq!(now[..before.len()], before);
        } else {
            moves.push((number, now.len()));
        }
        before = now;
    }
    assert_eq!(moves, [(20, 29), (26, 29), (32, 29), (38, 29), (44, 29), (50, 29), (56, 29)]);
    // Seven turns of about 4 KB a turn are in the first page with the newest twenty items, the others in the second.
    let (read, written, trips) = cost(&app, &thread_id, "And?").await;
    let shown: usize = shown(&app).iter().map(|input| input.to_string().len()).sum();
    assert_eq!((written, trips), (7.0, 5));
    assert!(read <= 2.0 + 1.2 * (shown as f64 / 4096.0 * 0.5).ceil(), "{read} {shown}");
}

#[tokio::test]
async fn turn_costs_the_same_in_a_thread_of_any_length() {
    // The same history, as the whole thread and as the newest part of a long one.
    for (budget, turns) in [("2300", [5, 300]), ("16000", [38, 300])] {
        let mut costs = Vec::new();
        for turns in turns {
            let app = App::with([("MAX_CONTEXT_TOKENS", budget)]).await;
            app.model.on(|_| true, answer("Hello there"));
            let thread_id = thread_of(&app, turns, [200, 1_400]).await;
            app.add("alice", &thread_id, "warm").await;
            let (read, written, _) = cost(&app, &thread_id, "And?").await;
            // A write unit costs five times as much as a read unit.
            costs.push((shown(&app).len(), 5.0 * written + read));
        }
        let [(few, short), (many, long)] = costs[..] else { unreachable!() };
        assert!(few.abs_diff(many) <= few / 3 + 2 && long / short <= 1.05, "{costs:?}");
    }
}

#[tokio::test]
async fn turn_in_an_old_thread_finds_its_history_page_by_page() {
    let app = App::start().await;
    let thread_id = thread_of(&app, 300, [400, 400]).await;
    app.model.on(|_| true, answer("ok"));
    // Nothing says yet where its history begins.
    let (read, _, trips) = cost(&app, &thread_id, "First").await;
    let first = shown(&app);
    assert!((100..=160).contains(&first.len()) && trips <= 6 && read <= 20.0, "{} {trips} {read}", first.len());
    let (_, _, trips) = cost(&app, &thread_id, "Second").await;
    assert_eq!((trips, &shown(&app)[..first.len()]), (5, &first[..]));
}

#[tokio::test]
async fn answers_without_a_question_stay_with_their_turn() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    fill(&app, "alice", &thread_id, 40).await;
    app.model.then(answer("first"));
    app.add("alice", &thread_id, "after all that").await;
    let now = shown(&app);
    assert_eq!((now.len(), text(&now[0]), text(&now[42])), (43, "Hi", "after all that"));
}

#[tokio::test]
async fn retry_shows_what_the_message_was_answered_with() {
    let app = App::with([("MAX_CONTEXT_TOKENS", "1000"), TURNS, TOKENS]).await;
    app.model.on(|request| !request.is_title(), answer("Hello there"));
    let thread_id = thread_of(&app, 0, [0, 0]).await;
    let mut asked = Vec::new();
    for number in 0..60 {
        app.add("alice", &thread_id, &format!("{number:0200}")).await;
        asked.push(shown(&app));
    }
    for place in [59, 52, 20, 3] {
        let item_id = message(&app, &thread_id, 2 + 2 * place).await;
        app.chatkit("alice", &retry(&thread_id, &item_id)).await.events();
        assert_eq!(json!(shown(&app)), json!(asked[place]), "{place}");
    }
}

#[tokio::test]
async fn larger_budget_brings_back_what_was_cut_off() {
    let app = App::with([("MAX_CONTEXT_TOKENS", "1000"), TURNS, TOKENS]).await;
    let thread_id = thread_of(&app, 60, [100, 100]).await;
    app.model.on(|_| true, answer("ok"));
    app.add("alice", &thread_id, "And?").await;
    assert!(shown(&app).len() < 40);
    let mut env = app.env.clone();
    env.set("MAX_CONTEXT_TOKENS", "100000");
    let app = App { router: App::router(&env, &app.clock, 2), ..app };
    app.add("alice", &thread_id, "And now?").await;
    assert_eq!(shown(&app).len(), 2 + 120 + 3);
}
