//! Advances the engine's epoch while guests run. It is a thread of the operating system and not a task, because a
//! task would starve when every core runs guest code. It sleeps for good while no guest runs, so that an idle session
//! costs no wake-ups.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;
use wasmtime::EngineWeak;

/// The length of an epoch, and so the grain of the CPU limit.
pub const EPOCH: Duration = Duration::from_millis(10);

/// Epochs without any guest running after which the thread goes to sleep.
const IDLE_EPOCHS: u32 = 20;

pub struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
    handle: Option<JoinHandle<()>>,
}

struct Shared {
    /// Grows whenever a guest is about to run.
    activity: AtomicU64,
    asleep: AtomicBool,
    stop: AtomicBool,
}

impl Ticker {
    pub fn start(engine: &wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            activity: AtomicU64::new(0),
            asleep: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let engine = engine.weak();
        let handle = {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name("epoch".to_owned())
                .stack_size(64 << 10)
                .spawn(move || tick(&engine, &shared))?
        };
        Ok(Self { shared, thread: handle.thread().clone(), handle: Some(handle) })
    }

    /// To be called before guest code runs, and again in each epoch in which it has not returned: the thread would fall
    /// asleep over a guest that runs on. Costs an addition unless the thread sleeps.
    pub fn wake(&self) {
        self.shared.activity.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.thread.unpark();
        if let Some(handle) = self.handle.take() {
            // The thread cannot panic; if it did, there is nobody left to tell.
            let _ = handle.join();
        }
    }
}

fn tick(engine: &EngineWeak, shared: &Shared) {
    let mut seen = 0;
    let mut idle_epochs = 0;
    while !shared.stop.load(Ordering::SeqCst) {
        if idle_epochs < IDLE_EPOCHS {
            thread::park_timeout(EPOCH);
        } else {
            sleep_until_woken(shared, seen);
        }
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
        let activity = shared.activity.load(Ordering::SeqCst);
        idle_epochs = if activity == seen { idle_epochs.saturating_add(1) } else { 0 };
        seen = activity;
    }
}

/// `asleep` is set before `activity` is looked at, and `wake` does the reverse, so that no wake-up is lost.
fn sleep_until_woken(shared: &Shared, seen: u64) {
    shared.asleep.store(true, Ordering::SeqCst);
    while shared.asleep.load(Ordering::SeqCst)
        && shared.activity.load(Ordering::SeqCst) == seen
        && !shared.stop.load(Ordering::SeqCst)
    {
        thread::park();
    }
    shared.asleep.store(false, Ordering::SeqCst);
}
