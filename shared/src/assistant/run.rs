use std::fmt;
use std::time::Duration;

use reqwest::Url;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::values::Whole;
use crate::endpoints::Endpoint;
use crate::https::safe_url;

/// Who runs a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// The page.
    Client,
    /// An endpoint of the site.
    Server(Endpoint),
}

/// An endpoint as the assistant document has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointDocument {
    url: EndpointUrl,
    #[serde(default = "ten")]
    timeout_seconds: Whole<1, 300>,
    #[serde(default = "one")]
    retries: Whole<0, 5>,
    #[serde(default = "sixty_four_kilobytes")]
    largest_answer_bytes: Whole<256, 262_144>,
}

const fn ten() -> Whole<1, 300> {
    Whole(10)
}

const fn one() -> Whole<0, 5> {
    Whole(1)
}

const fn sixty_four_kilobytes() -> Whole<256, 262_144> {
    Whole(65_536)
}

impl From<EndpointDocument> for Endpoint {
    fn from(document: EndpointDocument) -> Self {
        Self {
            url: document.url.0,
            timeout: Duration::from_secs(document.timeout_seconds.0.into()),
            retries: document.retries.0,
            largest_answer: document.largest_answer_bytes.0 as usize,
        }
    }
}

/// Where an endpoint may be: what is sent to it is signed, but not a secret to the network on plain `http`.
struct EndpointUrl(Url);

impl<'de> Deserialize<'de> for EndpointUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const WANTS: &str = "must be an `https` URL without credentials and fragment, or `http` to this machine";
        let text = Value::deserialize(deserializer)?;
        safe_url(text.as_str().unwrap_or_default()).map(Self).ok_or_else(|| D::Error::custom(WANTS))
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RunVisitor;

        impl<'de> Visitor<'de> for RunVisitor {
            type Value = Run;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`client`, or an object with the `url` of an endpoint")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Run, E> {
                if text == "client" { Ok(Run::Client) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Run, A::Error> {
                let document = EndpointDocument::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Run::Server(document.into()))
            }
        }

        deserializer.deserialize_any(RunVisitor)
    }
}
