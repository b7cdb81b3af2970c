//! The operations that do not call the model.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{fill, operation, reload, thread};
use crate::harness::app::{App, thread_id};
use crate::harness::names::{Names, lines_of};
use crate::harness::responses::answer;

/// Limits that many requests in one moment would meet.
const NO_LIMITS: [(&str, &str); 3] = [
    ("LIMIT_USER_TURNS_PER_MINUTE", "0"),
    ("LIMIT_USER_REQUESTS_PER_MINUTE", "0"),
    ("LIMIT_USER_TOKENS_PER_HOUR", "0"),
];

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|element| element["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn thread_operations_read_rename_and_delete_a_thread() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let mut names = Names::default();
    let mut ask = async |kind: &str, params: Value| {
        let answer = app.chatkit("alice", &operation(kind, params)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["cache-control"], "no-store");
        names.text(&answer.text)
    };
    let this = json!({ "thread_id": thread_id });
    let read = ask("threads.get_by_id", this.clone()).await;
    assert_snapshot!(lines_of(&read), @r#"
    {"title":"A title","id":"thr_1","created_at":"2026-11-20T12:00:00Z","status":{"type":"active"},
      "metadata":{},"items":{"data":[{"type":"user_message","id":"msg_1","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","content":[{"type":"input_text","text":"Hi"}],"attachments":[],
      "inference_options":{}},{"type":"assistant_message","id":"msg_2","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","content":[{"type":"output_text","annotations":[],
      "text":"Hello there"}]}],"has_more":false}}
    "#);
    let listed = ask("threads.list", json!({})).await;
    assert_snapshot!(lines_of(&listed), @r#"
    {"data":[{"title":"A title","id":"thr_1","created_at":"2026-11-20T12:00:00Z",
      "status":{"type":"active"},"metadata":{},"items":{"data":[],"has_more":false}}],"has_more":false}
    "#);
    assert_eq!(ask("threads.list", json!({ "limit": 9999, "order": "desc" })).await, listed);
    let ordered = |order: &str| json!({ "thread_id": thread_id, "order": order });
    assert_snapshot!(lines_of(&ask("items.list", ordered("asc")).await), @r#"
    {"data":[{"type":"user_message","id":"msg_1","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","content":[{"type":"input_text","text":"Hi"}],"attachments":[],
      "inference_options":{}},{"type":"assistant_message","id":"msg_2","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","content":[{"type":"output_text","annotations":[],
      "text":"Hello there"}]}],"has_more":false}
    "#);
    assert_snapshot!(lines_of(&ask("items.list", ordered("desc")).await), @r#"
    {"data":[{"type":"assistant_message","id":"msg_2","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","content":[{"type":"output_text","annotations":[],
      "text":"Hello there"}]},{"type":"user_message","id":"msg_1","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","content":[{"type":"input_text","text":"Hi"}],"attachments":[],
      "inference_options":{}}],"has_more":false}
    "#);

    let name = "Ünder another \"name\"";
    let renamed = ask("threads.update", json!({ "thread_id": thread_id, "title": name })).await;
    assert_snapshot!(lines_of(&renamed), @r#"
    {"title":"Ünder another \"name\"","id":"thr_1","created_at":"2026-11-20T12:00:00Z",
      "status":{"type":"active"},"metadata":{},"items":{"data":[],"has_more":false}}
    "#);
    let escaped = r#"Ünder another \"name\""#;
    assert_eq!(ask("threads.get_by_id", this.clone()).await, read.replace("A title", escaped));
    let unnamed = ask("threads.update", json!({ "thread_id": thread_id, "title": "" })).await;
    assert_eq!(unnamed, renamed.replace(escaped, ""));

    assert_eq!(ask("threads.delete", this.clone()).await, "{}");
    assert_eq!(ask("threads.list", json!({})).await, r#"{"data":[],"has_more":false}"#);
    assert_eq!(ask("threads.delete", this).await, "{}");
    assert_eq!(app.dynamo.records("threads"), [] as [Value; 0]);
}

#[tokio::test]
async fn feedback_is_stored_without_changing_the_items() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    let before = reload(&app, "alice", &thread_id).await;
    let items = ids(&before["items"]).into_iter().map(ToOwned::to_owned).collect::<Vec<_>>();
    for (kind, ids) in [("positive", &items[1..]), ("negative", &items[..]), ("positive", &[])] {
        let params = json!({ "thread_id": thread_id, "item_ids": ids, "kind": kind });
        assert_eq!(app.chatkit("alice", &operation("items.feedback", params)).await.text, "{}");
    }
    let noted = app.dynamo.records("threads").iter().filter(|record| record["feedback"]["S"] == "negative").count();
    assert_eq!((noted, reload(&app, "alice", &thread_id).await), (2, before));

    let half = json!({ "thread_id": thread_id, "item_ids": [items[0], "msg_no"], "kind": "positive" });
    let answer = app.chatkit("alice", &operation("items.feedback", half)).await;
    assert_eq!(answer.error(404, "not_found"), "this item does not exist");
    let nowhere = json!({ "thread_id": "thr_no", "item_ids": [items[0]], "kind": "positive" });
    let answer = app.chatkit("alice", &operation("items.feedback", nowhere)).await;
    assert_eq!(answer.error(404, "not_found"), "this item does not exist");
    let many = json!({ "thread_id": thread_id, "item_ids": vec!["msg_no"; 101], "kind": "positive" });
    let answer = app.chatkit("alice", &operation("items.feedback", many)).await;
    assert_eq!(answer.error(400, "bad_request"), "`item_ids` names more than 100 items");
}

#[tokio::test]
async fn list_threads_returns_pages_newest_first() {
    let app = App::with(NO_LIMITS).await;
    let mut created = Vec::new();
    for number in 0..25 {
        app.model.then(answer("ok"));
        app.clock.advance(1);
        created.push(thread_id(&app.create("alice", &format!("number {number}")).await));
    }
    let newest_first: Vec<_> = created.iter().rev().map(String::as_str).collect();
    let list = async |params: Value| app.chatkit("alice", &operation("threads.list", params)).await.json();

    for params in [json!({ "limit": 9999 }), json!({ "limit": 25 }), json!({ "limit": "9999", "order": "desc" })] {
        let page = list(params).await;
        assert_eq!((ids(&page), &page["has_more"], page.get("after")), (newest_first.clone(), &json!(false), None));
    }
    for default in [json!({}), json!({ "limit": null, "after": null }), json!({ "limit": 0 }), json!({ "limit": 20.0 })]
    {
        let page = list(default).await;
        assert_eq!((ids(&page), &page["has_more"]), (newest_first[..20].to_vec(), &json!(true)));
        assert_eq!(page["after"], newest_first[19]);
    }
    let page = list(json!({ "limit": 7, "after": newest_first[19] })).await;
    assert_eq!((ids(&page), &page["has_more"], page.get("after")), (newest_first[20..].to_vec(), &json!(false), None));
    let page = list(json!({ "limit": "2", "order": "asc", "after": created[2] })).await;
    assert_eq!((ids(&page), &page["after"]), (vec![created[3].as_str(), &created[4]], &json!(created[4])));
    assert_eq!(list(json!({ "after": created[0] })).await, json!({ "data": [], "has_more": false }));
}

#[tokio::test]
async fn get_thread_returns_the_newest_items_and_list_items_the_rest() {
    let app = App::with(NO_LIMITS).await;
    let thread_id = thread(&app, "alice").await;
    fill(&app, "alice", &thread_id, 250).await;
    let list = async |mut params: Value| {
        params["thread_id"] = json!(thread_id);
        app.chatkit("alice", &operation("items.list", params)).await.json()
    };
    let all = list(json!({ "limit": 9999, "order": "asc" })).await;
    let oldest_first = ids(&all);
    assert_eq!((oldest_first.len(), oldest_first.is_sorted(), &all["has_more"]), (252, true, &json!(false)));
    let newest_first: Vec<_> = oldest_first.iter().rev().copied().collect();
    assert_eq!(ids(&list(json!({ "limit": 300 })).await), newest_first);
    assert_eq!(ids(&list(json!({})).await), newest_first[..20]);

    let thread = reload(&app, "alice", &thread_id).await;
    assert_eq!(ids(&thread["items"]), oldest_first[52..]);
    assert_eq!((&thread["items"]["has_more"], &thread["items"]["after"]), (&json!(true), &json!(oldest_first[52])));
    let older = list(json!({ "limit": 52, "after": thread["items"]["after"] })).await;
    assert_eq!(
        (ids(&older), &older["has_more"], older.get("after")),
        (newest_first[200..].to_vec(), &json!(false), None)
    );

    for order in ["asc", "desc"] {
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = list(json!({ "limit": 17, "order": order, "after": after })).await;
            seen.extend(page["data"].as_array().unwrap().clone());
            after = page["after"].clone();
            if page["has_more"] == false {
                break;
            }
        }
        let mut expected = all["data"].as_array().unwrap().clone();
        if order == "desc" {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
}
