//! A person who presses stop.

use http::{Method, StatusCode};

use super::{budget, in_halves, other_process, run_of, send, texts, thread, until_delta, used};
use crate::harness::app::{App, add};
use crate::harness::model::Gate;

#[tokio::test]
async fn stop_ends_the_run_and_stores_what_came() {
    for in_another_process in [false, true] {
        let app = App::start().await;
        let thread_id = thread(&app).await;
        let (before, (_, used_before)) = (budget(&app).0, used(&app));
        let (one, two, end) = (Gate::closed(), Gate::closed(), Gate::closed());
        app.model.then(in_halves(&one, &two, &end));
        let mut live = app.live("alice", &add(&thread_id, "go")).await;
        one.open();
        until_delta(&mut live, "One, ").await;
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
