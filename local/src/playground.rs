//! The playground: a page that chats with this server over the ChatKit protocol, for a first look and for trying out a
//! change. It is compiled in, so that the program needs no files beside it.
//!
//! The page is plain HTML, CSS and JavaScript modules (`local/playground/`), without a build step, around the widget
//! (`widget/`). Everything it does goes through the same public routes that a site uses.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use bytes::Bytes;
use chatkit_shared::http::{Code, Error, HttpLayer};
use http::HeaderValue;
use http::header::{self, InvalidHeaderValue};
use rust_embed::RustEmbed;

use crate::about::About;

/// Only files of this server, no inline code, and no text that becomes markup. Scripts set styles through the object
/// model, which needs no exception. `data:` is for images that a model makes, `blob:` for previews of attachments.
/// `files` is the origin of attachments.
fn content_security_policy(files: Option<&str>) -> String {
    let files = files.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{files}; \
         connect-src 'self'{files}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// The files of the page, named as below `/playground/` in the address.
#[derive(RustEmbed)]
#[folder = "playground"]
struct Files;

/// The widget, as it was built from its sources and checked in.
#[derive(RustEmbed)]
#[folder = "../widget/dist"]
struct Widget;

const INDEX: &str = "index.html";

/// Serves the page at `/`, its files below `/playground/` and `about` at `/playground.json`. Has no fallback, so that
/// it can be merged with the other routers. `http` answers other methods.
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
        .route("/playground.json", serve("application/json", Bytes::from(serde_json::json!(about).to_string())));
    let own = Files::iter().filter_map(|name| Some((Files::get(&name)?, name)));
    let files = own.chain(Widget::iter().filter_map(|name| Some((Widget::get(&name)?, name))));
    Ok(files.fold(router, |router, (file, name)| {
        let path = if name == INDEX { "/".to_owned() } else { format!("/playground/{name}") };
        router.route(&path, serve(content_type(&name), Bytes::from_owner(file.data)))
    }))
}

/// A file of any other kind is downloaded instead of run, and fails the test below.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
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
        let setup = Setup { env: env.clone(), clock, ids, cookie: VisitorCookie::Loopback, dynamodb: None };
        let keys = SigningKeys::required(&env, &setup.clients().unwrap().secrets).unwrap();
        let http = HttpLayer::from_env(&env, keys, setup.clock, setup.ids).unwrap();
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router(&About::from_env(&env, true).unwrap(), http).unwrap().oneshot(request).await.unwrap();
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

    fn content(name: &str) -> String {
        let file = Files::get(name).or_else(|| Widget::get(name)).unwrap();
        String::from_utf8(file.data.into_owned()).unwrap()
    }

    #[tokio::test]
    async fn root_serves_the_page() {
        let page = content(INDEX);
        let expected = (StatusCode::OK, headers_of("text/html; charset=utf-8", page.len()), page);
        assert_eq!(fetch("GET", "/").await, expected);
        assert_eq!(fetch("GET", "/playground/index.html").await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn about_names_the_model() {
        let body = format!(
            r#"{{"attachments":{{"enabled":false,"types":[]}},"composer":{{"models":[],"tools":[]}},"demo":true,"dictation":false,"model":"demo","version":"{}"}}"#,
            env!("CARGO_PKG_VERSION")
        );
        let expected = (StatusCode::OK, headers_of("application/json", body.len()), body);
        assert_eq!(fetch("GET", "/playground.json").await, expected);
    }

    #[tokio::test]
    async fn about_lists_the_choices_of_the_composer() {
        let assistant = r#"{"tools": [{"type": "web_search"}], "composer": {"models": [{"id": "m", "label": "M", "model": "gpt"}], "tools": [{"id": "t", "label": "T", "icon": "globe", "tool": "web_search"}]}}"#;
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
    async fn every_file_has_its_content_type() {
        for name in Files::iter().chain(Widget::iter()).filter(|name| name != INDEX) {
            let kind = content_type(&name);
            assert_ne!(kind, "application/octet-stream", "{name}");
            let content = content(&name);
            let expected = (StatusCode::OK, headers_of(kind, content.len()), content);
            assert_eq!(fetch("GET", &format!("/playground/{name}")).await, expected);
        }
    }

    #[tokio::test]
    async fn unknown_file_is_not_found() {
        assert_eq!(fetch("GET", "/playground/js/none.js").await.0, StatusCode::NOT_FOUND);
        assert_eq!(fetch("GET", "/playground/../Cargo.toml").await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn other_method_is_refused_in_the_documented_shape() {
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
    fn page_has_no_inline_code() {
        for forbidden in ["<style", "style=", "onclick=", "<script>", "javascript:", "://"] {
            assert!(!content(INDEX).contains(forbidden), "{forbidden}");
        }
        for name in Files::iter().chain(Widget::iter()).filter(|name| name.ends_with(".js")) {
            assert!(!content(&name).contains("innerHTML"), "{name}");
        }
    }
}
