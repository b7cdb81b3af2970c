use chatkit_shared::env::{Env, EnvError};
use chatkit_shared::http::{Error, Origins};
use chatkit_shared::https::safe_url;
use reqwest::Url;

/// Of a page's address: it travels in a cookie.
const MAX_ADDRESS_BYTES: usize = 1_024;

/// The pages to which a browser is sent back: those of `ALLOWED_ORIGINS` and of this server itself.
#[derive(Clone)]
pub(crate) struct Pages {
    /// The address of this API.
    api: Url,
    origins: Origins,
}

impl Pages {
    /// Reads `AUTH_URL`, the API's own address. Not from a request's `Host`: a client writes that.
    pub(crate) fn from_env(env: &Env, origins: &Origins) -> Result<Self, EnvError> {
        const NAME: &str = "AUTH_URL";
        let text =
            env.required(NAME, "the address of this API as browsers see it, such as `https://chat.example.com`")?;
        let url = safe_url(&text).filter(|url| url.query().is_none());
        let wants = "must be an `https` URL without credentials, query and fragment, or `http` to this machine";
        let api = url.ok_or_else(|| EnvError::new(NAME, wants))?;
        Ok(Self { api, origins: origins.clone() })
    }

    /// Where the provider sends the browser with its answer: what is registered there, to the letter.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("{}/auth/callback", self.api.as_str().trim_end_matches('/'))
    }

    /// The page that a request names, as an address in full; without a name the first page that is allowed. It is read
    /// as browsers read it, who take `/\` for `//`.
    pub(crate) fn page(&self, return_to: Option<&str>) -> Result<Url, Error> {
        let refused = || Error::bad_request("`return_to` must be a path, or a page of an origin in `ALLOWED_ORIGINS`");
        let return_to = return_to.unwrap_or_else(|| self.origins.first().unwrap_or("/"));
        let page =
            self.api.join(return_to).ok().filter(|_| return_to.len() <= MAX_ADDRESS_BYTES).ok_or_else(refused)?;
        // A `blob:` has the origin of the page that made it.
        let is_web = matches!(page.scheme(), "http" | "https");
        let is_plain = is_web && page.username().is_empty() && page.password().is_none();
        let is_allowed =
            page.origin() == self.api.origin() || self.origins.contains(&page.origin().ascii_serialization());
        if is_plain && is_allowed { Ok(page) } else { Err(refused()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        let env = Env::from_iter([
            ("AUTH_URL", "https://chat.example.com/prod"),
            ("ALLOWED_ORIGINS", "https://www.example.com,http://localhost:5173"),
        ]);
        Pages::from_env(&env, &Origins::from_env(&env).unwrap()).unwrap()
    }

    #[test]
    fn a_page_of_an_allowed_origin_gets_the_browser_back() {
        for (return_to, page) in [
            (None, "https://www.example.com/"),
            (Some("/"), "https://chat.example.com/"),
            (Some("/a/b?c=d&e=%2F#f"), "https://chat.example.com/a/b?c=d&e=%2F#f"),
            (Some("https://www.example.com"), "https://www.example.com/"),
            (Some("https://www.example.com/chat?a=//evil.example"), "https://www.example.com/chat?a=//evil.example"),
            (Some("HTTPS://WWW.example.com:443/"), "https://www.example.com/"),
            (Some("http://localhost:5173/"), "http://localhost:5173/"),
            // The scheme of this server alone begins a path, for browsers too, and the whole address is what they are sent.
            (Some("https:evil.example"), "https://chat.example.com/evil.example"),
            (Some("https:/evil.example"), "https://chat.example.com/evil.example"),
            (Some("//www.example.com/x"), "https://www.example.com/x"),
            (Some("/ä\u{202e}"), "https://chat.example.com/%C3%A4%E2%80%AE"),
        ] {
            assert_eq!(pages().page(return_to).unwrap().as_str(), page, "{return_to:?}");
        }
    }

    #[test]
    fn no_other_page_gets_the_browser_back() {
        for return_to in [
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "\u{0}//evil.example",
            "https://evil.example",
            "https://evil.example\\@www.example.com",
            "https://www.example.com@evil.example",
            "https://www.example.com:pass@www.example.com/",
            "https://www.example.com.evil.example",
            "https://www.example.com:8443",
            "http://www.example.com",
            "http://chat.example.com/",
            "http://localhost",
            "https://www.example.com%2eevil.example",
            "https://www。example。com.evil.example",
            "https://",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)//www.example.com",
            "data:text/html,x",
            "blob:https://evil.example/x",
            "blob:https://www.example.com/x",
            "file:///etc/passwd",
            "ftp://www.example.com/",
        ] {
            assert!(pages().page(Some(return_to)).is_err(), "{return_to:?} {:?}", pages().page(Some(return_to)));
        }
        assert!(pages().page(Some(&format!("/{}", "a".repeat(1_024)))).is_err());
    }

    #[test]
    fn the_address_of_the_api_is_one_that_browsers_trust() {
        let with = |url: &str| {
            let env = Env::from_iter([("AUTH_URL", url)]);
            Pages::from_env(&env, &Origins::from_env(&env).unwrap()).map(|pages| pages.redirect_uri())
        };
        assert_eq!(with("https://a.example").unwrap(), "https://a.example/auth/callback");
        assert_eq!(with("https://a.example/prod/").unwrap(), "https://a.example/prod/auth/callback");
        assert_eq!(with("http://127.0.0.1:3000").unwrap(), "http://127.0.0.1:3000/auth/callback");
        for url in
            ["http://a.example", "a.example", "https://u:p@a.example", "https://a.example?b", "https://a.example#b"]
        {
            let wants = "must be an `https` URL without credentials, query and fragment, or `http` to this machine";
            assert_eq!(with(url).unwrap_err(), EnvError::new("AUTH_URL", wants), "{url}");
        }
        assert!(with("").is_err());
    }
}
