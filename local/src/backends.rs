//! What the functions call: DynamoDB in this process, and S3, the model and the site's endpoints at URLs on loopback.

use std::net::SocketAddr;
use std::path::Path;

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

use crate::loopback::{self, serve_on_loopback, serve_programs};
use crate::{demo_model, demo_site, dynamodb, environment, objects};

/// The started backends.
pub(crate) struct Backends {
    /// Whether the demo model answers, because neither a key nor the URL of another model is set.
    pub(crate) demo: bool,
    /// The embedded DynamoDB, unless a variable names another.
    pub(crate) database: Option<Database>,
}

/// Starts the backends that no variable names, sets their variables, and creates missing tables. `page` is where the
/// server with the playground listens, whose pages may use the bucket.
pub(crate) async fn start(
    env: &mut Env,
    data: Option<&Path>,
    clock: &Clock,
    ids: &Ids,
    page: Option<SocketAddr>,
) -> Result<Backends, SetupError> {
    let is_loopback = page.is_none_or(|page| page.ip().is_loopback());
    let (database, _) = open_database(env, data, ids, is_loopback).await?;
    // A bucket that is set is the operator's own. Browsers of other machines could not reach the embedded one.
    if is_loopback && env.get("FILES_BUCKET").is_none() && env.get("AWS_ENDPOINT_URL_S3").is_none() {
        let secret = environment::stored_secret(data, "bucket-secret", ids)?;
        let mut origins = env.list("ALLOWED_ORIGINS");
        origins.extend(page.into_iter().flat_map(loopback::origins));
        let bucket = objects::router(objects::Folder::open(data)?, &secret, &origins, clock.clone())?;
        env.set("AWS_ENDPOINT_URL_S3", serve_on_loopback(bucket).await?);
        env.set("FILES_BUCKET", objects::BUCKET);
        env.set("FILES_ACCESS_KEY_ID", objects::KEY_ID);
        env.set("FILES_SECRET_ACCESS_KEY", secret);
    }

    let demo = ["OPENAI_API_KEY", "OPENAI_SECRET_ARN", "OPENAI_BASE_URL"].iter().all(|name| env.get(name).is_none());
    if demo {
        // An assistant document may name a model itself, and the demo model answers to any name.
        if env.get("ASSISTANT").is_none() {
            env.or_insert("MODEL", "demo");
        }
        env.or_insert("TRANSCRIBE_MODEL", "demo");
        let url = serve_programs(demo_model::router(clock.clone(), demo_model::PACE)).await?;
        env.set("OPENAI_BASE_URL", format!("{url}/v1"));
        // The demonstration is for people who have configured no assistant.
        let own = ["ASSISTANT", "TOOL_SIGNING_SECRET", "TOOL_SIGNING_SECRET_ARN"];
        if own.iter().all(|name| env.get(name).is_none()) {
            demonstrate(env, ids).await?;
        }
    }
    Ok(Backends { demo, database })
}

/// Sets the variables that no variable of the operator's sets, and opens the embedded DynamoDB, unless a variable names
/// another; creates missing tables.
pub(crate) async fn open_database(
    env: &mut Env,
    data: Option<&Path>,
    ids: &Ids,
    is_loopback: bool,
) -> Result<(Option<Database>, DynamoDb), SetupError> {
    if let Some(data) = data {
        create_private(data).map_err(|error| format!("cannot create `{}`: {error}", data.display()))?;
    }
    environment::complete(env, data, ids, is_loopback)?;
    let database = match env.get("AWS_ENDPOINT_URL_DYNAMODB") {
        None => Some(dynamodb::open(data)?),
        Some(_) => None,
    };
    let aws = Aws::from_env(env, https::client(env)?)?;
    let client = DynamoDb::new(&aws, env, database.clone().map(dynamodb::http_client));
    Box::pin(create_missing(&client, &TableNames::from_env(env)?)).await?;
    Ok((database, client))
}

/// Starts the demonstration site, and configures the assistant that uses it.
async fn demonstrate(env: &mut Env, ids: &Ids) -> Result<(), SetupError> {
    let secret = format!("whsec_{}", STANDARD.encode(environment::fresh_secret(ids)));
    let site = demo_site::router(&SecretString::from(secret.clone()), demo_site::PACE)?;
    let url = serve_programs(site).await?;
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
