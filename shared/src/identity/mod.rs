//! Whose request it is.
//!
//! - a *user token* is the site's own (a JWT, or a header on a developer's laptop): it proves who the user is
//! - a *session token* is ours, short-lived, minted by `start` for an identity, and what the widget sends
//! - a *chat token* is ours, too: an hour at most of a user's identity, with the permissions that were asked for
//! - a *login cookie* keeps somebody signed in whom this server has signed in at an identity provider
//! - a *site session* is the site's own, too, and says nothing by itself: the site is asked whose it is
//! - a *visitor cookie* keeps an anonymous visitor the same visitor over a reload

mod chat_token;
mod claims;
mod cookies;
mod identity_claims;
mod languages;
mod login;
mod mode;
mod owner;
mod pending_login;
mod provider;
mod published_keys;
mod session;
mod signing;
mod site_session;
mod user_token;
mod visitor;

use std::net::IpAddr;

pub use chat_token::ChatTokens;
pub use claims::{ClaimNames, Claims};
pub use cookies::VisitorCookie;
pub(crate) use cookies::sent_cookies;
pub use languages::Languages;
pub use login::{Login, LoginCookies, LoginError};
pub use mode::AuthModes;
pub use owner::{InvalidOwner, Owner};
pub use pending_login::{PendingLogin, PendingLogins};
pub use provider::{Provider, ProviderError};
pub use published_keys::NoPublishedKeys;
pub use session::{Session, SessionError, SessionId, SessionTokens};
pub use signing::{SigningError, SigningKeys};
pub use site_session::{NoSiteAnswer, SiteSessions};
pub use user_token::{Refusal, UserTokenError, UserTokens};
pub use visitor::{Visitor, Visitors};

/// How the media types of our tokens begin.
const OUR_TYPES: &str = "chatkit-";

/// A verified identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whose data the request may touch.
    pub owner: Owner,
    /// Whether this is a visitor.
    pub anonymous: bool,
    /// What the user may do besides chatting, as `analytics:read`.
    pub permissions: Vec<String>,
    /// What the site says of the user. Empty for visitors.
    pub claims: Claims,
    /// Where the request comes from, as far as that is known: visitors share a budget by it. No token carries it.
    pub address: Option<IpAddr>,
    /// What the person reads, by the request. No token carries it.
    pub languages: Languages,
    /// The page that sends the request, where it is of another origin than this server. No token carries it.
    pub origin: Option<String>,
    /// How the person can name the request: the end of its id. None where errors name it otherwise.
    pub reference: Option<String>,
}

impl Identity {
    /// The permission to read the tenant's analytics.
    pub const ANALYTICS_READ: &str = "analytics:read";

    /// What this server's own routes ask for. No session token carries them: it lives in a page, and is for chatting.
    const OF_ROUTES: [&str; 2] = [Self::ANALYTICS_READ, "conversations:read"];

    /// Bytes of all permissions that a session token carries.
    const MAX_PERMISSIONS_BYTES: usize = 1_024;

    /// A known user without permissions and claims, whose address and languages are unknown.
    pub fn of(owner: Owner) -> Self {
        Self {
            owner,
            anonymous: false,
            permissions: Vec::new(),
            claims: Claims::default(),
            address: None,
            languages: Languages::default(),
            origin: None,
            reference: None,
        }
    }

    /// What the assistant's tools may ask for: all permissions but those of this server's routes, and of these the first
    /// ones that fit into a session token.
    pub fn tool_permissions(&self) -> Vec<String> {
        let mut left = Self::MAX_PERMISSIONS_BYTES;
        let fits = |permission: &&String| {
            // As in `"permission",`; one with other characters counts for more, and is as rare.
            let rest = left.checked_sub(permission.escape_default().count() + 3);
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        let of_tools = self.permissions.iter().filter(|permission| !Self::OF_ROUTES.contains(&permission.as_str()));
        of_tools.filter(fits).cloned().collect()
    }

    /// Whether the identity has a permission.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|granted| granted == permission)
    }
}
