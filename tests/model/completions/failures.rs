//! Failures in the shapes of several servers, and that nothing they say gets out.

use chatkit_shared::model::{ModelErrorKind, ModelEvent, Upstream};
use serde_json::{Value, json};

use super::super::failures::logged;
use super::super::translation::{added, text};
use super::{STARTED, ask};
use crate::harness::completions::{Chunk, DONE, chunks, content, finish, role};
use crate::harness::model::Answer;
use crate::harness::responses::{LEAK, upstream_error};

fn refusal(status: u16, body: &Value) -> Answer {
    Answer::with(status, "application/json", body.to_string())
}

#[tokio::test]
async fn refusals_in_any_known_shape_have_the_right_kind() {
    use ModelErrorKind::*;
    let too_long = format!("This model's maximum context length is 4096 tokens. However, you wrote: {LEAK}");
    for (answer, kind) in [
        (upstream_error(400, "invalid_request_error", "context_length_exceeded"), ContextTooLong),
        // vLLM, before and after it took on OpenAI's shape.
        (
            refusal(400, &json!({"object": "error", "message": too_long, "type": "BadRequestError", "code": 400})),
            ContextTooLong,
        ),
        (
            refusal(400, &json!({"error": {"message": too_long, "type": "BadRequestError", "code": 400}})),
            ContextTooLong,
        ),
        // llama.cpp.
        (
            refusal(400, &json!({"error": {"code": 400, "message": LEAK, "type": "exceed_context_size_error"}})),
            ContextTooLong,
        ),
        // LiteLLM.
        (
            refusal(
                400,
                &json!({"error": {
                    "message": format!("litellm.ContextWindowExceededError: {LEAK}"), "type": null, "code": "400",
                }}),
            ),
            ContextTooLong,
        ),
        // Ollama and Hugging Face.
        (refusal(404, &json!({"error": LEAK})), Rejected),
        (refusal(400, &json!({"error": too_long})), ContextTooLong),
        // Google.
        (refusal(400, &json!([{"error": {"code": 400, "message": LEAK, "status": "INVALID_ARGUMENT"}}])), Rejected),
        (refusal(429, &json!([{"error": {"code": 429, "message": LEAK}}])), RateLimited { retry_after: None }),
        // Mistral, FastAPI and Bedrock.
        (
            refusal(
                422,
                &json!({"object": "error", "message": {"detail": [{"msg": LEAK}]}, "type": "invalid_request_error"}),
            ),
            Rejected,
        ),
        (refusal(422, &json!({"detail": [{"loc": ["body", "x"], "msg": LEAK}]})), Rejected),
        (refusal(403, &json!({"Message": LEAK})), Unauthorized),
        (refusal(500, &json!("a mere text")), Unavailable),
        (Answer::with(500, "text/html", format!("<h1>{LEAK}</h1>")), Unavailable),
    ] {
        let (events, error) = ask(answer.clone()).await;
        let error = error.unwrap();
        logged(&error);
        assert_eq!((events, error.kind), (Vec::new(), kind), "{answer:?}");
    }
}

#[tokio::test]
async fn refusal_keeps_only_the_codes_of_the_server() {
    let body = json!({"object": "error", "message": LEAK, "type": "NotFoundError", "code": 404});
    let (_, error) = ask(refusal(404, &body)).await;
    let upstream = error.unwrap().upstream;
    let [code, kind] = ["404", "NotFoundError"].map(|code| Some(code.to_owned()));
    assert_eq!(upstream, Upstream { status: Some(404), code, kind, request_id: None });
}

#[tokio::test]
async fn failure_inside_a_stream_comes_after_the_text_before_it() {
    use ModelErrorKind::*;
    let limited = RateLimited { retry_after: None };
    let error = |error: Value| Chunk::new(json!({ "error": error }));
    for (chunk, kind) in [
        (error(json!({"message": LEAK, "type": "server_error", "code": null})), Unavailable),
        (error(json!({"message": LEAK, "code": 429})), limited),
        (error(json!({"message": LEAK, "code": "429"})), limited),
        (error(json!({"message": LEAK, "code": 401, "type": "auth"})), Unauthorized),
        (error(json!({"message": format!("{LEAK} exceeds the context window"), "code": 400})), ContextTooLong),
        (error(json!({"message": LEAK, "type": "insufficient_quota"})), QuotaExceeded),
        (error(json!(LEAK)), Unavailable),
        (Chunk::new(json!({"object": "error", "message": LEAK, "type": "BadRequestError", "code": 400})), Rejected),
        // OpenRouter has the error beside a choice.
        (finish("error").set("error", json!({"code": "server_error", "message": LEAK})), Unavailable),
        (finish("error"), Unavailable),
    ] {
        let (events, error) = ask(chunks([role(), content("Hel"), chunk.clone(), finish("stop")]).bytes(DONE)).await;
        let error = error.unwrap();
        logged(&error);
        assert_eq!((events, error.kind), (vec![STARTED, added(0, 0), text(0, 0, "Hel")], kind), "{chunk:?}");
    }
}

#[tokio::test]
async fn response_that_is_no_answer_is_broken() {
    let stream = "text/event-stream";
    for (answer, what) in [
        (Answer::with(200, stream, ""), "it ends before it is whole"),
        (Answer::with(200, stream, DONE), "it ends before it is whole"),
        (chunks([role()]), "it ends before it is whole"),
        (chunks([role()]).bytes(DONE), "it ends before it is whole"),
        (Answer::with(200, stream, format!("data: {LEAK}\n\n")), "an event is not JSON"),
        (Answer::with(200, "application/json", "{\"choices\":[]}"), "it ends before it is whole"),
    ] {
        let (events, error) = ask(answer).await;
        let error = error.unwrap();
        logged(&error);
        assert_eq!((events, error.kind), (Vec::<ModelEvent>::new(), ModelErrorKind::Broken(what)));
    }
    let (events, error) = ask(chunks([content("Hel")])).await;
    assert_eq!(events, [STARTED, added(0, 0), text(0, 0, "Hel")]);
    assert_eq!(error.unwrap().kind, ModelErrorKind::Broken("it ends before it is whole"));
}
