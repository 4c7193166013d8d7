//! What a session has taken of the network, over all instances of its guest, and how often it was refused.

use crate::sandbox::limits::NetworkLimits;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use thiserror::Error;

/// How many lines of the log a session's refusals may cost.
const MAX_REFUSALS_TOLD: u64 = 100;

/// Counts against the limits.
pub struct Usage {
    limits: NetworkLimits,
    open: AtomicUsize,
    secured: AtomicUsize,
    opened: AtomicU64,
    bytes: AtomicU64,
    refusals: AtomicU64,
}

/// One of those that there may be at once, until it is dropped.
pub struct Permit {
    usage: Arc<Usage>,
    count: fn(&Usage) -> &AtomicUsize,
}

/// Another connection would be one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TooMany {
    #[error("too many connections at once (limit --max-connections)")]
    AtOnce,
    #[error("too many connections in one session (limit --max-connects)")]
    InAll,
}

impl Usage {
    pub fn new(limits: NetworkLimits) -> Self {
        Self {
            limits,
            open: AtomicUsize::new(0),
            secured: AtomicUsize::new(0),
            opened: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
        }
    }

    /// Counts a connection that is about to be opened. One that then fails has been opened, too.
    pub fn open(self: &Arc<Self>) -> Result<Permit, TooMany> {
        let permit = self.one_more(|usage| &usage.open)?;
        if self.opened.fetch_add(1, Ordering::Relaxed) >= self.limits.connects {
            return Err(TooMany::InAll);
        }
        Ok(permit)
    }

    /// Counts a connection that is about to be secured, of which there may be as many.
    pub fn secure(self: &Arc<Self>) -> Result<Permit, TooMany> {
        self.one_more(|usage| &usage.secured)
    }

    fn one_more(self: &Arc<Self>, count: fn(&Usage) -> &AtomicUsize) -> Result<Permit, TooMany> {
        let permit = Permit { usage: Arc::clone(self), count };
        let before = count(self).fetch_add(1, Ordering::Relaxed);
        if before >= self.limits.connections { Err(TooMany::AtOnce) } else { Ok(permit) }
    }

    /// How many of `wanted` bytes may still be sent or received.
    pub fn bytes_left(&self, wanted: usize) -> usize {
        let left = self.limits.bytes.saturating_sub(self.bytes.load(Ordering::Relaxed));
        usize::try_from(left).unwrap_or(usize::MAX).min(wanted)
    }

    /// Counts bytes that were sent or received.
    pub fn add_bytes(&self, count: usize) {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Tells the log of a refusal, unless it has been told of very many.
    pub fn refused(&self, tell: impl FnOnce()) {
        match self.refusals.fetch_add(1, Ordering::Relaxed) {
            0..MAX_REFUSALS_TOLD => tell(),
            MAX_REFUSALS_TOLD => tracing::warn!("network: further refusals are not told"),
            _ => {}
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        (self.count)(&self.usage).fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn usage(connections: usize, connects: u64, bytes: u64) -> Arc<Usage> {
        Arc::new(Usage::new(NetworkLimits { connections, connects, bytes, wait: Duration::from_secs(1) }))
    }

    #[test]
    fn connections_at_once() {
        let usage = usage(2, 100, 0);
        let first = usage.open();
        let _second = usage.open();
        for _ in 0..3 {
            assert_eq!(usage.open().err(), Some(TooMany::AtOnce));
        }
        assert!(usage.secure().is_ok(), "counted apart");
        drop(first);
        assert!(usage.open().is_ok());
    }

    #[test]
    fn connections_in_all() {
        let usage = usage(2, 3, 0);
        for _ in 0..3 {
            assert!(usage.open().is_ok());
        }
        for _ in 0..3 {
            assert_eq!(usage.open().err(), Some(TooMany::InAll));
        }
    }

    #[test]
    fn bytes_of_both_directions() {
        let usage = usage(1, 1, 100);
        assert_eq!(usage.bytes_left(70), 70);
        usage.add_bytes(70);
        assert_eq!(usage.bytes_left(70), 30);
        usage.add_bytes(30);
        assert_eq!(usage.bytes_left(70), 0);
    }

    #[test]
    fn refusals_that_are_told_have_an_end() {
        let usage = usage(1, 1, 0);
        let mut told = 0;
        for _ in 0..1000 {
            usage.refused(|| told += 1);
        }
        assert_eq!(told, MAX_REFUSALS_TOLD);
    }
}
