//! What models cost. Money is counted in whole picodollars (a millionth of a micro-dollar), because a token costs less
//! than a micro-dollar: a price of 0.01 USD per million tokens is 10,000 picodollars a token. So every sum is exact, and
//! nothing is ever rounded.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Number;

use super::tokens::{HostedCalls, TokenUsage};

/// The digits of a dollar in picodollars.
const USD_DIGITS: usize = 12;
/// Those of a price per million tokens in picodollars a token.
const PER_MILLION_DIGITS: usize = 6;
/// Of a price, as it is written; no model costs more.
const MAX_PRICE_USD: u64 = 100_000;

/// The dated table, which `just cost` reads, too.
static TABLE: LazyLock<Arc<Prices>> =
    LazyLock::new(|| serde_json::from_str(include_str!("prices.json")).unwrap_or_default());

/// What models and the hosted tools of their servers cost.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    #[serde(default)]
    models: BTreeMap<String, Price>,
    #[serde(default)]
    calls: Calls,
    #[serde(default, rename = "date")]
    _date: IgnoredAny,
    #[serde(default, rename = "note")]
    _note: IgnoredAny,
}

/// What one model costs, in picodollars a token.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    input: Rate,
    /// As `input` unless it says otherwise.
    cached_input: Option<Rate>,
    cache_write: Option<Rate>,
    output: Rate,
    /// As `output` unless it says otherwise.
    reasoning: Option<Rate>,
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
}

/// What a call of each hosted tool costs.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Calls {
    web_search: Option<Call>,
    file_search: Option<Call>,
    code_interpreter: Option<Call>,
    image_generation: Option<Call>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(deserialize_with = "usd_number")]
    usd: u64,
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
}

/// USD per million tokens as it is written, picodollars a token as it is kept.
#[derive(Debug, Clone, Copy)]
struct Rate(u64);

impl Prices {
    /// The dated table.
    pub(crate) fn table() -> Arc<Self> {
        Arc::clone(&TABLE)
    }

    /// These prices before those of the table.
    pub(crate) fn over_table(mut self) -> Self {
        for (model, price) in &TABLE.models {
            self.models.entry(model.clone()).or_insert(*price);
        }
        let Calls { web_search, file_search, code_interpreter, image_generation } = TABLE.calls;
        let calls = self.calls;
        self.calls = Calls {
            web_search: calls.web_search.or(web_search),
            file_search: calls.file_search.or(file_search),
            code_interpreter: calls.code_interpreter.or(code_interpreter),
            image_generation: calls.image_generation.or(image_generation),
        };
        self
    }

    /// Whether a model has a price.
    pub(crate) fn has(&self, model: &str) -> bool {
        self.of(model).is_some()
    }

    /// What a model was used for, with its cost.
    pub(crate) fn priced(&self, model: &str, usage: TokenUsage) -> TokenUsage {
        let Some(price) = self.of(model) else { return TokenUsage { unpriced: true, ..usage } };
        let calls = self.calls.cost(&usage.calls);
        TokenUsage { picodollars: price.cost(&usage).saturating_add(calls), unpriced: false, ..usage }
    }

    /// So many tokens, at the most that they can cost.
    pub(crate) fn upper_bound(&self, model: &str, input: u64, output: u64) -> TokenUsage {
        let (picodollars, unpriced) = (self.most(model, input, output), !self.has(model));
        TokenUsage { input, output, picodollars, unpriced, ..TokenUsage::default() }
    }

    /// The most that so many tokens cost, however the model counts them; 0 without a price.
    pub(crate) fn most(&self, model: &str, input: u64, output: u64) -> u64 {
        self.of(model).map_or(0, |price| {
            input.saturating_mul(price.dearest_input()).saturating_add(output.saturating_mul(price.dearest_output()))
        })
    }

    /// A dated name, such as `gpt-6-luna-2026-09-22`, has the price of its model unless it has one of its own.
    fn of(&self, model: &str) -> Option<&Price> {
        let without_date = || {
            let (name, date) = model.split_at_checked(model.len().checked_sub("-2026-01-01".len())?)?;
            date.strip_prefix('-')?.parse::<jiff::civil::Date>().ok().and_then(|_| self.models.get(name))
        };
        self.models.get(model).or_else(without_date)
    }
}

impl Price {
    fn cost(&self, usage: &TokenUsage) -> u64 {
        let &TokenUsage { input, cached, cache_write, output, reasoning, .. } = usage;
        let other_input = input.saturating_sub(cached).saturating_sub(cache_write);
        let other_output = output.saturating_sub(reasoning);
        [
            (other_input, self.input),
            (cached.min(input), self.cached_input.unwrap_or(self.input)),
            (cache_write.min(input), self.cache_write.unwrap_or(self.input)),
            (other_output, self.output),
            (reasoning.min(output), self.reasoning.unwrap_or(self.output)),
        ]
        .into_iter()
        .fold(0, |sum: u64, (tokens, rate)| sum.saturating_add(tokens.saturating_mul(rate.0)))
    }

    fn dearest_input(&self) -> u64 {
        let other = [self.cached_input, self.cache_write].into_iter().flatten().map(|rate| rate.0);
        other.fold(self.input.0, u64::max)
    }

    fn dearest_output(&self) -> u64 {
        self.reasoning.map_or(self.output.0, |rate| rate.0.max(self.output.0))
    }
}

