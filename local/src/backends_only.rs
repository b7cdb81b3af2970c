//! `--backends-only`: the backends alone, and a file of variables that leads functions in other processes to them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::SetupError;
use tempfile::{NamedTempFile, TempDir};

use crate::arguments::Arguments;
use crate::loopback::serve_programs;
use crate::{backends, dynamodb, environment};

/// What a function inherits from the shell where it has it: the operator's own credentials are not written down.
const CREDENTIALS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

const VARIABLES: [&str; 19] = [
    "AWS_REGION",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_S3",
    "FILES_BUCKET",
    "FILES_ACCESS_KEY_ID",
    "FILES_SECRET_ACCESS_KEY",
    "TABLE_THREADS",
    "TABLE_COUNTERS",
    "TABLE_USAGE",
    "TABLE_SETTINGS",
    "SETTINGS_MAX_AGE_SECONDS",
    "SESSION_SIGNING_SECRET",
    "JWT_SECRET",
    "OPENAI_BASE_URL",
    "MODEL",
    "MODEL_API",
    "TRANSCRIBE_MODEL",
    "ASSISTANT",
    "TOOL_SIGNING_SECRET",
];

/// The running backends.
pub struct Started {
    /// The file of variables, for a shell. Only this user may read it.
    pub variables: PathBuf,
    /// Removes the folder of the file at the end, where nothing is to be kept.
    _temporary: Option<TempDir>,
}

/// Starts the backends.
pub async fn start(arguments: &Arguments, mut env: Env) -> Result<Started, SetupError> {
    let clock = Clock::system();
    let ids = Ids::system(clock.clone());
    let data = arguments.data().map(|path| path.as_path());
    let backends = backends::start(&mut env, data, &clock, &ids, None).await?;
    if let Some(database) = backends.database {
        // The URL is the permission: the port is open to every program and page of this machine.
        let secret = environment::fresh_secret(&ids);
        let url = serve_programs(dynamodb::router(database, &secret)).await?;
        env.set("AWS_ENDPOINT_URL_DYNAMODB", format!("{url}/{secret}"));
    }
    let (folder, temporary) = match data {
        Some(data) => (data.to_owned(), None),
        None => {
            let temporary = TempDir::new()?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let variables = folder.join("backends.sh");
    write(&variables, &folder, &script(&env))
        .map_err(|error| format!("cannot write `{}`: {error}", variables.display()))?;
    Ok(Started { variables, _temporary: temporary })
}

fn script(env: &Env) -> String {
    let mut script = String::new();
    let values = VARIABLES.into_iter().filter_map(|name| Some((name, env.get(name)?.to_owned())));
    for (name, value) in values.chain([("AUTH_MODE", environment::without_development(env))]) {
        let _ = writeln!(script, "export {name}={}", quoted(&value));
    }
    for name in CREDENTIALS {
        let _ = writeln!(script, "export {name}=\"${{{name}:-local}}\"");
    }
    script
}

/// A text as one word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Writes a file that only this user may read, in one step: whoever waits for it reads it whole.
fn write(path: &Path, folder: &Path, text: &str) -> std::io::Result<()> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}
