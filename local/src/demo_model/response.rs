use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::answer::Answer;
use super::request::Request;

/// About as many characters as a token has.
const CHARACTERS_PER_TOKEN: usize = 4;

/// What the ids of a response and of all its items end in: the same for the same request.
pub(super) fn id(request: &Request) -> String {
    let mut hasher = DefaultHasher::new();
    (request.user_texts(), request.item_count(), &request.instructions).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The response before anything was said, with every field that OpenAI's has. `created_at` in Unix seconds.
pub(super) fn response(request: &Request, created_at: i64) -> Value {
    json!({
        "id": format!("resp_{}", id(request)),
        "object": "response",
        "created_at": created_at,
        "status": "in_progress",
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": null,
        "metadata": {},
        "model": request.model,
        "output": [],
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "prompt_cache_key": request.prompt_cache_key,
        "reasoning": {"effort": null, "summary": null},
        "safety_identifier": request.safety_identifier,
        "service_tier": "default",
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": null,
        "user": null,
    })
}

/// What a response with this text took, in tokens as the demo model counts them.
pub(super) fn usage(request: &Request, answer: &Answer, text: &str) -> Value {
    let input = tokens(request.length());
    let reasoning = tokens(answer.thoughts.iter().map(|thought| thought.chars().count()).sum());
    let output = reasoning + tokens(text.chars().count());
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": input + output,
    })
}

/// As much of the text as the request has room for.
pub(super) fn fitting<'a>(request: &Request, text: &'a str) -> &'a str {
    let room = request.max_output_tokens.and_then(|tokens| usize::try_from(tokens).ok());
    let end = room.and_then(|tokens| text.char_indices().nth(tokens * CHARACTERS_PER_TOKEN));
    end.map_or(text, |(end, _)| &text[..end])
}

const fn tokens(characters: usize) -> usize {
    characters.div_ceil(CHARACTERS_PER_TOKEN)
}
