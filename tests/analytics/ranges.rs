//! Which ranges of days can be asked for.

use serde_json::{Value, json};

use super::{empty, reader, rows};
use crate::harness::app::App;
use crate::harness::requests::{Carrying, get};

async fn refusal(app: &App, query: &str) -> String {
    let answer = app.send(get(&format!("/api/analytics{query}")).bearer(&reader(app, "default"))).await;
    answer.error(400, "bad_request")
}

/// First day, last day, and how many rows.
async fn extent(app: &App, query: &str) -> (String, String, usize) {
    let rows = rows(app, query).await;
    let rows: Vec<Value> = rows.as_array().unwrap().clone();
    let date = |row: &Value| row["date"].as_str().unwrap().to_owned();
    (date(&rows[0]), date(&rows[rows.len() - 1]), rows.len())
}

fn days(from: &str, to: &str, count: usize) -> (String, String, usize) {
    (from.to_owned(), to.to_owned(), count)
}

#[tokio::test]
async fn range_by_default_is_the_last_thirty_days() {
    let app = App::start().await;
    assert_eq!(extent(&app, "").await, days("2026-10-22", "2026-11-20", 30));
    assert_eq!(extent(&app, "?endDate=2026-03-01").await, days("2026-01-31", "2026-03-01", 30));
    assert_eq!(extent(&app, "?startDate=2026-11-18").await, days("2026-11-18", "2026-11-20", 3));
    assert_eq!(rows(&app, "?startDate=2026-11-20&endDate=2026-11-20").await, json!([empty("2026-11-20")]));
    // A second before midnight it is still today.
    app.clock.advance(12 * 3_600_000 - 1);
    assert_eq!(extent(&app, "").await.1, "2026-11-20");
    app.clock.advance(1);
    assert_eq!(extent(&app, "").await.1, "2026-11-21");
}

#[tokio::test]
async fn range_of_more_than_366_days_is_refused() {
    let app = App::start().await;
    assert_eq!(extent(&app, "?startDate=2028-01-01&endDate=2028-12-31").await, days("2028-01-01", "2028-12-31", 366));
    let long = "a range has at most 366 days";
    assert_eq!(refusal(&app, "?startDate=2028-01-01&endDate=2029-01-01").await, long);
    assert_eq!(refusal(&app, "?startDate=0001-01-01&endDate=9999-12-31").await, long);
    assert_eq!(refusal(&app, "?startDate=2020-01-01").await, long);
    let reversed = "`startDate` must not be after `endDate`";
    assert_eq!(refusal(&app, "?startDate=2026-11-21&endDate=2026-11-20").await, reversed);
    assert_eq!(refusal(&app, "?startDate=2026-11-21").await, reversed);
    assert_eq!(refusal(&app, "?startDate=9999-12-31&endDate=0000-01-01").await, reversed);
    // The ends of the calendar.
    assert_eq!(extent(&app, "?startDate=9999-12-30&endDate=9999-12-31").await, days("9999-12-30", "9999-12-31", 2));
    assert_eq!(extent(&app, "?startDate=0000-01-01&endDate=0000-01-02").await, days("0000-01-01", "0000-01-02", 2));
    assert_eq!(extent(&app, "?endDate=0000-01-01").await.2, 30);
}

#[tokio::test]
async fn range_with_a_malformed_date_is_refused() {
    let app = App::start().await;
    let texts = [
        "",
        "today",
        "2026-1-2",
        "2026-13-01",
        "2026-02-29",
        "2026-11-31",
        "2026-00-10",
        "20261120",
        "2026-11-20T00:00",
        "2026-11-20Z",
        "+2026-11-20",
        "-2026-11-2",
        "2026/11/20",
        "20.11.2026",
        "2026-324",
        "2026-W47-5",
        "1795176000",
        "2026-11-20%20",
        "%002026-11-2",
        "%F0%9F%98%80aaaaaa",
        "----------",
        "2026--1-20",
    ];
    for name in ["startDate", "endDate"] {
        for text in texts {
            let expected = format!("`{name}` must be a date like `2026-11-20`");
            assert_eq!(refusal(&app, &format!("?{name}={text}")).await, expected, "{text}");
        }
    }
}

#[tokio::test]
async fn group_other_than_day_or_model_is_refused() {
    let app = App::start().await;
    for group in ["", "user", "Model", "day,model", "tenant"] {
        let expected = "`groupBy` must be `day` or `model`";
        assert_eq!(refusal(&app, &format!("?groupBy={group}")).await, expected, "{group}");
    }
    assert_eq!(rows(&app, "?groupBy=model").await, json!([]));
    // What is not known is not minded.
    assert_eq!(extent(&app, "?page=2&startdate=x").await.2, 30);
}

#[tokio::test]
async fn query_with_a_field_twice_is_refused() {
    let app = App::start().await;
    for query in ["?startDate=2026-11-19&startDate=2026-11-20", "?groupBy=day&groupBy=model"] {
        assert_eq!(refusal(&app, query).await, "the query has a field twice", "{query}");
    }
}
