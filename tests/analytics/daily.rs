//! The rows of `/api/analytics`.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use super::{ask, costing, empty, reader, rows};
use crate::harness::app::{Answer, App, create, request, thread_id};
use crate::harness::log::Log;
use crate::harness::model::Gate;
use crate::harness::requests::{Carrying, get, post};
use crate::harness::responses::{
    answer, created, delta, incomplete, message_added, part_added, sse, upstream_error, usage,
};
use crate::harness::tokens::user_token;

const DAY: i64 = 86_400_000;

/// Asks and answers while the clock moves on by so many milliseconds.
async fn turn(app: &App, user: &str, milliseconds: i64, tokens: [u64; 4]) {
    let gate = Gate::closed();
    let [input, cached, output, reasoning] = tokens;
    app.model.then(costing(input, cached, output, reasoning).stepwise(&gate));
    let asked = app.model.requests().len() + 1;
    let steps = async {
        app.model.asked(asked).await;
        app.clock.advance(milliseconds);
        for _ in 0..16 {
            gate.open();
        }
    };
    let (answer, ()) = tokio::join!(app.send(ask(user)), steps);
    assert_eq!(answer.status, 200, "{}", answer.text);
}

fn row(date: &str, model: Option<&str>, numbers: [u64; 8]) -> Value {
    let [requests, failed, duration, input, cached, cached_percent, output, reasoning] = numbers;
    let mut row = json!({
        "date": date, "total_requests": requests, "failed_requests": failed, "avg_duration": duration,
        "total_tokens": input + output, "input_tokens": input, "cached_tokens": cached,
        "cached_percent": cached_percent, "output_tokens": output, "reasoning_tokens": reasoning,
        "cache_write_tokens": 0, "cost_usd": "0", "unpriced_requests": requests,
    });
    match model {
        Some(model) => row["model"] = json!(model),
        None => (row["positive_feedback"], row["negative_feedback"]) = (json!(0), json!(0)),
    }
    row
}

#[tokio::test]
async fn analytics_sums_up_turns_by_day_and_model() {
    let app = App::start().await;
    let mut env = app.env.clone();
    env.set("MODEL", "other#model%");
    let other = App::router(&env, &app.clock, 2);

    turn(&app, "ada", 1_000, [100, 40, 10, 5]).await;
    turn(&app, "grace", 2_001, [200, 0, 20, 0]).await;
    app.model.then(costing(7, 6, 5, 4));
    let answer = Answer::of(tower::ServiceExt::oneshot(other, ask("ada")).await.unwrap()).await;
    assert_eq!(answer.status, 200);
    app.clock.advance(2 * DAY);
    turn(&app, "ada", 500, [1, 1, 1, 1]).await;

    let by_day = json!([
        empty("2026-11-19"),
        // 3,001 ms in three requests.
        row("2026-11-20", None, [3, 0, 1_000, 307, 46, 15, 35, 9]),
        empty("2026-11-21"),
        row("2026-11-22", None, [1, 0, 500, 1, 1, 100, 1, 1]),
        empty("2026-11-23"),
    ]);
    let range = "?startDate=2026-11-19&endDate=2026-11-23";
    assert_eq!(rows(&app, range).await, by_day);
    assert_eq!(rows(&app, &format!("{range}&groupBy=day")).await, by_day);
    let by_model = json!([
        row("2026-11-20", Some("other#model%"), [1, 0, 0, 7, 6, 86, 5, 4]),
        row("2026-11-20", Some("test-model"), [2, 0, 1_501, 300, 40, 13, 30, 5]),
        row("2026-11-22", Some("test-model"), [1, 0, 500, 1, 1, 100, 1, 1]),
    ]);
    assert_eq!(rows(&app, &format!("{range}&groupBy=model")).await, by_model);
    assert_eq!(rows(&app, "?startDate=2026-11-19&endDate=2026-11-19&groupBy=model").await, json!([]));
}

#[tokio::test]
async fn turn_over_midnight_counts_on_the_day_it_began() {
    let app = App::start().await;
    app.clock.advance(DAY / 2 - 1);
    turn(&app, "ada", 10, [1, 0, 1, 0]).await;
    let expected = json!([row("2026-11-20", None, [1, 0, 10, 1, 0, 0, 1, 0]), empty("2026-11-21")]);
    assert_eq!(rows(&app, "?startDate=2026-11-20&endDate=2026-11-21").await, expected);
}

#[tokio::test]
async fn analytics_counts_failed_turns_as_errors_and_incomplete_ones_not() {
    let app = App::start().await;
    app.model.then(upstream_error(500, "server_error", "server_error"));
    app.send(ask("ada")).await.error(502, "upstream_error");
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("Hel")];
    let cut = start.into_iter().chain([incomplete("max_output_tokens", usage(10, 0, 3, 0))]);
    app.model.then(sse(cut));
    assert_eq!(app.send(ask("ada")).await.status, 200);
    app.model.then(costing(20, 0, 4, 0));
    assert_eq!(app.send(ask("ada")).await.status, 200);
    let expected = json!([row("2026-11-20", None, [3, 1, 0, 30, 0, 0, 7, 0])]);
    assert_eq!(rows(&app, "?startDate=2026-11-20").await, expected);
    // What was refused before the model was asked is no request of the model.
    app.send(request(Method::POST, "/api/chat", "ada", Body::from("{}"))).await.error(400, "bad_request");
    app.chatkit("ada", &json!({ "type": "threads.list", "params": {} })).await.json();
    assert_eq!(rows(&app, "?startDate=2026-11-20").await, expected);
}

