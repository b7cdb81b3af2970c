//! A person who presses stop.

use http::{Method, StatusCode};

use super::{budget, half_said, other_process, run_of, send, texts, thread, used};
use crate::harness::app::{App, add, chatkit};
use crate::harness::responses::answer;

#[tokio::test]
async fn stop_ends_the_run_and_stores_what_came() {
    for in_another_process in [false, true] {
        let app = App::start().await;
        let thread_id = thread(&app).await;
        let (before, (_, used_before)) = (budget(&app).0, used(&app));
        let (live, _, _) = half_said(&app, &add(&thread_id, "go")).await;
        let router = if in_another_process { other_process(&app) } else { app.router.clone() };
        let stopped = send(&router, run_of(Method::DELETE, "alice", &thread_id)).await;
        assert_eq!((stopped.status, &*stopped.text), (StatusCode::NO_CONTENT, ""));
        if in_another_process {
            // The next sign of life sees it.
            app.clock.advance(2_500);
        }
        let last = live.rest().await.pop().unwrap();
        assert_eq!((&last["type"], &last["item"]["content"][0]["text"]), (&"thread.item.done".into(), &"One, ".into()));
        assert_eq!(texts(&router, "alice", &thread_id).await, ["Hi", "Hello", "go", "One, "]);
        // The most that the model can have read and said counts, and nothing is held any more.
        let ((_, used_now), (counted, open)) = (used(&app), budget(&app));
        assert!(used_now > used_before);
        assert_eq!((counted - before, open), (used_now - used_before, 0));
        let again = send(&router, run_of(Method::DELETE, "alice", &thread_id)).await;
        assert_eq!(again.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn stop_ends_a_run_whose_lease_another_one_has_taken() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    let (live, _, _) = half_said(&app, &add(&thread_id, "go")).await;
    let router = other_process(&app);
    app.model.then(answer("Fine"));
    send(&router, chatkit("alice", &add(&thread_id, "rather this"))).await.events();
    assert_eq!(send(&router, run_of(Method::DELETE, "alice", &thread_id)).await.status, StatusCode::NO_CONTENT);
    app.clock.advance(2_500);
    assert_eq!(live.rest().await.pop().unwrap()["item"]["content"][0]["text"], "One, ");
    assert_eq!(budget(&app).1, 0);
}

#[tokio::test]
async fn turn_of_fourteen_minutes_ends_with_what_came_and_a_retry() {
    let app = App::start().await;
    let thread_id = thread(&app).await;
    let (live, _, _) = half_said(&app, &add(&thread_id, "go")).await;
    // Lambda ends an invocation after fifteen, without a word.
    app.clock.advance(14 * 60_000);
    let events = live.rest().await;
    let [.., done, error] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&done["type"], &done["item"]["content"][0]["text"]), (&"thread.item.done".into(), &"One, ".into()));
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("The answer took too long and was stopped. Please try again."), "{message}");
    assert_eq!((&error["type"], &error["allow_retry"]), (&"error".into(), &true.into()));
    assert_eq!(texts(&app.router, "alice", &thread_id).await, ["Hi", "Hello", "go", "One, "]);
    assert_eq!(budget(&app).1, 0, "nothing is held any more");
}
