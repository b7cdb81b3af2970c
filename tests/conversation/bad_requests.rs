//! What is wrong before the body is read: the method, its type, its size.

use axum::body::Body;
use http::{Method, Request};

use super::bad_input::Bystander;
use crate::harness::app::request;

#[tokio::test]
async fn chatkit_with_a_wrong_method_or_content_type_is_refused() {
    let bystander = Bystander::start().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD, Method::TRACE] {
        let answer = bystander.app.send(request(method.clone(), "/chatkit", "alice", Body::from("{}"))).await;
        assert_eq!((answer.status.as_u16(), answer.headers["allow"].to_str().unwrap()), (405, "POST"), "{method}");
        if method != Method::HEAD {
            assert_eq!(answer.error(405, "method_not_allowed"), "this path takes another method");
        }
    }
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "application/json2"]
    {
        let mut wrong =
            request(Method::POST, "/chatkit", "alice", Body::from(r#"{"type":"threads.list","params":{}}"#));
        wrong.headers_mut().insert("content-type", content_type.parse().unwrap());
        let message = bystander.app.send(wrong).await.error(415, "unsupported_media_type");
        assert_eq!(message, "the body must be sent as `application/json`");
    }
    let mut none = request(Method::POST, "/chatkit", "alice", Body::from("{}"));
    none.headers_mut().remove("content-type");
    bystander.app.send(none).await.error(415, "unsupported_media_type");
    for content_type in ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"] {
        let mut right =
            request(Method::POST, "/chatkit", "alice", Body::from(r#"{"type":"threads.list","params":{}}"#));
        right.headers_mut().insert("content-type", content_type.parse().unwrap());
        assert_eq!(bystander.app.send(right).await.status, 200);
    }
    let nobody = Request::post("/chatkit").header("content-type", "application/json").body(Body::from("{}")).unwrap();
    bystander.app.send(nobody).await.error(401, "unauthorized");
    bystander.unharmed().await;
}

#[tokio::test]
async fn chatkit_when_the_body_exceeds_one_megabyte_is_refused() {
    let bystander = Bystander::start().await;
    let body = |size: usize| {
        let mut body = br#"{"type":"threads.list","params":{}}"#.to_vec();
        body.resize(size, b' ');
        body
    };
    assert_eq!(bystander.send(body(1 << 20)).await.status, 200);
    for size in [(1 << 20) + 1, 3 << 20] {
        let message = bystander.send(body(size)).await.error(413, "payload_too_large");
        assert_eq!(message, "the body is larger than 1 MB");
    }
    // Nobody says beforehand how long it is.
    let chunks = (0..1_100).map(|_| Ok::<_, std::convert::Infallible>(vec![b' '; 1_000]));
    let endless = Body::from_stream(futures_util::stream::iter(chunks));
    bystander.send(endless).await.error(413, "payload_too_large");
    let broken = futures_util::stream::iter([Ok(vec![b'{']), Err(std::io::Error::other("left"))]);
    assert_eq!(bystander.refused(Body::from_stream(broken)).await, "the body could not be read");
    bystander.unharmed().await;
}
