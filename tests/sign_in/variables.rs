//! What signing in needs to be told.

use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::identity::VisitorCookie;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::Setup;
use jiff::Timestamp;

/// What `auth` says with these variables beside the right ones.
fn fault(variables: &[(&str, &str)]) -> Option<String> {
    let mut env = Env::from_iter([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("TABLE_COUNTERS", "counters"),
        ("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes"),
        ("AUTH_MODE", "login"),
        ("AUTH_URL", "https://chat.example.com"),
        ("OIDC_ISSUER", "https://id.example"),
        ("OIDC_CLIENT_ID", "chat"),
    ]);
    for (name, value) in variables {
        env.set(name, *value);
    }
    let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
    let ids = Ids::seeded(clock.clone(), 1);
    let setup = Setup { env, clock, ids, cookie: VisitorCookie::CrossSite, dynamodb: None };
    chatkit_auth::App::from_setup(&setup).err().map(|error| error.to_string())
}

#[tokio::test]
async fn sign_in_without_what_it_needs_does_not_start() {
    const WANTS_URL: &str = "must be an `https` URL without credentials, query and fragment, or `http` to this machine";
    const WANTS_TENANT: &str = "must name one tenant: `https://login.microsoftonline.com/<tenant id>/v2.0`. Tokens of \
                                `common`, `organizations` and `consumers` come from an issuer of each tenant's own";
    const WANTS_HOURS: &str = "must be a whole number of hours from 1 to 720";
    assert_eq!(fault(&[]), None);
    for (name, value, wants) in [
        ("OIDC_ISSUER", "", "must be set to the identity provider at which people sign in"),
        ("OIDC_CLIENT_ID", "", "must be set to the client id that the identity provider gave this server"),
        (
            "AUTH_URL",
            "",
            "must be set to the address of this API as browsers see it, such as `https://chat.example.com`",
        ),
        ("OIDC_ISSUER", "http://id.example", WANTS_URL),
        ("OIDC_ISSUER", "https://id.example?a=b", WANTS_URL),
        ("OIDC_ISSUER", "id.example", WANTS_URL),
        ("AUTH_URL", "http://chat.example.com", WANTS_URL),
        ("OIDC_ISSUER", "https://login.microsoftonline.com/common/v2.0", WANTS_TENANT),
        ("OIDC_ISSUER", "https://login.microsoftonline.com/organizations/v2.0", WANTS_TENANT),
        ("OIDC_ISSUER", "https://login.microsoftonline.us/consumers/v2.0", WANTS_TENANT),
        ("OIDC_SCOPES", "profile email", "must have `openid` among its words"),
        ("LOGIN_HOURS", "0", WANTS_HOURS),
        ("LOGIN_HOURS", "721", WANTS_HOURS),
        ("LOGIN_HOURS", "canary", WANTS_HOURS),
    ] {
        assert_eq!(fault(&[(name, value)]), Some(format!("`{name}` {wants}")), "{name}={value}");
        assert_eq!(fault(&[(name, value), ("AUTH_MODE", "anonymous")]), None, "nobody signs in");
    }
    for issuer in
        ["https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "https://a.auth0.com/"]
    {
        assert_eq!(fault(&[("OIDC_ISSUER", issuer)]), None, "{issuer}");
    }
}
