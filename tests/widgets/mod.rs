//! How widgets that change are sent. `tests/conformance/widgets.py` asks the Python package the same.

use chatkit_shared::widgets::diff;
use serde_json::{Value, json};

/// Asserts the updates of each pair of a file.
fn check(file: &str, least: usize) {
    let pairs: Vec<Value> = serde_json::from_str(file).unwrap();
    assert!(pairs.len() >= least, "{}", pairs.len());
    for pair in pairs {
        let whole = json!([{ "type": "widget.root.updated", "widget": pair["after"] }]);
        let expected = if pair["updates"] == "root" { &whole } else { &pair["updates"] };
        let updates = serde_json::to_value(diff(&pair["before"], &pair["after"])).unwrap();
        assert_eq!(&updates, expected, "{pair}");
    }
}

#[test]
fn diff_of_pairs_written_by_hand_is_as_expected() {
    check(include_str!("cases.json"), 35);
}

#[test]
fn diff_of_random_pairs_is_as_expected() {
    check(include_str!("generated.json"), 100);
}

#[test]
fn diff_of_values_that_are_no_widgets_sends_the_whole() {
    for (before, after) in [(json!(null), json!({})), (json!([]), json!([1])), (json!("a"), json!("ab"))] {
        let whole = json!([{ "type": "widget.root.updated", "widget": after }]);
        assert_eq!(serde_json::to_value(diff(&before, &after)).unwrap(), whole);
        assert_eq!(diff(&after, &after), []);
    }
}