impl Calls {
    fn cost(&self, calls: &HostedCalls) -> u64 {
        let &HostedCalls { web_search, file_search, code_interpreter, image_generation } = calls;
        [
            (web_search, self.web_search),
            (file_search, self.file_search),
            (code_interpreter, self.code_interpreter),
            (image_generation, self.image_generation),
        ]
        .into_iter()
        .fold(0, |sum: u64, (count, call)| sum.saturating_add(count.saturating_mul(call.map_or(0, |call| call.usd))))
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scaled_number(deserializer, PER_MILLION_DIGITS).map(Self)
    }
}

fn usd_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    scaled_number(deserializer, USD_DIGITS)
}

fn scaled_number<'de, D: Deserializer<'de>>(deserializer: D, digits: usize) -> Result<u64, D::Error> {
    let number = Number::deserialize(deserializer)?;
    // The shortest decimal that is this number, which is how it was written.
    let text =
        number.as_u64().map(|whole| whole.to_string()).or_else(|| number.as_f64().map(|float| float.to_string()));
    let price = text.and_then(|text| scaled(&text, digits)).filter(|price| *price <= MAX_PRICE_USD * 10_u64.pow(12));
    price.ok_or_else(|| D::Error::custom(format!("a price in USD from 0 to {MAX_PRICE_USD}, to {digits} decimals")))
}

/// A decimal number times a power of ten; none if that is not whole, or too large.
fn scaled(text: &str, digits: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = fraction.len() <= digits && !whole.is_empty() && is_number(whole) && is_number(fraction);
    is_whole.then(|| format!("{whole}{fraction:0<digits$}").parse().ok()).flatten()
}

/// An amount in USD, exactly: `0.0012` for 1,200,000,000 picodollars.
#[must_use]
pub fn usd(picodollars: u64) -> String {
    let text = format!("{}.{:012}", picodollars / 10_u64.pow(12), picodollars % 10_u64.pow(12));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(json: &str) -> Prices {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn table_has_the_default_model_and_its_dated_names() {
        let table = Prices::table();
        for (model, expected) in [
            ("gpt-6-luna", true),
            ("gpt-6-luna-2026-09-22", true),
            ("gpt-6-luna-2026-99-99", false),
            ("gpt-6-luna2026-09-22", false),
            ("-2026-09-22", false),
            ("ü2026-09-22", false),
            ("", false),
            ("llama", false),
        ] {
            assert_eq!(table.has(model), expected, "{model}");
        }
    }

    #[test]
    fn every_class_has_its_price_and_each_token_one_class() {
        let prices = prices(
            r#"{"models": {
                "all": {"input": 1, "cached_input": 0.1, "cache_write": 1.25, "output": 10, "reasoning": 20},
                "two": {"input": 0.000001, "output": 2.5}
            }, "calls": {"web_search": {"usd": 0.01}, "image_generation": {"usd": 0.000000000001}}}"#,
        )
        .over_table();
        let usage = TokenUsage {
            input: 100,
            cached: 40,
            cache_write: 50,
            output: 10,
            reasoning: 4,
            calls: HostedCalls { web_search: 2, image_generation: 3, file_search: 1, code_interpreter: 0 },
            ..TokenUsage::default()
        };
        let calls = 2 * 10_000_000_000 + 3 + 2_500_000_000;
        for (model, expected) in [
            ("all", Some(10 * 1_000_000 + 40 * 100_000 + 50 * 1_250_000 + 6 * 10_000_000 + 4 * 20_000_000)),
            ("two", Some(100 + 10 * 2_500_000)),
            ("none", None),
        ] {
            let priced = prices.priced(model, usage);
            let expected = expected.map_or((0, true), |cost| (cost + calls, false));
            assert_eq!((priced.picodollars, priced.unpriced), expected, "{model}");
        }
        // However the tokens are counted, they cost no more than that.
        assert_eq!(prices.most("all", 100, 10), 100 * 1_250_000 + 10 * 20_000_000);
        assert_eq!(prices.most("none", 100, 10), 0);
    }

    #[test]
    fn counts_that_contradict_each_other_cost_no_more_than_the_most() {
        let prices = prices(r#"{"models": {"m": {"input": 1, "output": 2}}}"#);
        let usage =
            TokenUsage { input: 1, cached: 5, cache_write: 0, output: 1, reasoning: 9, ..TokenUsage::default() };
        assert_eq!(prices.priced("m", usage).picodollars, prices.most("m", 1, 1));
        let usage = TokenUsage { input: u64::MAX, ..TokenUsage::default() };
        assert_eq!(prices.priced("m", usage).picodollars, u64::MAX);
    }

    #[test]
    fn price_is_a_decimal_that_is_whole_in_picodollars() {
        for (price, expected) in [
            ("0", Some(0)),
            ("0.10", Some(100_000)),
            ("1e-6", Some(1)),
            ("1e-7", None),
            ("0.0000015", None),
            ("100000", Some(100_000_000_000)),
            ("-1", None),
            ("\"1\"", None),
            ("null", None),
            ("1e300", None),
        ] {
            let rate = serde_json::from_str::<Rate>(price).ok().map(|rate| rate.0);
            assert_eq!(rate, expected, "{price}");
        }
    }

    #[test]
    fn usd_is_written_exactly() {
        for (picodollars, expected) in [
            (0, "0"),
            (1, "0.000000000001"),
            (1_200_000_000, "0.0012"),
            (1_000_000_000_000, "1"),
            (10_500_000_000_000, "10.5"),
        ] {
            assert_eq!(usd(picodollars), expected);
        }
    }
}
