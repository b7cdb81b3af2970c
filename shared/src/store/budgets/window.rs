//! The windows of budgets: clock hours and days.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a window of a budget is. Windows begin where the clock says, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    Hour,
    Day,
}

/// One window of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Period {
    window: Window,
    /// Which one, counted from the epoch: unix time has no leap seconds, so its days are those of UTC.
    number: i64,
}

impl Window {
    const fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// What an attribute that counts one of these windows begins with.
    const fn letter(self) -> char {
        match self {
            Self::Hour => 'h',
            Self::Day => 'd',
        }
    }
}

impl Period {
    /// The window that a moment is in.
    pub(super) fn of(window: Window, now: Timestamp) -> Self {
        Self { window, number: now.as_second().div_euclid(window.seconds()) }
    }

    /// The attribute that counts its tokens.
    pub(super) fn attribute(self) -> String {
        format!("{}{}", self.window.letter(), self.number)
    }

    /// When the next one begins, in unix seconds.
    pub(super) const fn ends_at(self) -> i64 {
        (self.number + 1) * self.window.seconds()
    }

    /// When everything is settled in it, in unix seconds: a turn that began in it may end in the next one.
    pub(super) const fn settled_at(self) -> i64 {
        (self.number + 2) * self.window.seconds()
    }

    /// Whether an attribute counts a window in which nothing is settled any more.
    pub(super) fn outdates(self, attribute: &str) -> bool {
        let number = attribute.strip_prefix(self.window.letter()).and_then(|number| number.parse().ok());
        number.is_some_and(|number: i64| number < self.number - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn period_of_a_moment_begins_where_the_clock_says() {
        for (window, second, attribute, ends_at, settled_at) in [
            (Window::Hour, 0, "h0", 3_600, 7_200),
            (Window::Hour, 3_599, "h0", 3_600, 7_200),
            (Window::Hour, 3_600, "h1", 7_200, 10_800),
            (Window::Hour, -1, "h-1", 0, 3_600),
            (Window::Day, 86_399, "d0", 86_400, 172_800),
            (Window::Day, 86_400, "d1", 172_800, 259_200),
        ] {
            let period = Period::of(window, at(second));
            let actual = (&*period.attribute(), period.ends_at(), period.settled_at());
            assert_eq!(actual, (attribute, ends_at, settled_at), "{window:?} {second}");
        }
    }

    #[test]
    fn period_outdates_windows_of_its_kind_before_the_last_one() {
        let period = Period::of(Window::Hour, at(10 * 3_600));
        for (attribute, expected) in [
            ("h7", true),
            ("h8", true),
            ("h9", false),
            ("h10", false),
            ("h11", false),
            ("d7", false),
            ("full_at", false),
            ("h", false),
            ("hour", false),
        ] {
            assert_eq!(period.outdates(attribute), expected, "{attribute}");
        }
    }
}
