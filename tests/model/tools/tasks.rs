//! What the model's server does itself.

use chatkit_shared::model::ModelEvent;
use chatkit_shared::protocol::{Source, StatusIndicator, Task};
use serde_json::{Value, json};

use super::super::events;
use super::super::translation::{COMPLETED, added, done, started, text, whole};
use crate::harness::responses::{
    Event, With, completed, delta, file_search, hosted_events, in_item, incomplete, item_added, item_done,
    message_added, message_done, reasoning_added, reasoning_delta, reasoning_done, sse, then_answer, web_search,
};

const LOADING: StatusIndicator = StatusIndicator::Loading;
const COMPLETE: StatusIndicator = StatusIndicator::Complete;

fn task(number: u64, content: Task) -> ModelEvent {
    ModelEvent::Task { task: number, content: Box::new(content) }
}

fn page(url: &str) -> Source {
    let title = url.to_owned();
    Source::Url { title, description: None, timestamp: None, group: None, url: url.to_owned(), attribution: None }
}

fn file(name: &str) -> Source {
    let title = name.to_owned();
    Source::File { title, description: None, timestamp: None, group: None, filename: name.to_owned() }
}

fn searching(status_indicator: StatusIndicator, title: Option<&str>, queries: &[&str], pages: &[&str]) -> Task {
    Task::WebSearch {
        status_indicator,
        title: title.map(ToOwned::to_owned),
        title_query: queries.first().map(|&query| query.to_owned()),
        queries: queries.iter().map(|&query| query.to_owned()).collect(),
        sources: pages.iter().map(|url| page(url)).collect(),
    }
}

fn reading(status_indicator: StatusIndicator, title: &str, files: &[&str]) -> Task {
    let sources = files.iter().map(|name| file(name)).collect();
    Task::File { status_indicator, title: Some(title.to_owned()), sources }
}

fn custom(status_indicator: StatusIndicator, title: &str, icon: &str, content: Option<&str>) -> Task {
    let [title, icon] = [title, icon].map(|text| Some(text.to_owned()));
    Task::Custom { status_indicator, title, icon, content: content.map(ToOwned::to_owned) }
}

/// The tasks that the item becomes when it begins and is over at once.
async fn shown(item: Value) -> [Task; 2] {
    let mut events = events(sse([item_done(&item), completed(json!(null))])).await;
    events.retain(|event| !matches!(event, ModelEvent::Answered { .. }));
    let [ModelEvent::Task { task: 0, content: started }, ModelEvent::Task { task: 0, content: over }, COMPLETED] =
        &events[..]
    else {
        panic!("{item}: {events:?}")
    };
    [*started.clone(), *over.clone()]
}

/// What an item is in the end.
async fn last(item: Value) -> Task {
    let [started, over] = shown(item).await;
    assert_ne!(started, over);
    over
}

fn hi() -> [ModelEvent; 5] {
    [started(0, "msg_1"), added(0, 0), text(0, 0, "Hi"), whole(0, 0, "Hi"), done(0, &["Hi"])]
}

#[tokio::test]
async fn web_search_becomes_a_task_with_its_pages() {
    let events = events(web_search("rust lambda", &["https://a.example/", "https://b.example/"], "Hi")).await;
    assert_eq!(
        events[..2],
        [
            task(0, searching(LOADING, Some("Searching the web"), &[], &[])),
            task(0, searching(COMPLETE, None, &["rust lambda"], &["https://a.example/", "https://b.example/"])),
        ]
    );
    assert_eq!(events[2..7], hi());
}

#[tokio::test]
async fn file_search_becomes_a_task_with_its_files() {
    let events = events(file_search("terms", &["a.pdf", "a.pdf", "", "b.md"], "Hi")).await;
    assert_eq!(
        events[..2],
        [
            task(0, reading(LOADING, "Searching files", &[])),
            task(0, reading(COMPLETE, "Searching files", &["a.pdf", "b.md"]))
        ]
    );
    assert_eq!(events[2..7], hi());
}