#[tokio::test]
async fn analytics_counts_a_title_with_its_turn() {
    let app = App::start().await;
    app.model.then(answer("Hello there"));
    app.chatkit("ada", &create("Hi")).await.events();
    // 12 in, 5 of them cached, and two words out, twice.
    let expected = json!([row("2026-11-20", None, [1, 0, 0, 24, 10, 42, 4, 0])]);
    assert_eq!(rows(&app, "?startDate=2026-11-20").await, expected);
}

#[tokio::test]
async fn analytics_of_two_processes_add_up() {
    let app = App::start().await;
    app.model.on(|request| !request.is_title(), costing(10, 0, 1, 0));
    let routers = [app.router.clone(), App::router(&app.env, &app.clock, 2)];
    let asked =
        (0..20).map(|number| {
            let router = routers[number % 2].clone();
            async move {
                Answer::of(tower::ServiceExt::oneshot(router, ask(&format!("user {number}"))).await.unwrap()).await
            }
        });
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let expected = json!([row("2026-11-20", None, [20, 0, 0, 200, 0, 0, 20, 0])]);
    assert_eq!(rows(&app, "?startDate=2026-11-20").await, expected);
}

#[tokio::test]
async fn analytics_shows_the_own_tenant_only() {
    let app = App::start().await;
    for (tenant, input) in [("acme", 1), ("acme#x", 2), ("default", 4)] {
        let token = user_token(&app.env, &json!({ "sub": "ada", "tenant": tenant, "exp": App::began() + 60 }));
        app.model.then(costing(input, 0, 0, 0));
        let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
        assert_eq!(app.send(post("/api/chat", &body).bearer(&token)).await.status, 200);
    }
    for (tenant, input) in [("acme", 1), ("acme#x", 2), ("default", 4), ("nobody", 0), ("acme%23x", 0)] {
        let request = get("/api/analytics?startDate=2026-11-20").bearer(&reader(&app, tenant));
        let requests = u64::from(input > 0);
        let expected = json!([row("2026-11-20", None, [requests, 0, 0, input, 0, 0, 0, 0])]);
        assert_eq!(app.send(request).await.json(), expected, "{tenant}");
    }
    // A tenant in the address is nobody's business.
    let request = get("/api/analytics?startDate=2026-11-20&tenant=acme&user=ada").bearer(&reader(&app, "nobody"));
    assert_eq!(app.send(request).await.json(), json!([empty("2026-11-20")]));
}

#[tokio::test]
async fn analytics_without_the_permission_is_refused() {
    let app = App::start().await;
    app.send(get("/api/analytics")).await.error(401, "unauthorized");
    let (visitor, _) = app.visit().await;
    for token in [app.user_token("ada"), app.session("ada").await, visitor] {
        let refused = app.send(get("/api/analytics").bearer(&token)).await;
        assert_eq!(refused.error(403, "forbidden"), "this route needs the permission `analytics:read`");
        // Nor does it say whether the question made sense.
        app.send(get("/api/analytics?startDate=x").bearer(&token)).await.error(403, "forbidden");
    }
    app.dynamo.fail("Query", "", crate::harness::dynamodb::Fault::Throttle, 10);
    let refused = app.send(get("/api/analytics").bearer(&reader(&app, "default"))).await;
    refused.error(503, "unavailable");
}

#[tokio::test]
async fn analytics_counts_thumbs_also_of_items_that_are_gone() {
    let app = App::start().await;
    app.model.then(answer("A lamp"));
    let thread_id = thread_id(&app.create("ada", "Which?").await);
    let thread = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread_id } });
    let items = app.chatkit("ada", &thread).await.json()["items"]["data"].clone();
    let rate = async |kind: &str, ids: &[&Value]| {
        let params = json!({ "thread_id": thread_id, "item_ids": ids, "kind": kind });
        app.chatkit("ada", &json!({ "type": "items.feedback", "params": params })).await
    };
    let (question, last) = (&items[0]["id"], &items[1]["id"]);
    let log = Log::start();
    rate("negative", &[last]).await;
    let [line] = &log.requests()[..] else { panic!("one line") };
    assert_eq!((&line["feedback"], &line["item"]), (&json!("negative"), last));
    // Said twice, it counts once; another item's is another one.
    rate("negative", &[last, question]).await;
    rate("positive", &[last]).await;
    rate("positive", &[last, &json!("msg_no")]).await.error(404, "not_found");
    assert_eq!(log.requests().last().unwrap()["item"], *last);
    rate("positive", &[&json!("a secret")]).await.error(404, "not_found");
    assert_eq!(log.requests().last().unwrap().get("item"), None);
    let delete = json!({ "type": "threads.delete", "params": { "thread_id": thread_id } });
    assert_eq!(app.chatkit("ada", &delete).await.text, "{}");

    let today = "?startDate=2026-11-20&endDate=2026-11-20";
    let day = rows(&app, today).await[0].clone();
    assert_eq!((&day["positive_feedback"], &day["negative_feedback"]), (&json!(1), &json!(2)));
    assert_eq!(day["total_requests"], 1);
    let models = rows(&app, &format!("{today}&groupBy=model")).await;
    assert_eq!((models.as_array().unwrap().len(), &models[0]["model"]), (1, &json!("test-model")));
    assert_eq!(models[0].get("positive_feedback"), None);
}
