//! The playground: a page that chats with this server over the ChatKit protocol, for people who see it for the first
//! time and for trying out a change. It is compiled in, so that `cargo run` needs no files beside the binary.
//!
//! The page is plain HTML, CSS and JavaScript modules (`local/playground/`), without a build step. Everything it does
//! goes through the same public routes that a site uses.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use bytes::Bytes;
use chatkit_shared::http::{Code, Error, HttpLayer};
use http::HeaderValue;
use http::header::{self, InvalidHeaderValue};

use crate::about::About;

/// Only what this server serves, no inline code, and no way for a text to become markup. Styles are the page's own;
/// scripts set them through the object model, which needs no exception. `data:` is for images that a model makes,
/// `blob:` for those that are about to be sent. `files` is where attachments are.
fn content_security_policy(files: Option<&str>) -> String {
    let files = files.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{files}; \
         connect-src 'self'{files}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// A file of the page.
struct Asset {
    /// Below `local/playground/`, and below `/playground/` in the address.
    name: &'static str,
    content: &'static str,
}

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(Asset { name: $name, content: include_str!(concat!("../playground/", $name)) }),*]
    };
}

const INDEX: &str = include_str!("../playground/index.html");

const ASSETS: &[Asset] = assets![
    "css/base.css",
    "css/composer.css",
    "css/controls.css",
    "css/conversation.css",
    "css/items.css",
    "css/layout.css",
    "css/media.css",
    "css/prose.css",
    "css/questions.css",
    "css/sidebar.css",
    "css/widget-data.css",
    "css/widget-fields.css",
    "css/widgets.css",
    "favicon.svg",
    "js/about.js",
    "js/api.js",
    "js/attachments.js",
    "js/composer.js",
    "js/conversation.js",
    "js/copy.js",
    "js/dialog.js",
    "js/dictation.js",
    "js/dom.js",
    "js/follow.js",
    "js/icons.js",
    "js/identity.js",
    "js/items/assistant-message.js",
    "js/items/card.js",
    "js/items/client-tool-call.js",
    "js/items/generated-image.js",
    "js/items/index.js",
    "js/items/sources.js",
    "js/items/structured-input.js",
    "js/items/task.js",
    "js/items/user-message.js",
    "js/items/widget.js",
    "js/items/workflow.js",
    "js/main.js",
    "js/markdown/blocks.js",
    "js/markdown/inline.js",
    "js/markdown/render.js",
    "js/notices.js",
    "js/page-tools.js",
    "js/patience.js",
    "js/pickers.js",
    "js/questions.js",
    "js/session.js",
    "js/sidebar.js",
    "js/socket-fetch.js",
    "js/sse.js",
    "js/theme.js",
    "js/thread-row.js",
    "js/threads.js",
    "js/timeline.js",
    "js/toast.js",
    "js/types.js",
    "js/widgets/actions.js",
    "js/widgets/boxes.js",
    "js/widgets/chart.js",
    "js/widgets/content.js",
    "js/widgets/fields.js",
    "js/widgets/form.js",
    "js/widgets/render.js",
    "js/widgets/roots.js",
    "js/widgets/style.js",
    "js/widgets/table.js",
    "js/widgets/view.js",
];

/// Serves the page at `/`, its files below `/playground/` and `about` at `/playground.json`. Has no fallback, so it can be
/// merged with the other routers. `http` makes the answers to methods that it does not know.
///
/// # Errors
/// When the origin of attachments cannot stand in a header.
pub fn router(about: &About, http: HttpLayer) -> Result<Router, InvalidHeaderValue> {
    let refuse = || async { Error::new(Code::MethodNotAllowed, "this path takes another method") };
    let no_method = http.wrap(Router::new().route("/", any(refuse)).route("/{*path}", any(refuse)));
    let policy = HeaderValue::try_from(content_security_policy(about.attachments.origin.as_deref()))?;
    let serve = |content_type: &'static str, body: Bytes| {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            // The next build may serve other files under the same names.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (header::CONTENT_SECURITY_POLICY, policy.clone()),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        get(move || std::future::ready((headers, body).into_response())).fallback_service(no_method.clone())
    };
    let router = Router::new()
        .route("/", serve("text/html; charset=utf-8", Bytes::from_static(INDEX.as_bytes())))
        .route("/playground.json", serve("application/json", Bytes::from(serde_json::json!(about).to_string())));
    Ok(ASSETS.iter().fold(router, |router, Asset { name, content }| {
        router.route(&format!("/playground/{name}"), serve(content_type(name), Bytes::from_static(content.as_bytes())))
    }))
}