#[tokio::test]
async fn web_search_action_of_each_kind_has_its_task() {
    let call =
        |action: Value| json!({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": action});
    let url = "https://a.example/";
    for (action, title, queries, pages) in [
        (json!({"type": "search", "query": "one"}), None, &["one"][..], &[][..]),
        (json!({"type": "search", "query": "one", "queries": ["one", "", "two"]}), None, &["one", "two"], &[]),
        (json!({"type": "search", "query": ""}), Some("Searching the web"), &[], &[]),
        (json!({"type": "open_page", "url": url}), Some("Reading a page"), &[], &[url]),
        (json!({"type": "find_in_page", "url": url, "pattern": "x"}), Some("Searching a page"), &["x"], &[url]),
        (
            json!({"query": "one", "sources": [{"url": url}, {"type": "api", "name": "x"}, 7, {"url": url}]}),
            None,
            &["one"],
            &[url],
        ),
        (json!({"query": 7, "queries": "one", "sources": {}, "url": []}), Some("Searching the web"), &[], &[]),
        (json!("search"), Some("Searching the web"), &[], &[]),
        (json!(null), Some("Searching the web"), &[], &[]),
    ] {
        assert_eq!(last(call(action.clone())).await, searching(COMPLETE, title, queries, pages), "{action}");
    }
    let failed = call(json!({"query": "one"})).with("status", "failed");
    assert_eq!(last(failed).await, searching(COMPLETE, Some("The search failed"), &["one"], &[]));

    let many: Vec<_> = (0..100).map(|number| json!({"url": format!("https://{number}.example/")})).collect();
    let Task::WebSearch { sources, .. } = last(call(json!({"sources": many}))).await else { panic!() };
    assert_eq!(sources.len(), 20);
}

#[tokio::test]
async fn program_shows_its_code_once_written() {
    let item = json!({"id": "ci_1", "type": "code_interpreter_call", "code": "", "container_id": "c", "outputs": null});
    let code = |event: &str, key: &str| {
        in_item(&format!("response.code_interpreter_call_code.{event}")).set(key, json!("print(1)\n"))
    };
    let over = item.clone().with("status", "completed").with("code", "print(1)\n");
    let mut answer = hosted_events("code_interpreter_call", "interpreting", &item, &over);
    answer.splice(2..2, [code("delta", "delta"), code("done", "code")]);
    let program = |status, content| task(0, custom(status, "Running a program", "square-code", content));
    let block = Some("```python\nprint(1)\n```");
    let events = events(then_answer(answer, "Hi")).await;
    assert_eq!(events[..3], [program(LOADING, None), program(LOADING, block), program(COMPLETE, block)]);
    assert_eq!(events[3..8], hi());
}

#[tokio::test]
async fn code_with_backticks_stays_in_its_block() {
    let item = json!({"type": "code_interpreter_call", "code": "'''\n````\n# Hi\n'''"});
    let block = "`````python\n'''\n````\n# Hi\n'''\n`````";
    assert_eq!(last(item).await, custom(COMPLETE, "Running a program", "square-code", Some(block)));
}

#[tokio::test]
async fn other_hosted_tools_become_named_tasks() {
    let mcp = json!({"id": "mcp_1", "type": "mcp_call", "server_label": "docs", "name": "search", "arguments": "{}"});
    let list = json!({"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "docs", "tools": [], "error": null});
    let approval = json!({"id": "mcpr_1", "type": "mcp_approval_request", "name": "pay", "server_label": "shop"});
    let failed = |item: &Value| item.clone().with("status", "failed");
    for (item, title, icon, content) in [
        (mcp.clone().with("output", "found"), "search", "bolt", None),
        (mcp.clone().with("error", "no such page"), "search", "bolt", Some("The tool failed.")),
        (mcp.clone().with("error", json!({"code": 404})), "search", "bolt", Some("The tool failed.")),
        (failed(&mcp), "search", "bolt", Some("The tool failed.")),
        (mcp.with("name", 7), "docs", "bolt", None),
        (list.clone(), "Tools of docs", "bolt", None),
        (list.with("error", "down"), "Tools of docs", "bolt", Some("The tools cannot be reached.")),
        (approval, "pay", "bolt", Some("The tool was not allowed.")),
        (json!({"type": "mcp_call"}), "Using a tool", "bolt", None),
        (json!({"type": "mcp_list_tools", "server_label": []}), "Tools", "bolt", None),
        (json!({"type": "computer_call", "action": {}}), "Computer", "bolt", None),
        (json!({"type": "local_shell_call"}), "Local shell", "bolt", None),
        (failed(&json!({"type": "custom_tool_call"})), "Custom tool", "bolt", Some("The tool failed.")),
        (json!({"type": "_call"}), "Using a tool", "bolt", None),
        (
            failed(&json!({"type": "code_interpreter_call", "code": "1/0"})),
            "Running a program",
            "square-code",
            Some("The program failed."),
        ),
    ] {
        assert_eq!(last(item.clone()).await, custom(COMPLETE, title, icon, content), "{item}");
    }
}

#[tokio::test]
async fn thoughts_and_tasks_keep_their_order() {
    let search = json!({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"query": "one"}});
    let thinking = |place, id: &str, text: &str| {
        [reasoning_added(id), reasoning_delta(text), reasoning_done(id, &[text])].map(|event| event.item(place))
    };
    let searches = [item_added(&search).item(1), item_done(&search).item(1)];
    let answer = thinking(0, "rs_1", "One").into_iter().chain(searches).chain(thinking(2, "rs_2", "Two"));
    let thought = |part, text: &str| {
        let text = text.to_owned();
        [
            ModelEvent::ReasoningStarted,
            ModelEvent::ReasoningDelta { part, text: text.clone() },
            ModelEvent::ReasoningDone { part, text },
        ]
    };
    let tasks = [LOADING, COMPLETE].map(|status| task(0, searching(status, None, &["one"], &[])));
    assert_eq!(
        events(sse(answer.chain([completed(json!(null))]))).await,
        [&thought(0, "One")[..], &tasks, &thought(1, "Two"), &[COMPLETED]].concat()
    );
}

#[tokio::test]
async fn tasks_end_before_a_message_and_with_the_answer() {
    let call = json!({"id": "ws_1", "type": "web_search_call", "status": "in_progress"});
    let search = |number, status| task(number, searching(status, Some("Searching the web"), &[], &[]));
    let hi = || [delta("Hi").item(1), message_done("msg_1", "Hi").item(1)];
    let start = [item_added(&call), message_added("msg_1").item(1)].into_iter().chain(hi());
    // What is told of it later changes nothing.
    let answer = start.chain([item_done(&call), completed(json!(null))]);
    let expected = [&[search(0, LOADING), search(0, COMPLETE)][..], &self::hi(), &[COMPLETED]].concat();
    assert_eq!(events(sse(answer)).await, expected);

    for (end, last) in [
        (completed(json!(null)), 0),
        (completed(json!(null)).response("output", json!([call])), 0),
        (incomplete("max_output_tokens", json!(null)), 0),
    ] {
        let events = events(sse([item_added(&call), end])).await;
        assert_eq!(events[..events.len() - 1], [search(last, LOADING), search(last, COMPLETE)]);
    }
}

#[tokio::test]
async fn task_with_missing_events_starts_and_ends_once() {
    let call = json!({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"query": "one"}});
    let phase = |phase: &str| in_item(&format!("response.web_search_call.{phase}"));
    let bare = |status| task(0, searching(status, Some("Searching the web"), &[], &[]));
    let known = |status| task(0, searching(status, None, &["one"], &[]));
    for (answer, expected) in [
        (vec![phase("in_progress"), phase("searching"), phase("completed")], [bare(LOADING), bare(COMPLETE)]),
        (vec![phase("searching"), item_done(&call)], [bare(LOADING), known(COMPLETE)]),
        (vec![item_done(&call), item_done(&call), phase("searching")], [known(LOADING), known(COMPLETE)]),
        (vec![item_added(&call), item_done(&call), phase("searching")], [known(LOADING), known(COMPLETE)]),
    ] {
        let events = events(sse(answer.clone().into_iter().chain([completed(json!(null))]))).await;
        assert_eq!(events, [&expected[..], &[COMPLETED]].concat(), "{answer:?}");
    }
    let listed = completed(json!(null)).response("output", json!([call]));
    assert_eq!(events(sse([listed])).await, [known(LOADING), known(COMPLETE), COMPLETED]);

    for kind in ["file_search_call", "code_interpreter_call"] {
        let answer = [in_item(&format!("response.{kind}.in_progress")), completed(json!(null))];
        assert_eq!(events(sse(answer)).await.len(), 3);
    }
}

#[tokio::test]
async fn malformed_tasks_are_ignored() {
    let unknown = ["computer_call_output", "mcp_approval_response", "compaction", "call", ""];
    let items = unknown.map(|kind| item_done(&json!({"type": kind})));
    let events_of_nothing = [
        Event::new(json!({"type": "response.web_search_call.searching", "output_index": "first"})),
        Event::new(json!({"type": "response.code_interpreter_call_code.done", "output_index": 9, "code": "print(1)"})),
        Event::new(json!({"type": "response.mcp_call_arguments.delta", "output_index": 0, "delta": "{}"})),
        item_added(&json!({"type": ["web_search_call"]})),
    ];
    let answer = items.into_iter().chain(events_of_nothing).chain([completed(json!(null))]);
    assert_eq!(events(sse(answer)).await, [COMPLETED]);
}
