use reqwest::Url;

use super::{Inner, Metadata, Provider};

impl Provider {
    /// Where the provider signs the browser out and sends it to a page, which it must know; none if it has no such
    /// address, or cannot be asked. No token is in it, so some providers ask the person whether they mean it.
    pub async fn end_session_url(&self, return_to: &Url) -> Option<Url> {
        let metadata = self.metadata().await.ok()?;
        let (mut url, return_parameter) = end_session_endpoint(&self.0, &metadata)?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.0.client_id)
            .append_pair(return_parameter, return_to.as_str());
        Some(url)
    }
}

/// The address, and the parameter that has the page to return to. Cognito and Auth0 (older tenants) have their own.
fn end_session_endpoint(provider: &Inner, metadata: &Metadata) -> Option<(Url, &'static str)> {
    let host = provider.issuer.host_str().unwrap_or_default();
    if host.starts_with("cognito-idp.") {
        return metadata.authorization_endpoint.join("/logout").ok().map(|url| (url, "logout_uri"));
    }
    match &metadata.end_session_endpoint {
        Some(url) => Some((url.clone(), "post_logout_redirect_uri")),
        None if host.ends_with(".auth0.com") => provider.issuer.join("/v2/logout").ok().map(|url| (url, "returnTo")),
        None => None,
    }
}
