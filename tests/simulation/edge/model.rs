//! A model that talks, calls tools, and fails.

use axum::body::{Body, Bytes};
use axum::http::Response;
use futures_util::stream;
use serde_json::Value;

use super::{Edge, cut, json, pause};
use crate::harness::responses::{
    Event, call_events, completed, created, delta, failed, incomplete, message_added, message_done, part_added,
    part_done, text_done, usage,
};

/// What the stream does next.
enum Step {
    Say(Event),
    /// The end, with the tokens that it counts, if it does.
    End(Event, Option<u64>),
    Pause(u64),
    Break,
}

pub(super) async fn answer(edge: &Edge, body: &[u8]) -> Response<Body> {
    let (world, dice) = (&edge.world, &edge.world.model_dice);
    let Ok(request) = serde_json::from_slice::<Value>(body) else { return Response::default() };
    let number = {
        let mut journal = world.journal.lock().unwrap();
        journal.asked += 1;
        journal.asked
    };
    pause(dice.between(20, 900)).await;
    if !world.is_calm() {
        match dice.below(100) {
            0..2 => return json(503, &"{}"),
            2..4 => return json(500, &"{}"),
            4..5 => return json(429, &"{}"),
            5..7 => return cut(),
            7..8 => pause(dice.between(1_000, 20_000)).await,
            _ => {}
        }
    }
    let steps = plan(edge, &request, number);
    let edge = edge.clone();
    let body = stream::unfold((edge, steps.into_iter(), 0), |(edge, mut steps, said)| async move {
        loop {
            let event = match steps.next()? {
                Step::Pause(milliseconds) => {
                    pause(milliseconds).await;
                    continue;
                }
                _ if edge.is_over() => return None,
                Step::Break => return Some((Err(std::io::Error::other("cut")), (edge, Vec::new().into_iter(), said))),
                Step::Say(event) => event,
                Step::End(event, tokens) => {
                    edge.world.journal.lock().unwrap().counted.extend(tokens);
                    event
                }
            };
            edge.world.activity.note();
            return Some((Ok::<Bytes, std::io::Error>(event.encode(said)), (edge, steps, said + 1)));
        }
    });
    Response::builder()
        .header("content-type", "text/event-stream; charset=utf-8")
        .body(Body::from_stream(body))
        .unwrap()
}

fn plan(edge: &Edge, request: &Value, number: u64) -> Vec<Step> {
    let (dice, is_calm) = (&edge.world.model_dice, edge.world.is_calm());
    let instructions = request["instructions"].as_str().unwrap_or_default();
    if instructions.starts_with("Write a title") {
        return talk(edge, "A title", 10);
    }
    let offers_tools = request["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    let may_call = offers_tools && request["tool_choice"] != "none";
    let after_output = request["input"]
        .as_array()
        .and_then(|input| input.last())
        .is_some_and(|last| last["type"] == "function_call_output");
    if may_call && dice.percent(if after_output { 10 } else { 35 }) {
        let name = *dice.one_of(&["find_order", "find_order", "find_stock", "get_selection"]).unwrap();
        let mut steps = vec![Step::Say(created("resp_1")), Step::Pause(dice.between(0, 400))];
        let arguments = format!("{{\"number\":{number}}}");
        steps.extend(call_events(&format!("call_{number}"), name, &arguments).map(Step::Say));
        steps.push(Step::End(completed(usage(12, 5, 8, 0)), Some(20)));
        return steps;
    }
    let words = dice.between(1, 12);
    let text: Vec<_> = (0..words).map(|word| format!("word{number}.{word}")).collect();
    // Some answers take long enough to leave signs of life.
    let pace = if dice.percent(30) { 2_500 } else { 250 };
    let mut steps = talk(edge, &text.join(" "), pace);
    if !is_calm {
        let place = usize::try_from(dice.below(u64::try_from(steps.len()).unwrap())).unwrap();
        match dice.below(100) {
            0..4 => {
                steps.truncate(place);
                steps.push(Step::Break);
            }
            4..6 => {
                steps.truncate(place);
                steps.push(Step::End(failed("server_error"), None));
            }
            6..8 => {
                steps.truncate(place.max(3));
                steps.push(Step::End(incomplete("max_output_tokens", usage(12, 5, words, 0)), Some(12 + words)));
            }
            8..10 => steps.truncate(place),
            10..12 => steps.insert(place, Step::Pause(20_000)),
            _ => {}
        }
    }
    steps
}

/// A whole answer, word by word.
fn talk(edge: &Edge, text: &str, pace: u64) -> Vec<Step> {
    let dice = &edge.world.model_dice;
    let words: Vec<_> = text.split_inclusive(' ').collect();
    let count = u64::try_from(words.len()).unwrap();
    let mut steps: Vec<_> = [created("resp_1"), message_added("msg_1"), part_added()].map(Step::Say).into();
    for word in words {
        steps.extend([Step::Pause(dice.below(pace)), Step::Say(delta(word))]);
    }
    steps.extend([text_done(text), part_done(text), message_done("msg_1", text)].map(Step::Say));
    steps.push(Step::End(completed(usage(12, 5, count, 0)), Some(12 + count)));
    steps
}
