//! Token buckets as integer arithmetic, without I/O, and the key of a client address.
//!
//! A bucket is kept as one number, the *theoretical arrival time* of the generic cell rate algorithm (GCRA, ITU-T
//! I.371): the moment at which the bucket would be full again. Taking moves it forward by one interval; a take that
//! would move it further than the whole bucket away from now is refused. One number means that one conditional write
//! decides, and that any number of callers compose.

use std::net::IpAddr;
use std::time::Duration;

/// A bucket of some capacity that refills steadily. It holds no state: that is a moment in microseconds which the
/// caller keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    capacity: u32,
    /// Microseconds in which one unit refills.
    interval: i64,
}

/// Whether a take is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is; the bucket is full again at this moment, in microseconds.
    Admitted(i64),
    /// It is not; one unit is there after this time, in whole seconds, at least one.
    Refused(Duration),
}

impl Bucket {
    /// A limit that is off.
    pub const OFF: Self = Self { capacity: 0, interval: 1 };

    /// A bucket that admits `capacity` takes at once and refills by `refill` in each `period`. If either is 0 the
    /// limit is off. An interval that is not whole in microseconds is rounded up, so that the rate is never exceeded.
    pub fn new(capacity: u32, refill: u32, period: Duration) -> Self {
        if capacity == 0 || refill == 0 {
            return Self::OFF;
        }
        let interval = period.as_micros().div_ceil(u128::from(refill)).max(1);
        Self { capacity, interval: i64::try_from(interval).unwrap_or(i64::MAX) }
    }

    /// A bucket of a minute's worth; 0 turns the limit off.
    pub fn per_minute(count: u32) -> Self {
        Self::new(count, count, Duration::from_secs(60))
    }

    /// How many takes a full bucket admits at once; 0 when the limit is off.
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Whether everything is admitted.
    pub(crate) const fn is_off(&self) -> bool {
        self.capacity == 0
    }

    /// Microseconds in which one unit refills.
    pub(crate) const fn interval(&self) -> i64 {
        self.interval
    }

    /// The latest state, in microseconds, from which a take at `now` is admitted.
    pub const fn latest(&self, now: i64) -> i64 {
        now.saturating_add(self.span()).saturating_sub(self.interval)
    }

    /// Takes one unit at `now`; `state` is what the last admitted take gave, none for a full bucket. Both are
    /// microseconds since the epoch.
    pub fn take(&self, state: Option<i64>, now: i64) -> Verdict {
        let state = state.unwrap_or(now).max(now);
        let excess = state.saturating_sub(self.latest(now));
        if self.is_off() || excess <= 0 {
            Verdict::Admitted(state.saturating_add(self.interval))
        } else {
            Verdict::Refused(retry_after(excess))
        }
    }

    /// How many takes would be admitted at `now`; none when the limit is off.
    pub fn available(&self, state: Option<i64>, now: i64) -> Option<u32> {
        let used = state.unwrap_or(now).max(now).saturating_sub(now);
        let left = self.span().saturating_sub(used).max(0) / self.interval;
        (!self.is_off()).then(|| u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// Microseconds in which an empty bucket fills.
    pub const fn span(&self) -> i64 {
        (self.capacity as i64).saturating_mul(self.interval)
    }
}

/// A number of microseconds as a time that `Retry-After` can say.
pub(crate) fn retry_after(microseconds: i64) -> Duration {
    Duration::from_secs(whole_seconds(Duration::from_micros(u64::try_from(microseconds).unwrap_or_default())))
}

/// A time as `Retry-After` says it: in whole seconds, rounded up, at least one.
pub(crate) const fn whole_seconds(time: Duration) -> u64 {
    let seconds = time.as_secs() + (time.subsec_nanos() > 0) as u64;
    if seconds == 0 { 1 } else { seconds }
}

/// A client address as the key of its limits. An IPv6 client owns its whole /64, so that is one address here; requests
/// whose address is unknown share one key.
pub(crate) fn address_key(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_bucket_admits_its_capacity_and_then_one_per_interval() {
        let bucket = Bucket::per_minute(20);
        let mut state = None;
        for used in 0..20 {
            assert_eq!(bucket.available(state, 0), Some(20 - used));
            let Verdict::Admitted(next) = bucket.take(state, 0) else { panic!("take {used} was refused") };
            state = Some(next);
        }
        assert_eq!(bucket.available(state, 0), Some(0));
        assert_eq!(bucket.take(state, 0), Verdict::Refused(Duration::from_secs(3)));
        assert_eq!(bucket.take(state, 3 * SECOND - 1), Verdict::Refused(Duration::from_secs(1)));
        assert_eq!(bucket.take(state, 3 * SECOND), Verdict::Admitted(63 * SECOND));
    }

    #[test]
    fn zero_turns_a_limit_off() {
        for bucket in [Bucket::new(0, 1, Duration::from_secs(1)), Bucket::new(10, 0, Duration::from_secs(1))] {
            assert!(bucket.is_off());
            assert_eq!(bucket.available(Some(i64::MAX), 0), None);
            assert!(matches!(bucket.take(Some(i64::MAX), 0), Verdict::Admitted(_)));
        }
    }

    #[test]
    fn a_time_to_wait_is_told_in_whole_seconds() {
        for (nanoseconds, expected) in [(0, 1), (1, 1), (1_000_000_000, 1), (1_000_000_001, 2)] {
            assert_eq!(whole_seconds(Duration::from_nanos(nanoseconds)), expected, "{nanoseconds}");
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_capacity_and_what_refilled(
            capacity in 1_u32..50,
            refill in 1_u32..50,
            period in 1_u64..100_000_000,
            steps in prop::collection::vec(-5_000_000_i64..20_000_000, 1..300),
        ) {
            let bucket = Bucket::new(capacity, refill, Duration::from_micros(period));
            let (mut now, mut earliest, mut latest) = (0_i64, i64::MAX, i64::MIN);
            let (mut state, mut admitted) = (None, 0_i64);
            for step in steps {
                now += step;
                (earliest, latest) = (earliest.min(now), latest.max(now));
                match bucket.take(state, now) {
                    Verdict::Admitted(next) => {
                        prop_assert!(state.is_none_or(|state| state < next));
                        state = Some(next);
                        admitted += 1;
                    }
                    Verdict::Refused(wait) => {
                        prop_assert!(wait >= Duration::from_secs(1));
                        prop_assert_eq!(bucket.available(state, now), Some(0));
                        let later = now + i64::try_from(wait.as_micros()).unwrap();
                        prop_assert!(matches!(bucket.take(state, later), Verdict::Admitted(_)));
                    }
                }
            }
            prop_assert!(admitted <= i64::from(capacity) + (latest - earliest) / bucket.interval());
        }

        #[test]
        fn no_numbers_overflow(
            capacity: u32, refill: u32, period in 0_u64..=u64::MAX, state: Option<i64>, now: i64,
        ) {
            let bucket = Bucket::new(capacity, refill, Duration::from_micros(period));
            bucket.take(state, now);
            bucket.available(state, now);
        }
    }
}
