use jiff::Timestamp;

/// How long the windows of a budget are. They begin where the clock says, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// A clock hour.
    Hour,
    /// A day.
    Day,
}

/// One window of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// When nobody settles in it any more, in unix seconds: a turn that began in it may end in the next one.
    pub(super) const fn settled_at(self) -> i64 {
        (self.number + 2) * self.window.seconds()
    }

    /// Whether an attribute counts a window in which nobody settles any more.
    pub(super) fn outdates(self, attribute: &str) -> bool {
        let number = attribute.strip_prefix(self.window.letter()).and_then(|number| number.parse().ok());
        number.is_some_and(|number: i64| number < self.number - 1)
    }
}
