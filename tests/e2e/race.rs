//! Clients race with somebody who swaps what lies in the jail for what lies outside, as fast as the kernel does it. The
//! canary outside stays untouched and unread, whether paths are found by openat2(2) or by hand. Never as root.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "race/attempts.rs"]
mod attempts;
#[path = "race/yard.rs"]
mod yard;

use attempts::{Tally, attempt_everything};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use strongroom_tests::{Client, is_long, strongroom};
use yard::Yard;

/// The number of openat2(2), the same on every architecture.
const OPENAT2: i64 = 437;

/// One session each, with this setting of the jail.
const SESSIONS: [&str; 3] = ["native=yes", "native=no", "native=yes"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kernel {
    /// As it is.
    Present,
    /// As one from before 5.6: no openat2(2), for whoever the calling thread starts.
    WithoutOpenat2,
}

#[test]
fn a_race_for_the_canary_by_openat2_is_lost() {
    race(Kernel::Present);
}

#[test]
fn a_race_for_the_canary_by_hand_is_lost() {
    race(Kernel::WithoutOpenat2);
}

fn race(kernel: Kernel) {
    let yard = Yard::new();
    let watch = yard.watch();
    let end = Instant::now() + Duration::from_secs(if is_long() { 600 } else { 10 });
    let stop = AtomicBool::new(false);
    let swaps = AtomicU64::new(0);
    let tally = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                swaps.fetch_add(yard.swap(), Ordering::Relaxed);
            }
        });
        let sessions: Vec<_> = SESSIONS
            .into_iter()
            .enumerate()
            .map(|(number, setting)| {
                let yard = &yard;
                scope.spawn(move || session(yard, kernel, number, setting, end))
            })
            .collect();
        let outcomes: Vec<_> = sessions.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Before a failed session is told of, or the one who swaps would go on for ever.
        stop.store(true, Ordering::Relaxed);
        outcomes.into_iter().fold(Tally::default(), |sum, tally| sum.plus(&tally.expect("a session failed")))
    });
    let touched = watch.events();
    let swaps = swaps.into_inner();
    println!("noted: race, openat2 {kernel:?}: {swaps} swaps, {tally}");
    assert_eq!(touched, Vec::<String>::new(), "the canary was touched");
    yard.assert_untouched();
    tally.assert_that_swaps_were_met();
    assert!(swaps > 1000, "{swaps} swaps are no race");
}

/// Attempts until the time is over.
fn session(yard: &Yard, kernel: Kernel, number: usize, setting: &str, end: Instant) -> Tally {
    if kernel == Kernel::WithoutOpenat2 {
        forbid_openat2();
    }
    let mut client = strongroom!(yard.place, "jail", yard.jail(), "--set", setting, "--no-os-sandbox").connect();
    assert_eq!(is_filtered(&mut client), kernel == Kernel::WithoutOpenat2);
    let mut tally = Tally::default();
    while Instant::now() < end {
        attempt_everything(&mut client, number, &mut tally);
    }
    let (status, errors) = client.finish();
    assert!(status.success(), "{status}: {errors}");
    tally
}

/// Takes openat2(2) from this thread and from what it starts.
fn forbid_openat2() {
    let architecture = std::env::consts::ARCH.try_into().expect("seccomp filters are known for this architecture");
    let rules = [(OPENAT2, Vec::new())].into();
    let missing = SeccompAction::Errno(Errno::NOSYS.raw_os_error().unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, missing, architecture).unwrap();
    apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
    let opened = openat2(CWD, ".", OFlags::PATH, Mode::empty(), ResolveFlags::empty());
    assert_eq!(opened.err(), Some(Errno::NOSYS));
}

/// Whether the server itself runs without openat2(2).
fn is_filtered(client: &mut Client) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", client.process().id())).unwrap();
    status.lines().any(|line| line == "Seccomp:\t2")
}
