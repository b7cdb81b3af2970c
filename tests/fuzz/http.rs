//! What a request carries: tokens, an origin, a position in a stream, a place in a list.

use axum::body::Body;
use bolero::{TypeGenerator, check};
use http::{HeaderValue, Method, Request};
use serde_json::{Value, json};

use super::Server;
use crate::harness::app::{Answer, add, chatkit, create, request, thread_id};
use crate::harness::requests::{Carrying, bare, get};

/// The origins that may ask from a browser.
pub(super) const ALLOWED: &str = "https://www.example.com,http://localhost:5173";

/// A change of a text.
#[derive(Debug, Clone, Copy, TypeGenerator)]
enum Change {
    Set(u8, u8),
    Insert(u8, u8),
    Remove(u8),
    Cut(u8),
}

/// A text with a few changes.
fn changed(text: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes {
        let place = |place: &u8| usize::from(*place) * bytes.len() / 256;
        match change {
            Change::Set(at, byte) if !bytes.is_empty() => {
                let at = place(at);
                bytes[at] = *byte;
            }
            Change::Insert(at, byte) => bytes.insert(place(at), *byte),
            Change::Remove(at) if !bytes.is_empty() => {
                bytes.remove(place(at));
            }
            Change::Cut(at) => bytes.truncate(place(at)),
            Change::Set(..) | Change::Remove(_) => {}
        }
    }
    bytes
}

/// A request with a header of these bytes; none if no header can have them.
fn with(mut request: Request<Body>, name: &'static str, value: &[u8]) -> Option<Request<Body>> {
    request.headers_mut().insert(name, HeaderValue::from_bytes(value).ok()?);
    Some(request)
}

/// Only the token itself is good, and what a header means by it.
fn only_genuine(server: &Server, token: &str, changes: &[Change]) {
    let forged = changed(&format!("Bearer {token}"), changes);
    let Some(request) = with(get("/api/usage/me"), "authorization", &forged) else { return };
    let answer = server.send(request);
    let sent = String::from_utf8_lossy(&forged);
    let is_genuine = sent
        .split_once(' ')
        .is_some_and(|(scheme, sent)| scheme.eq_ignore_ascii_case("bearer") && sent.trim() == token);
    assert_eq!(answer.status == 200, is_genuine, "{sent:?} {answer:?}");
}

#[test]
fn session_token() {
    let server = Server::start();
    let token = server.runtime.block_on(server.app.session("alice"));
    check!(name = "session_token")
        .with_type::<Vec<Change>>()
        .for_each(|changes| only_genuine(&server, &token, changes));
}

#[test]
fn user_token() {
    let server = Server::start();
    let token = server.app.user_token("alice");
    check!(name = "user_token").with_type::<Vec<Change>>().for_each(|changes| only_genuine(&server, &token, changes));
}

#[test]
fn origin() {
    let server = Server::start();
    check!(name = "origin").with_type::<(bool, bool, Vec<Change>)>().for_each(|(first, preflight, changes)| {
        let mut allowed = ALLOWED.split(',');
        let known = if *first { allowed.next() } else { allowed.next_back() }.unwrap();
        let sent = changed(known, changes);
        let request = match preflight {
            true => bare(Method::OPTIONS, "/chatkit", Body::empty()).with("access-control-request-method", "POST"),
            false => bare(Method::POST, "/chatkit", Body::from("{}")),
        };
        let Some(request) = with(request, "origin", &sent) else { return };
        let answer = server.send(request);
        let named = answer.headers.get("access-control-allow-origin").map(HeaderValue::as_bytes);
        let is_allowed = ALLOWED.split(',').any(|origin| origin.as_bytes() == sent);
        assert_eq!(named, is_allowed.then_some(&*sent));
    });
}

#[test]
fn position() {
    let server = Server::start();
    let thread_id = thread_id(&server.send_json(&create("Hi")).events());
    let foreign = format!("{}0", &thread_id[..thread_id.len() - 1]);
    check!(name = "position").with_type::<(bool, Vec<u8>)>().for_each(|(follows, position)| {
        let path = format!("/chatkit/threads/{thread_id}/run");
        let request = match follows {
            true => request(Method::GET, &path, "alice", Body::empty()),
            false => chatkit("alice", &add(&foreign, "Hi")),
        };
        if let Some(request) = with(request, "last-event-id", position) {
            let answer = server.send(request);
            assert!(*follows || answer.status.is_client_error(), "{answer:?}");
        }
    });
}

#[test]
fn page_of_a_list() {
    let server = Server::start();
    let thread_id = thread_id(&server.send_json(&create("Hi")).events());
    for number in 0..3 {
        server.send_json(&add(&thread_id, &format!("{number}"))).events();
    }
    let list = |params: &Value| server.send_json(&json!({ "type": "items.list", "params": params }));
    let ids = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&list(&json!({ "thread_id": thread_id, "limit": 100, "order": "asc" })).json());
    assert_eq!(all.len(), 8);
    check!(name = "page_of_a_list").with_type::<(i64, bool, Option<u8>, Vec<Change>)>().for_each(
        |(limit, ascending, after, changes)| {
            let after = after.map(|place| changed(&all[usize::from(place) % all.len()], changes));
            let after = after.map(|after| String::from_utf8_lossy(&after).into_owned());
            let order = if *ascending { "asc" } else { "desc" };
            let answer = list(&json!({ "thread_id": thread_id, "limit": limit, "order": order, "after": after }));
            // Of other characters only the server knows where they would stand.
            let is_plain = |after: &String| after.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if answer.status != 200 || !after.as_ref().is_none_or(is_plain) {
                return;
            }
            let (page, after) = (answer.json(), after.as_deref().map(sort_key));
            let is_behind = |id: &&String| match after {
                Some(after) if *ascending => sort_key(id) > after,
                Some(after) => sort_key(id) < after,
                None => true,
            };
            let mut expected: Vec<_> = all.iter().filter(is_behind).cloned().collect();
            if !ascending {
                expected.reverse();
            }
            let limit = usize::try_from(*limit).ok().filter(|limit| *limit > 0).unwrap_or(20);
            assert_eq!(page["has_more"], json!(expected.len() > limit), "{page}");
            expected.truncate(limit);
            assert_eq!(ids(&page), expected);
        },
    );
}

/// An item stands in the list by what is behind the prefix of its id.
fn sort_key(id: &str) -> &str {
    id.split_once('_').map_or(id, |(_, key)| key)
}

impl Server {
    fn send_json(&self, operation: &Value) -> Answer {
        self.send(chatkit("alice", operation))
    }
}
