use std::collections::BTreeMap;

use chatkit_shared::http::Error;
use chatkit_shared::model::usd;
use chatkit_shared::store::DailyUsage;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

const MAX_RANGE_DAYS: i32 = 366;

/// Where no start is given; today is one of them.
const DEFAULT_RANGE_DAYS: i32 = 30;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RangeQuery {
    start_date: Option<String>,
    end_date: Option<String>,
    group_by: Option<String>,
}

/// Days in UTC, both ends included, and how to break them down.
pub(crate) struct Range {
    pub(crate) from: Date,
    pub(crate) to: Date,
    by_model: bool,
}

impl Range {
    pub(crate) fn parse(query: &RangeQuery, now: Timestamp) -> Result<Self, Error> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let to = query.end_date.as_deref().map_or(Ok(today), |text| date("endDate", text))?;
        let first = to.saturating_sub((DEFAULT_RANGE_DAYS - 1).days());
        let from = query.start_date.as_deref().map_or(Ok(first), |text| date("startDate", text))?;
        let days = (to - from).get_days() + 1;
        if days < 1 {
            return Err(Error::bad_request("`startDate` must not be after `endDate`"));
        }
        if days > MAX_RANGE_DAYS {
            return Err(Error::bad_request(format!("a range has at most {MAX_RANGE_DAYS} days")));
        }
        let by_model = match query.group_by.as_deref() {
            None | Some("day") => false,
            Some("model") => true,
            Some(_) => return Err(Error::bad_request("`groupBy` must be `day` or `model`")),
        };
        Ok(Self { from, to, by_model })
    }
}

fn date(name: &str, text: &str) -> Result<Date, Error> {
    // `strptime` would accept `2026-1-2`, and the crate's own parser times and zones.
    let exact = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = exact.then(|| text.parse().ok()).flatten();
    date.ok_or_else(|| Error::bad_request(format!("`{name}` must be a date like `2026-11-20`")))
}

/// One row of the answer: a day, or a day's share of one model.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    date: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    total_requests: u64,
    failed_requests: u64,
    /// Milliseconds from the request to the end of the answer, rounded.
    avg_duration: u64,
    total_tokens: u64,
    input_tokens: u64,
    cached_tokens: u64,
    /// The share of `input_tokens` that was cached, rounded.
    cached_percent: u64,
    output_tokens: u64,
    reasoning_tokens: u64,
    /// Those of `input_tokens` that were written to the cache.
    cache_write_tokens: u64,
    /// Of what has a price, exactly.
    cost_usd: String,
    /// Requests that have no price, or not for all that they used.
    unpriced_requests: u64,
    /// Of no model in particular.
    #[serde(skip_serializing_if = "Option::is_none")]
    positive_feedback: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_feedback: Option<u64>,
}

/// Every day of the range, oldest first; days without requests are rows of zeros. By model, only what was used.
pub(crate) fn rows(range: &Range, usage: &[DailyUsage]) -> Vec<Row> {
    let mut sums = BTreeMap::new();
    if !range.by_model {
        sums.extend(
            range.from.series(1.day()).take_while(|day| *day <= range.to).map(|day| ((day, None), Sum::default())),
        );
    }
    // What has no model is feedback.
    for day in usage.iter().filter(|day| !range.by_model || !day.model.is_empty()) {
        let model = range.by_model.then(|| day.model.clone());
        sums.entry((day.date, model)).or_insert_with(Sum::default).add(day);
    }
    sums.into_iter().map(|((date, model), sum)| sum.row(date, model)).collect()
}

#[derive(Default)]
struct Sum {
    requests: u64,
    errors: u64,
    duration_ms: u64,
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
    cache_write: u64,
    picodollars: u64,
    unpriced: u64,
    positive: u64,
    negative: u64,
}

impl Sum {
    fn add(&mut self, day: &DailyUsage) {
        self.requests += day.requests;
        self.errors += day.errors;
        self.duration_ms += day.duration_ms;
        self.input += day.input_tokens;
        self.cached += day.cached_tokens;
        self.output += day.output_tokens;
        self.reasoning += day.reasoning_tokens;
        self.cache_write += day.cache_write_tokens;
        self.picodollars += day.picodollars;
        self.unpriced += day.requests.saturating_sub(day.priced_requests);
        self.positive += day.positive_feedback;
        self.negative += day.negative_feedback;
    }

    fn row(self, date: Date, model: Option<String>) -> Row {
        let half = self.requests / 2;
        let of_day = |count| model.is_none().then_some(count);
        let (positive_feedback, negative_feedback) = (of_day(self.positive), of_day(self.negative));
        Row {
            date,
            model,
            total_requests: self.requests,
            failed_requests: self.errors,
            avg_duration: (self.duration_ms + half).checked_div(self.requests).unwrap_or(0),
            total_tokens: self.input + self.output,
            input_tokens: self.input,
            cached_tokens: self.cached,
            cached_percent: (self.cached * 100 + self.input / 2).checked_div(self.input).unwrap_or(0),
            output_tokens: self.output,
            reasoning_tokens: self.reasoning,
            cache_write_tokens: self.cache_write,
            cost_usd: usd(self.picodollars),
            unpriced_requests: self.unpriced,
            positive_feedback,
            negative_feedback,
        }
    }
}