/// By the name's ending. A kind that is not known here downloads instead of running, and fails the test below.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use axum::body::{Body, to_bytes};
    use chatkit_shared::clock::Clock;
    use chatkit_shared::env::Env;
    use chatkit_shared::identity::{SigningKeys, VisitorCookie};
    use chatkit_shared::ids::Ids;
    use chatkit_shared::setup::Setup;
    use http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;

    async fn fetch(method: &str, path: &str) -> (StatusCode, Vec<(String, String)>, String) {
        fetch_with(&[], method, path).await
    }

    async fn fetch_with(
        variables: &[(&str, &str)],
        method: &str,
        path: &str,
    ) -> (StatusCode, Vec<(String, String)>, String) {
        let mut env = Env::from_iter([
            ("MODEL", "demo"),
            ("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes"),
            ("AWS_REGION", "local"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ]);
        for (name, value) in variables {
            env.set(name, *value);
        }
        let clock = Clock::fixed("2026-11-20T12:00:00Z".parse().unwrap());
        let ids = Ids::seeded(clock.clone(), 1);
        let setup = Setup { env: env.clone(), clock, ids, cookie: VisitorCookie::Loopback };
        let keys = SigningKeys::required(&env, &setup.outside().unwrap().secrets).unwrap();
        let http = HttpLayer::from_env(&env, keys, setup.clock, setup.ids).unwrap();
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router(&About::from_env(&env, true), http).unwrap().oneshot(request).await.unwrap();
        let status = response.status();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, headers, String::from_utf8(body.to_vec()).unwrap())
    }

    fn headers_of(content_type: &str, length: usize) -> Vec<(String, String)> {
        [
            ("content-type", content_type),
            ("cache-control", "no-cache"),
            ("content-security-policy", &content_security_policy(None)),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("content-length", &length.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[tokio::test]
    async fn the_page_is_at_the_root() {
        let expected = (StatusCode::OK, headers_of("text/html; charset=utf-8", INDEX.len()), INDEX.to_owned());
        assert_eq!(fetch("GET", "/").await, expected);
    }

    #[tokio::test]
    async fn says_what_answers() {
        let body = format!(
            r#"{{"attachments":{{"enabled":false,"types":[]}},"composer":{{"models":[],"tools":[]}},"demo":true,"dictation":false,"model":"demo","version":"{}"}}"#,
            env!("CARGO_PKG_VERSION")
        );
        let expected = (StatusCode::OK, headers_of("application/json", body.len()), body);
        assert_eq!(fetch("GET", "/playground.json").await, expected);
    }

    #[tokio::test]
    async fn says_what_the_composer_offers() {
        let assistant = r#"{"composer": {"models": [{"id": "m", "label": "M", "model": "gpt"}], "tools": [{"id": "t", "label": "T", "icon": "globe", "tool": "web_search"}]}}"#;
        let (_, headers, body) = fetch_with(
            &[
                ("ASSISTANT", assistant),
                ("TRANSCRIBE_MODEL", "demo"),
                ("FILES_BUCKET", "files"),
                ("FILES_MAX_BYTES", "1000"),
                ("FILES_TYPES", "image/*,text/plain"),
                ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000"),
            ],
            "GET",
            "/playground.json",
        )
        .await;
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&body).unwrap(),
            serde_json::json!({
                "model": "demo",
                "demo": true,
                "version": env!("CARGO_PKG_VERSION"),
                "composer": {
                    "models": [{"id": "m", "label": "M"}],
                    "tools": [{"id": "t", "label": "T", "icon": "globe"}],
                },
                "attachments": {"enabled": true, "max_bytes": 1000, "types": ["image/*", "text/plain"]},
                "dictation": true,
            })
        );
        let policy = content_security_policy(Some("http://127.0.0.1:9000"));
        assert!(headers.contains(&("content-security-policy".to_owned(), policy)), "{headers:?}");
    }

    #[tokio::test]
    async fn every_file_is_served_as_what_it_is() {
        for asset in ASSETS {
            let kind = content_type(asset.name);
            assert_ne!(kind, "application/octet-stream", "{}", asset.name);
            let expected = (StatusCode::OK, headers_of(kind, asset.content.len()), asset.content.to_owned());
            assert_eq!(fetch("GET", &format!("/playground/{}", asset.name)).await, expected);
        }
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        assert_eq!(fetch("GET", "/playground/js/none.js").await.0, StatusCode::NOT_FOUND);
        assert_eq!(fetch("GET", "/playground/../Cargo.toml").await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn another_method_is_refused_in_the_documented_shape() {
        for path in ["/", "/playground.json", "/playground/js/main.js"] {
            let (status, headers, body) = fetch("POST", path).await;
            let (_, id) = headers.iter().find(|(name, _)| name == "x-request-id").unwrap();
            let expected = format!(
                r#"{{"error":"method_not_allowed","message":"this path takes another method","request_id":"{id}"}}"#
            );
            assert_eq!((status, body), (StatusCode::METHOD_NOT_ALLOWED, expected));
            assert!(headers.contains(&("content-type".to_owned(), "application/json".to_owned())), "{headers:?}");
            assert!(headers.contains(&("allow".to_owned(), "GET,HEAD".to_owned())), "{headers:?}");
        }
    }

    #[test]
    fn no_file_of_the_page_is_forgotten() {
        fn names(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    names(&path, root, found);
                } else {
                    found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground");
        let mut found = BTreeSet::new();
        names(&root, &root, &mut found);
        let served = ASSETS.iter().map(|asset| asset.name).chain(["index.html"]);
        assert_eq!(served.map(str::to_owned).collect::<BTreeSet<_>>(), found);
    }

    #[test]
    fn the_page_has_no_inline_code() {
        for forbidden in ["<style", "style=", "onclick=", "<script>", "javascript:", "://"] {
            assert!(!INDEX.contains(forbidden), "{forbidden}");
        }
        for asset in ASSETS.iter().filter(|asset| asset.name.ends_with(".js")) {
            assert!(!asset.content.contains("innerHTML"), "{}", asset.name);
        }
    }
}
