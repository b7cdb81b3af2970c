//! `cargo run -- assistant …`: the settings of a tenant, in the local data. On AWS `just assistant` does the same.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chatkit_shared::clock::Clock;
use chatkit_shared::engine::Tenants;
use chatkit_shared::env::Env;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::SetupError;
use chatkit_shared::store::{Settings, SettingsChange};
use clap::Subcommand;
use serde_json::{Map, Value};

use crate::backends;

/// The fields of settings; a file with none of them is an assistant.
const FIELDS: [&str; 5] = ["assistant", "limits", "allowed_origins", "plans", "prices"];
/// How many versions `history` shows.
const MAX_VERSIONS: u32 = 50;

/// What is done with the settings.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    /// Make a file the settings that count, within a second. A file with an assistant alone replaces the assistant.
    Put {
        file: PathBuf,
        #[arg(long, default_value = "default")]
        tenant: String,
    },
    /// Print the settings that count.
    Get {
        #[arg(long, default_value = "default")]
        tenant: String,
    },
    /// Say what is wrong with a file, or that it is valid.
    Check { file: PathBuf },
    /// List the versions of the settings.
    History {
        #[arg(long, default_value = "default")]
        tenant: String,
    },
    /// Go back to what counted before.
    Undo {
        #[arg(long, default_value = "default")]
        tenant: String,
    },
}

impl Action {
    /// Does it, and returns what the terminal says.
    pub async fn run(self, data: &Path, mut env: Env) -> Result<String, SetupError> {
        if let Self::Check { file } = self {
            let document = settings(&file, None, &env)?;
            let parts = document.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Ok(format!("`{}` is valid: {parts}", file.display()));
        }
        let clock = Clock::system();
        let (_, client) = backends::open_database(&mut env, Some(data), &Ids::system(clock.clone()), true).await?;
        let records =
            Settings::from_env(&client, &env)?.ok_or("`TABLE_SETTINGS` must be set to the name of a table")?;
        match self {
            Self::Check { .. } => Ok(String::new()),
            Self::Put { file, tenant } => {
                let current = current(&records, &tenant).await?;
                let document = settings(&file, current.as_ref(), &env)?;
                let changes = changes(current.as_ref(), Some(&document));
                if changes.is_empty() {
                    return Ok(format!("{tenant}: nothing changes"));
                }
                let put = records.put(&tenant, &Value::Object(document).to_string(), clock.now()).await?;
                Ok(format!("{}{changes}", said(&tenant, put)?))
            }
            Self::Get { tenant } => {
                let current =
                    current(&records, &tenant).await?.ok_or_else(|| format!("{tenant}: nothing is stored"))?;
                Ok(serde_json::to_string_pretty(&current)?)
            }
            Self::History { tenant } => {
                let current = records.current(&tenant).await?.map(|current| current.version);
                let mut lines = String::new();
                for version in records.versions(&tenant, MAX_VERSIONS).await? {
                    let mark = if Some(version.version) == current { "*" } else { " " };
                    let (number, bytes) = (version.version, version.document.len());
                    let _ = writeln!(lines, "{mark} {number:>4}  {}  {bytes} bytes", version.stored_at);
                }
                Ok(if lines.is_empty() { format!("{tenant}: nothing is stored") } else { lines.trim_end().to_owned() })
            }
            Self::Undo { tenant } => {
                let before = current(&records, &tenant).await?;
                let undone = said(&tenant, records.undo(&tenant).await?)?;
                Ok(format!("{undone}{}", changes(before.as_ref(), current(&records, &tenant).await?.as_ref())))
            }
        }
    }
}

fn said(tenant: &str, change: SettingsChange) -> Result<String, SetupError> {
    match change {
        SettingsChange::Counts(Some(version)) => Ok(format!("{tenant}: version {version} counts within a second")),
        SettingsChange::Counts(None) => Ok(format!("{tenant}: no settings count any more")),
        SettingsChange::Nothing => Err(format!("{tenant}: there is nothing to undo").into()),
        SettingsChange::Conflict => Err(format!("{tenant}: somebody else changed the settings, try again").into()),
    }
}

async fn current(records: &Settings, tenant: &str) -> Result<Option<Map<String, Value>>, SetupError> {
    let current = records.current(tenant).await?;
    Ok(current.map(|current| serde_json::from_str(&current.document)).transpose()?)
}

/// The checked settings in a file. An assistant alone replaces that of the settings that count.
fn settings(file: &Path, current: Option<&Map<String, Value>>, env: &Env) -> Result<Map<String, Value>, SetupError> {
    let wrong = |error: &dyn std::fmt::Display| SetupError::from(format!("`{}`: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let read: Map<String, Value> = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    let document = if read.is_empty() || FIELDS.iter().any(|field| read.contains_key(*field)) {
        read
    } else {
        let mut all = current.cloned().unwrap_or_default();
        all.insert("assistant".to_owned(), Value::Object(read));
        all
    };
    Tenants::check(env, &Value::Object(document.clone()).to_string()).map_err(|error| wrong(&error))?;
    Ok(document)
}

/// The fields that differ, a line each: `+` is new, `-` gone, `~` another value.
fn changes(before: Option<&Map<String, Value>>, after: Option<&Map<String, Value>>) -> String {
    let (mut lines, empty) = (String::new(), Map::new());
    compare("", before.unwrap_or(&empty), after.unwrap_or(&empty), &mut lines);
    lines
}

fn compare(place: &str, before: &Map<String, Value>, after: &Map<String, Value>, lines: &mut String) {
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for name in names {
        let mark = match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) if before == after => continue,
            (Some(Value::Object(before)), Some(Value::Object(after))) => {
                compare(&format!("{place}{name}."), before, after, lines);
                continue;
            }
            (Some(_), Some(_)) => '~',
            (None, _) => '+',
            (_, None) => '-',
        };
        let _ = write!(lines, "\n  {mark} {place}{name}");
    }
}
