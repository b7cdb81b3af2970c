//! A variable that makes no sense stops the start, and is named without its value.

use chatkit_shared::env::Env;

use crate::identity::modes::starts;

fn good() -> Env {
    Env::from_iter([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("TABLE_THREADS", "threads"),
        ("TABLE_COUNTERS", "counters"),
        ("TABLE_USAGE", "usage"),
        ("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes"),
        ("AUTH_MODE", "anonymous"),
    ])
}

/// What `start`, `refresh`, `chat` and `analytics` say with this variable.
async fn with(name: &str, value: &str) -> [Option<String>; 4] {
    let mut env = good();
    env.set(name, value);
    starts(&env).await
}

#[tokio::test]
async fn start_when_a_number_is_invalid_names_the_variable() {
    assert_eq!(starts(&good()).await, [const { None }; 4]);
    // Who reads it, and what it wants.
    const SESSIONS: [bool; 4] = [true, true, false, false];
    const CHAT: [bool; 4] = [false, false, true, false];
    const USER: [bool; 4] = [false, false, true, true];
    const LIMIT: &str = "must be a whole number, 0 for no limit";
    let variables = [
        ("LIMIT_ADDRESS_BURST", SESSIONS, LIMIT),
        ("LIMIT_ADDRESS_PER_SECOND", SESSIONS, LIMIT),
        ("LIMIT_USER_TURNS_PER_MINUTE", USER, LIMIT),
        ("LIMIT_USER_REQUESTS_PER_MINUTE", USER, LIMIT),
        ("LIMIT_USER_TOKENS_PER_HOUR", USER, LIMIT),
        ("LIMIT_ADDRESS_TOKENS_PER_HOUR", USER, LIMIT),
        ("LIMIT_TENANT_TOKENS_PER_DAY", USER, LIMIT),
        ("LIMIT_MESSAGE_CHARS", USER, LIMIT),
        ("USAGE_RETENTION_DAYS", USER, "must be a whole number of days"),
        ("MAX_OUTPUT_TOKENS", CHAT, "must be a whole number of tokens"),
        ("MAX_CONTEXT_TOKENS", CHAT, "must be a whole number of tokens"),
    ];
    for (name, readers, wants) in variables {
        for value in ["canary", "-1", "1.5", "1e3", "1,000", "0x10", "٣", "99999999999999999999999", "1 2", "NaN"] {
            let expected = readers.map(|reads| reads.then(|| format!("`{name}` {wants}")));
            assert_eq!(with(name, value).await, expected, "{value}");
        }
        for value in ["", "  ", "16", " 16 "] {
            assert_eq!(with(name, value).await, [const { None }; 4], "{name} {value:?}");
        }
    }
    assert_eq!(with("LIMIT_MESSAGE_CHARS", "65000").await, [const { None }; 4]);
    let [_, _, chat, _] = with("LIMIT_MESSAGE_CHARS", "65001").await;
    let wants = "must be at most 65000, because a message holds 64 KB";
    assert_eq!(chat, Some(format!("`LIMIT_MESSAGE_CHARS` {wants}")));
    for name in ["MAX_OUTPUT_TOKENS", "MAX_CONTEXT_TOKENS"] {
        let [_, _, chat, _] = with(name, "15").await;
        assert_eq!(chat, Some(format!("`{name}` must be at least 16 tokens")));
    }
}

#[tokio::test]
async fn start_when_a_choice_is_unknown_lists_the_valid_ones() {
    for (name, value, expected) in [
        (
            "CHATKIT_MODE",
            "canary",
            [Some("must be `self` or `hosted`"), Some("must be `self` or `hosted`"), None, None],
        ),
        ("LOG_ADDRESS", "canary", [Some("must be `hashed` or `plain`"); 4]),
        ("REASONING_SUMMARIES", "canary", [None, None, Some("must be `true` or `false`"), None]),
        ("TITLES", "canary", [None, None, Some("must be `model`, `message` or `off`"), None]),
        ("MODEL_API", "canary", [None, None, Some("must be `responses` or `chat_completions`"), None]),
        ("AUTH_MODE", "canary", [Some("must be a list of `jwt`, `session`, `anonymous` and `login`"); 4]),
    ] {
        let expected = expected.map(|wants| wants.map(|wants| format!("`{name}` {wants}")));
        assert_eq!(with(name, value).await, expected);
    }
    let wants = "must be an `http` or `https` URL without credentials, query and fragment";
    for value in
        ["canary", "ftp://canary", "https://canary:pw@host/v1", "https://host/v1?canary", "https://host/#canary"]
    {
        let expected = [None, None, Some(format!("`OPENAI_BASE_URL` {wants}")), None];
        assert_eq!(with("OPENAI_BASE_URL", value).await, expected, "{value}");
    }
    for name in ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"] {
        for value in ["canary", "canary:8000", "ftp://canary", "http://"] {
            let expected = Some(format!("`{name}` must be an `http` or `https` URL"));
            assert_eq!(with(name, value).await, [(); 4].map(|()| expected.clone()), "{value}");
        }
    }
}

#[tokio::test]
async fn start_when_a_variable_is_missing_names_it() {
    let all = [true; 4];
    for (name, readers) in [
        ("AWS_REGION", all),
        ("AWS_ACCESS_KEY_ID", all),
        ("AWS_SECRET_ACCESS_KEY", all),
        ("TABLE_COUNTERS", all),
        ("SESSION_SIGNING_SECRET", all),
        ("TABLE_THREADS", [false, false, true, false]),
        ("TABLE_USAGE", [false, false, true, true]),
    ] {
        for (fault, reads) in with(name, "").await.into_iter().zip(readers) {
            assert_eq!(fault.is_some(), reads, "{name}: {fault:?}");
            assert!(fault.is_none_or(|fault| fault.starts_with(&format!("`{name}` "))), "{name}");
        }
    }
}

#[tokio::test]
async fn env_when_printed_does_not_show_its_values() {
    let mut env = good();
    env.set("OPENAI_API_KEY", "sk-canary");
    assert!(!format!("{env:?}").contains("canary"));
    let [.., chat, _] = with("OPENAI_API_KEY", "sk-\u{1}canary").await;
    assert_eq!(chat.as_deref(), Some("`OPENAI_API_KEY` must be printable ASCII"));
}

#[test]
fn start_when_the_log_level_is_unknown_lists_the_valid_ones() {
    for name in ["LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"] {
        let env = Env::from_iter([(name, "canary")]);
        let error = chatkit_shared::telemetry::init(&env, chatkit_shared::telemetry::Format::Json).unwrap_err();
        assert_eq!(error.to_string(), format!("`{name}` must be `error`, `warn`, `info`, `debug` or `trace`"));
    }
}
