//! The playground: a page that chats with this server over the ChatKit protocol, for people who see it for the first
//! time and for trying out a change. It is compiled in, so that `cargo run` needs no files beside the binary.
//!
//! The page is plain HTML, CSS and JavaScript modules (`local/playground/`), without a build step. Everything it does
//! goes through the same public routes that a site uses.

use axum::{
    Router,
    response::IntoResponse,
    routing::{MethodRouter, get},
};
use bytes::Bytes;
use http::header;
use serde::Serialize;

/// What the page says about the server that serves it, as `GET /playground.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// The model that answers.
    pub model: String,
    /// Whether that is the built-in demo model, which understands nothing.
    pub demo: bool,
    /// The server's version.
    pub version: String,
}

/// Only what this server serves, no inline code, and no way for a text to become markup. Styles are the page's own;
/// scripts set them through the object model, which needs no exception. `data:` is for images that a model makes.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

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
    "css/prose.css",
    "css/sidebar.css",
    "favicon.svg",
    "js/about.js",
    "js/api.js",
    "js/composer.js",
    "js/conversation.js",
    "js/copy.js",
    "js/dialog.js",
    "js/dom.js",
    "js/follow.js",
    "js/identity.js",
    "js/items/assistant-message.js",
    "js/items/card.js",
    "js/items/index.js",
    "js/items/sources.js",
    "js/items/task.js",
    "js/items/user-message.js",
    "js/items/workflow.js",
    "js/main.js",
    "js/markdown/blocks.js",
    "js/markdown/inline.js",
    "js/markdown/render.js",
    "js/notices.js",
    "js/session.js",
    "js/sidebar.js",
    "js/sse.js",
    "js/thread-row.js",
    "js/threads.js",
    "js/timeline.js",
    "js/types.js",
];

/// Serves the page at `/`, its files below `/playground/` and `about` at `/playground.json`. Has no fallback, so it can be
/// merged with the other routers.
pub fn router(about: &About) -> Router {
    let about = serde_json::json!(about).to_string();
    let router = Router::new()
        .route("/", serve("text/html; charset=utf-8", Bytes::from_static(INDEX.as_bytes())))
        .route("/playground.json", serve("application/json", Bytes::from(about)));
    ASSETS.iter().fold(router, |router, Asset { name, content }| {
        router.route(&format!("/playground/{name}"), serve(content_type(name), Bytes::from_static(content.as_bytes())))
    })
}

fn serve(content_type: &'static str, body: Bytes) -> MethodRouter {
    get(move || {
        let headers = [
            (header::CONTENT_TYPE, content_type),
            // The next build may serve other files under the same names.
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        std::future::ready((headers, body.clone()).into_response())
    })
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
    use http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;

    async fn fetch(method: &str, path: &str) -> (StatusCode, Vec<(String, String)>, String) {
        let about = About { model: "demo".to_owned(), demo: true, version: "0.1.0".to_owned() };
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router(&about).oneshot(request).await.unwrap();
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
            ("content-security-policy", CONTENT_SECURITY_POLICY),
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
        let body = r#"{"demo":true,"model":"demo","version":"0.1.0"}"#;
        let expected = (StatusCode::OK, headers_of("application/json", body.len()), body.to_owned());
        assert_eq!(fetch("GET", "/playground.json").await, expected);
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
        assert_eq!(fetch("POST", "/").await.0, StatusCode::METHOD_NOT_ALLOWED);
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
