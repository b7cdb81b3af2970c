use reqwest::{StatusCode, Url};
use serde::Deserialize;

use super::{Inner, ProviderError};
use crate::https::safe_url;
use crate::identity::UserTokens;
use crate::identity::published_keys::PublishedKeys;

/// What the provider says of itself (OIDC Discovery 1.0), as far as it is used here.
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) end_session_endpoint: Option<Url>,
    /// Whether it names itself in each answer of the authorization endpoint (RFC 9207).
    pub(super) names_itself: bool,
    /// Whether the client's secret is sent beside the code. All providers know the other way, too, and some want the
    /// one that they offer first to new clients, which is this.
    pub(super) takes_secret_in_body: bool,
    jwks_uri: Url,
    pub(super) id_tokens: UserTokens,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Keys that are known from `before` are not read again.
    pub(super) async fn read(provider: &Inner, before: Option<&Self>) -> Result<Self, ProviderError> {
        let address = format!("{}/.well-known/openid-configuration", provider.issuer.as_str().trim_end_matches('/'));
        let document = match provider.fetch(provider.http.get(address)).await? {
            (StatusCode::OK, body) => serde_json::from_slice::<Document>(&body),
            (status, _) => return Err(ProviderError::refused(status.as_u16(), "")),
        };
        let document = document.map_err(|_| ProviderError::Broken("it is no discovery document"))?;
        if document.issuer != provider.issuer_text {
            return Err(ProviderError::Broken("`OIDC_ISSUER` is not what the provider calls itself, to the letter"));
        }
        let unsafe_url = ProviderError::Broken("an address in its discovery document is not one of `https`");
        let url = |text: &str| safe_url(text).ok_or_else(|| unsafe_url.clone());
        let jwks_uri = url(&document.jwks_uri)?;
        let id_tokens = match before.filter(|before| before.jwks_uri == jwks_uri) {
            Some(before) => before.id_tokens.clone(),
            None => {
                let (http, clock) = (provider.http.clone(), provider.clock.clone());
                let keys = PublishedKeys::new(jwks_uri.clone(), "the identity provider", http, clock);
                UserTokens::of_provider(keys, &provider.issuer_text, &provider.client_id, provider.names.clone())
            }
        };
        Ok(Self {
            authorization_endpoint: url(&document.authorization_endpoint)?,
            token_endpoint: url(&document.token_endpoint)?,
            end_session_endpoint: document.end_session_endpoint.as_deref().map(url).transpose()?,
            names_itself: document.authorization_response_iss_parameter_supported,
            takes_secret_in_body: document
                .token_endpoint_auth_methods_supported
                .iter()
                .any(|method| method == "client_secret_post"),
            jwks_uri,
            id_tokens,
        })
    }
}

/// Microsoft's addresses for the users of many tenants: their tokens come from an issuer of each tenant's own, so no
/// one issuer can be required of them.
pub(super) fn expect_one_tenant(issuer: &Url) -> Result<(), &'static str> {
    let is_microsoft = issuer.host_str().is_some_and(|host| host.starts_with("login.microsoftonline."));
    let tenant = issuer.path_segments().and_then(|mut segments| segments.next());
    match tenant {
        Some("common" | "organizations" | "consumers") if is_microsoft => {
            Err("must name one tenant: `https://login.microsoftonline.com/<tenant id>/v2.0`. Tokens of `common`, \
             `organizations` and `consumers` come from an issuer of each tenant's own")
        }
        _ => Ok(()),
    }
}
