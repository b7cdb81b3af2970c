//! What the functions call: DynamoDB, S3, the model and the site's endpoints, each at a URL on loopback.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chatkit_shared::aws::Aws;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::https;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::SetupError;
use chatkit_shared::store::{DynamoDb, TableNames, create_missing};
use dynoxide::Database;
use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::{demo_model, demo_site, environment, objects};

/// The started backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backends {
    /// Whether the demo model answers, because neither a key nor the URL of another model is set.
    pub demo: bool,
}

/// Starts the backends that no variable names, sets their variables, and creates missing tables. `pace` is the demo
/// model's.
pub async fn start(
    env: &mut Env,
    data: Option<&Path>,
    clock: &Clock,
    ids: &Ids,
    pace: Duration,
) -> Result<Backends, SetupError> {
    if let Some(data) = data {
        create_private(data).map_err(|error| format!("cannot create `{}`: {error}", data.display()))?;
    }
    environment::complete(env, data, ids)?;
    if env.get("AWS_ENDPOINT_URL_DYNAMODB").is_none() {
        let database = match data {
            Some(data) => {
                let path = data.join("dynamodb.sqlite");
                Database::new(&path.to_string_lossy())
                    .map_err(|error| format!("cannot open `{}`: {error}", path.display()))?
            }
            None => Database::memory().map_err(|error| format!("cannot open a database: {error}"))?,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        env.set("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", listener.local_addr()?));
        background(dynoxide::server::serve_on(listener, database));
    }
    let aws = Aws::from_env(env, https::client(env)?)?;
    Box::pin(create_missing(&DynamoDb::new(&aws, env), &TableNames::from_env(env)?)).await?;
    // A bucket that is set is the operator's own.
    if env.get("FILES_BUCKET").is_none() && env.get("AWS_ENDPOINT_URL_S3").is_none() {
        let folder = objects::Folder::open(data)?;
        let keys = [env.required("AWS_ACCESS_KEY_ID", "an id")?, env.required("AWS_SECRET_ACCESS_KEY", "a secret")?];
        let url = serve_on_loopback(objects::router(folder, &keys, clock.clone())?).await?;
        env.set("AWS_ENDPOINT_URL_S3", url);
        env.set("FILES_BUCKET", objects::BUCKET);
    }

    let demo = ["OPENAI_API_KEY", "OPENAI_SECRET_ARN", "OPENAI_BASE_URL"].iter().all(|name| env.get(name).is_none());
    if demo {
        // An assistant document may name a model itself, and the demo model answers to any name.
        if env.get("ASSISTANT").is_none() {
            env.or_insert("MODEL", "demo");
        }
        env.or_insert("TRANSCRIBE_MODEL", "demo");
        let url = serve_on_loopback(demo_model::router(clock.clone(), pace)).await?;
        env.set("OPENAI_BASE_URL", format!("{url}/v1"));
        // The demonstration is for people who have configured no assistant.
        let own = ["ASSISTANT", "TOOL_SIGNING_SECRET", "TOOL_SIGNING_SECRET_ARN"];
        if own.iter().all(|name| env.get(name).is_none()) {
            demonstrate(env, ids).await?;
        }
    }
    Ok(Backends { demo })
}

/// Starts the demonstration site, and configures the assistant that uses it.
async fn demonstrate(env: &mut Env, ids: &Ids) -> Result<(), SetupError> {
    let secret = format!("whsec_{}", STANDARD.encode(environment::fresh_secret(ids)));
    let site = demo_site::router(&SecretString::from(secret.clone()), demo_site::PACE)?;
    let url = serve_on_loopback(site).await?;
    let only_functions = env.get("MODEL_API") == Some("chat_completions");
    env.set("ASSISTANT", demo_site::document(&url, only_functions)?);
    env.set("TOOL_SIGNING_SECRET", secret);
    Ok(())
}

/// The folder has what people wrote, so other users of this machine may not read it. An existing folder is not changed.
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The variables with which a function finds the backends and accepts visitors.
pub fn variables(env: &Env) -> Vec<(&'static str, String)> {
    let names = [
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_ENDPOINT_URL_S3",
        "FILES_BUCKET",
        "TABLE_THREADS",
        "TABLE_COUNTERS",
        "TABLE_USAGE",
        "SESSION_SIGNING_SECRET",
        "JWT_SECRET",
        "OPENAI_BASE_URL",
        "MODEL",
        "MODEL_API",
        "TRANSCRIBE_MODEL",
        "ASSISTANT",
        "TOOL_SIGNING_SECRET",
    ];
    let values = names.into_iter().filter_map(|name| Some((name, env.get(name)?.to_owned())));
    values.chain([("AUTH_MODE", environment::without_development(env))]).collect()
}

/// Serves a router on a free loopback port for as long as the process runs, and returns its URL.
pub async fn serve_on_loopback(router: Router) -> std::io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    background(async {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(error = &error as &dyn std::error::Error, "an embedded backend has stopped");
        }
    });
    Ok(url)
}

pub(crate) fn background(work: impl Future<Output: Send> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "this is a process of its own, nothing freezes it")]
    tokio::spawn(work);
}
