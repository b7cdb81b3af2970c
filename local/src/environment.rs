//! The defaults of variables on a developer's machine. A variable that is set is not changed, except that `development`
//! is taken out of `AUTH_MODE`, because functions refuse it.

use std::path::Path;

use chatkit_shared::env::Env;
use chatkit_shared::hash::sha256_hex;
use chatkit_shared::ids::{self, Ids};
use chatkit_shared::setup::SetupError;

const DEVELOPMENT: &str = "development";

/// Sets what a function needs and is not set: tables, region, secrets, identities. `is_private` if nobody but this
/// machine can connect: else `development`, in which anyone is any user, must be asked for by name.
pub(crate) fn complete(env: &mut Env, data: Option<&Path>, ids: &Ids, is_private: bool) -> Result<(), SetupError> {
    for (name, value) in [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("TABLE_THREADS", "threads"),
        ("TABLE_COUNTERS", "counters"),
        ("TABLE_USAGE", "usage"),
        ("TABLE_SETTINGS", "settings"),
        // The person who puts them is the one who tries them.
        ("SETTINGS_MAX_AGE_SECONDS", "1"),
    ] {
        env.or_insert(name, value);
    }
    if env.get("SESSION_SIGNING_SECRET").is_none() && env.get("SESSION_SIGNING_SECRET_ARN").is_none() {
        env.or_insert("SESSION_SIGNING_SECRET", stored_secret(data, "signing-secret", ids)?);
    }
    if ["JWT_SECRET", "JWT_SECRET_ARN", "JWKS_URL"].iter().all(|name| env.get(name).is_none()) {
        env.or_insert("JWT_SECRET", stored_secret(data, "jwt-secret", ids)?);
    }
    env.or_insert("AUTH_MODE", if is_private { "development,anonymous,jwt" } else { "anonymous,jwt" });
    Ok(())
}

/// Takes `development` out of `AUTH_MODE`, and returns whether it was set.
pub(crate) fn take_development(env: &mut Env) -> bool {
    let was_set = env.list("AUTH_MODE").iter().any(|mode| mode == DEVELOPMENT);
    env.set("AUTH_MODE", without_development(env));
    was_set
}

/// `AUTH_MODE` for a function. `anonymous` if no mode is left: a function would fall back to `jwt`.
pub(crate) fn without_development(env: &Env) -> String {
    let modes: Vec<_> = env.list("AUTH_MODE").into_iter().filter(|mode| mode != DEVELOPMENT).collect();
    if modes.is_empty() { "anonymous".to_owned() } else { modes.join(",") }
}

/// A secret that survives a restart, so that visitors stay the same and user tokens stay valid.
pub(crate) fn stored_secret(data: Option<&Path>, name: &str, ids: &Ids) -> Result<String, SetupError> {
    let Some(data) = data else { return Ok(fresh_secret(ids)) };
    let path = data.join(name);
    match std::fs::read_to_string(&path) {
        Ok(secret) => Ok(secret.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = fresh_secret(ids);
            write_private(&path, &secret).map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
            Ok(secret)
        }
        Err(error) => Err(format!("cannot read `{}`: {error}", path.display()).into()),
    }
}

/// 64 random hex digits.
pub(crate) fn fresh_secret(ids: &Ids) -> String {
    sha256_hex(&format!("{}{}{}", ids.mint(ids::SESSION), ids.mint(ids::SESSION), ids.mint(ids::SESSION)))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
