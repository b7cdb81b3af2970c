use crate::env::{Env, EnvError};

/// Which identities are accepted: `AUTH_MODE`, a comma-separated list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthModes {
    /// User tokens.
    pub jwt: bool,
    /// Sessions of the site, about which it is asked.
    pub session: bool,
    /// Visitors, to whom `start` gives a session without a user token.
    pub anonymous: bool,
    /// People whom this server signs in at an identity provider.
    pub login: bool,
}

impl AuthModes {
    /// Reads `AUTH_MODE`; the default is `jwt`.
    ///
    /// `development` is not among the modes: it exists in the local server only, which takes it out of the list before
    /// the functions read theirs. In a Lambda function it stops the start.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const NAME: &str = "AUTH_MODE";
        let mut modes = Self { jwt: false, session: false, anonymous: false, login: false };
        let words = env.list(NAME);
        for word in &words {
            match word.as_str() {
                "jwt" => modes.jwt = true,
                "session" => modes.session = true,
                "anonymous" => modes.anonymous = true,
                "login" => modes.login = true,
                "development" => {
                    let wants = "cannot be `development` here: every client could name itself as any user";
                    return Err(EnvError::new(NAME, wants));
                }
                _ => return Err(EnvError::new(NAME, "must be a list of `jwt`, `session`, `anonymous` and `login`")),
            }
        }
        Ok(if words.is_empty() { Self { jwt: true, ..modes } } else { modes })
    }
}
