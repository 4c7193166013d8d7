//! Watches a running instance from outside its event loop: deadlines of the calls in flight, the CPU time between
//! two returns, and whether the instance has nothing to do but wait.
//!
//! Deadlines cannot live inside `run_concurrent`: a guest that blocks in an import of WASI 0.2 holds the store, and
//! nothing inside is polled meanwhile.

use super::fault::{CpuTimeExceeded, Fault};
use super::limits::Limits;
use nix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The values of `Watch::running`.
const HOST: u8 = 0;
const LETS_RUN: u8 = 1;
const WAITING: u8 = 2;

pub struct Watch {
    /// Grows at each return to the host's event loop.
    turn: AtomicU64,
    /// Whether the host's loop lets the instance run until it can only wait, and whether it has come to that.
    running: AtomicU8,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    slots: Vec<Option<WatchedCall>>,
    free: Vec<usize>,
}

struct WatchedCall {
    operation: &'static str,
    limit: TimeLimit,
    /// Set when the event loop first waits with this call in flight, so that a call that returns at once costs no
    /// look at the clock.
    deadline: Option<Instant>,
}

/// How long a call may take, and the flag that says so.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    pub duration: Duration,
    pub flag: &'static str,
}

impl TimeLimit {
    pub fn call(limits: &Limits) -> Self {
        Self { duration: limits.call_timeout, flag: "--call-timeout" }
    }

    pub fn close(limits: &Limits) -> Self {
        Self { duration: limits.close_timeout, flag: "--close-timeout" }
    }
}

impl Watch {
    pub fn new() -> Self {
        Self { turn: AtomicU64::new(0), running: AtomicU8::new(HOST), calls: Mutex::new(Calls::default()) }
    }

    /// Notes that control is with the host.
    pub fn turn(&self) {
        self.turn.fetch_add(1, Ordering::Relaxed);
    }

    fn current_turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    /// The host's loop wants to hear when the instance can do nothing but wait.
    pub fn let_run(&self) {
        self.running.store(LETS_RUN, Ordering::Relaxed);
    }

    /// The instance can do nothing but wait; true if the host's loop asked to hear of it.
    pub fn note_waiting(&self) -> bool {
        self.running.compare_exchange(LETS_RUN, WAITING, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// True once after [`Watch::let_run`] and [`Watch::note_waiting`].
    pub fn is_waiting(&self) -> bool {
        self.running.compare_exchange(WAITING, HOST, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Watches one call until the guard is dropped.
    pub fn begin<'a>(&'a self, operation: &'static str, limit: TimeLimit) -> WatchGuard<'a> {
        let call = Some(WatchedCall { operation, limit, deadline: None });
        let mut calls = self.lock();
        let slot = match calls.free.pop() {
            Some(slot) => {
                if let Some(entry) = calls.slots.get_mut(slot) {
                    *entry = call;
                }
                slot
            }
            None => {
                calls.slots.push(call);
                calls.slots.len() - 1
            }
        };
        WatchGuard { watch: self, slot }
    }

    /// When the first of the calls in flight is overdue; `None` while none is in flight.
    pub fn next_deadline(&self) -> Option<Instant> {
        let mut calls = self.lock();
        if calls.free.len() == calls.slots.len() {
            return None;
        }
        let now = Instant::now();
        calls
            .slots
            .iter_mut()
            .flatten()
            .map(|call| *call.deadline.get_or_insert_with(|| now + call.limit.duration))
            .min()
    }

    /// The fault of a call that is overdue now.
    pub fn overdue(&self) -> Option<Fault> {
        let now = Instant::now();
        let calls = self.lock();
        let call = calls.slots.iter().flatten().find(|call| call.deadline.is_some_and(|deadline| deadline <= now))?;
        Some(Fault::TimedOut {
            operation: call.operation,
            limit_ms: call.limit.duration.as_millis(),
            flag: call.limit.flag,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct WatchGuard<'a> {
    watch: &'a Watch,
    slot: usize,
}

impl Drop for WatchGuard<'_> {
    fn drop(&mut self) {
        let mut calls = self.watch.lock();
        if let Some(entry) = calls.slots.get_mut(self.slot) {
            *entry = None;
            calls.free.push(self.slot);
        }
    }
}

/// Counts the CPU time of a guest that keeps running, once an epoch.
pub struct CpuMeter {
    limit: Duration,
    turn: u64,
    started: Duration,
}

impl CpuMeter {
    pub fn new(limit: Duration) -> Self {
        Self { limit, turn: u64::MAX, started: Duration::ZERO }
    }

    /// Called at the end of an epoch in which the guest ran. The first call in a turn only takes the time.
    pub fn check(&mut self, watch: &Watch) -> Result<(), CpuTimeExceeded> {
        let now = thread_cpu_time();
        let turn = watch.current_turn();
        if turn != self.turn {
            self.turn = turn;
            self.started = now;
        }
        if now.saturating_sub(self.started) > self.limit {
            return Err(CpuTimeExceeded { limit_ms: self.limit.as_millis() });
        }
        Ok(())
    }
}

/// By libc: rustix looks for the vdso itself, and faults under valgrind, which hides it.
fn thread_cpu_time() -> Duration {
    // The kernel knows no error for the caller's own thread.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
