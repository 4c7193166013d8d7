//! The clocks that guests see: no finer than a storage needs, so that a guest cannot time its neighbours by them.

use std::time::{Duration, Instant, SystemTime};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// What both clocks count in.
const GRAIN: Duration = Duration::from_millis(1);

pub struct CoarseWallClock;

impl HostWallClock for CoarseWallClock {
    fn resolution(&self) -> Duration {
        GRAIN
    }

    fn now(&self) -> Duration {
        truncate(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }
}

pub struct CoarseMonotonicClock {
    start: Instant,
}

impl CoarseMonotonicClock {
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl HostMonotonicClock for CoarseMonotonicClock {
    fn resolution(&self) -> u64 {
        nanoseconds(GRAIN)
    }

    fn now(&self) -> u64 {
        nanoseconds(truncate(self.start.elapsed()))
    }
}

fn truncate(time: Duration) -> Duration {
    let milliseconds = time.as_millis();
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
