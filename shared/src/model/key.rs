use http::HeaderValue;
use secrecy::ExposeSecret;

use crate::secrets::{Kind, Previous, Versions};

/// The key of OpenAI's API, or of another server's that speaks it, as it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelKey(HeaderValue);

impl ModelKey {
    /// `OPENAI_API_KEY`, or the secret that `OPENAI_SECRET_ARN` names.
    pub const SECRET: Kind<Self> = Kind {
        variable: "OPENAI_API_KEY",
        arn_variable: "OPENAI_SECRET_ARN",
        previous: Previous::Unused,
        parse: |Versions { current, .. }| Self::new(current.expose_secret()),
    };

    /// A key.
    ///
    /// # Errors
    /// What it must be, if no HTTP header can carry it.
    pub fn new(key: &str) -> Result<Self, String> {
        // A secret that was pasted into a file or a console often ends in a line break.
        let bearer = HeaderValue::try_from(format!("Bearer {}", key.trim()));
        let mut bearer = bearer.map_err(|_| "must be printable ASCII".to_owned())?;
        // So that nothing shows it.
        bearer.set_sensitive(true);
        Ok(Self(bearer))
    }

    /// The value of the header `authorization`.
    pub(crate) fn bearer(&self) -> HeaderValue {
        self.0.clone()
    }
}
