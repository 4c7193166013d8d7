//! Points in time.

use crate::types::Timestamp;

impl Timestamp {
    /// `seconds` after 1970-01-01T00:00:00Z, or before it.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanoseconds: 0 }
    }

    /// What the clock says: WASI's in a component, the system's in a test.
    pub fn now() -> Self {
        #[cfg(target_arch = "wasm32")]
        {
            let now = wasip2::clocks::wall_clock::now();
            Self { seconds: i64::try_from(now.seconds).unwrap_or(i64::MAX), nanoseconds: now.nanoseconds }
        }
        #[cfg(not(target_arch = "wasm32"))]
        std::time::SystemTime::now().into()
    }
}

#[cfg(any(feature = "std", not(target_arch = "wasm32")))]
impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => Self { seconds: whole(after.as_secs()), nanoseconds: after.subsec_nanos() },
            Err(error) => {
                let before = error.duration();
                match before.subsec_nanos() {
                    0 => Self::from_seconds(-whole(before.as_secs())),
                    nanoseconds => {
                        Self { seconds: -whole(before.as_secs()) - 1, nanoseconds: 1_000_000_000 - nanoseconds }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn nanoseconds_count_forward_before_1970_too() {
        assert_eq!(Timestamp::from(UNIX_EPOCH), Timestamp::from_seconds(0));
        assert_eq!(Timestamp::from(UNIX_EPOCH + Duration::new(7, 5)), Timestamp { seconds: 7, nanoseconds: 5 });
        assert_eq!(Timestamp::from(UNIX_EPOCH - Duration::new(7, 0)), Timestamp::from_seconds(-7));
        let before = Timestamp { seconds: -8, nanoseconds: 999_999_995 };
        assert_eq!(Timestamp::from(UNIX_EPOCH - Duration::new(7, 5)), before);
    }

    #[test]
    fn now_is_after_this_was_written() {
        assert!(Timestamp::now().seconds > 1_700_000_000);
    }
}
