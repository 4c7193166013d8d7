//! Attacks on what everybody shares: time, memory, handles and the log.

use crate::HELLO;
use crate::answers::granted;
use crate::attack::Attack;
use crate::{HostileFile, Plan, wasi3};
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::mem::forget;
use std::rc::Rc;
use strongroom_bindings::posix;
use strongroom_bindings::storage::File;
use strongroom_bindings::types::{Error, OpenFlags};
use wasip2::clocks::monotonic_clock;
use wasip2::random::random::get_random_bytes;

pub(crate) fn spin() {
    while black_box(true) {}
}

pub(crate) fn spin_in_the_host() {
    while black_box(true) {
        black_box(get_random_bytes(1 << 15));
    }
}

pub(crate) fn block() {
    monotonic_clock::subscribe_duration(u64::MAX).block();
}

/// Lets every other call in meanwhile, and yet that one cannot come.
pub(crate) async fn wait_for(happened: &Cell<bool>) {
    while !happened.get() {
        wasi3::monotonic_clock::wait_for(1_000_000).await;
    }
}

pub(crate) fn grow_to_the_limit() {
    while core::arch::wasm32::memory_grow(0, 16) != usize::MAX {}
}

pub(crate) fn grow() {
    while black_box(true) {
        Vec::leak(black_box(vec![1u8; 1 << 20]));
    }
}

pub(crate) fn recurse() {
    #[expect(unconditional_recursion, reason = "this is the attack")]
    fn deeper(depth: u64) -> u64 {
        let frame = black_box([depth; 16]);
        deeper(depth + 1) + frame.iter().sum::<u64>()
    }
    black_box(deeper(0));
}

pub(crate) fn flood() {
    for line in 0..5_000 {
        eprintln!("{line:05} {}", "e".repeat(94));
        println!("{line:05} {}", "o".repeat(94));
    }
}

pub(crate) fn leak_descriptors() -> Result<(), Error> {
    let root = granted("/");
    loop {
        forget(posix::open_at(&root, "file", OpenFlags::READ, 0)?);
    }
}

pub(crate) fn leak_resources() {
    let plan = Rc::new(Plan { attack: Attack::Behave, settings: vec![], handed_over: RefCell::new(None) });
    loop {
        let is_closed = Rc::default();
        let file = HostileFile { plan: plan.clone(), bytes: HELLO.to_vec(), attacks: false, is_closed };
        forget(black_box(File::new(file)));
    }
}

pub(crate) fn leak_pollables() {
    loop {
        forget(black_box(monotonic_clock::subscribe_duration(u64::MAX)));
    }
}

/// The host gives less, which is all it must.
pub(crate) fn ask_for_too_much() -> Result<(), Error> {
    let flags = OpenFlags::READ | OpenFlags::WRITE;
    let file = posix::open_at(&granted("/"), "sparse", flags, 0)?;
    for _ in 0..10 {
        black_box(file.read(u64::MAX, 0)?);
        let input = file.read_via_stream(0)?;
        black_box(input.blocking_read(u64::MAX)).ok();
        black_box(input.read(u64::MAX)).ok();
        input.skip(u64::MAX).ok();
        input.blocking_skip(u64::MAX).ok();
        wasip2::cli::stdin::get_stdin().blocking_read(u64::MAX).ok();
    }
    Ok(())
}

pub(crate) fn ask_for_randomness() {
    black_box(get_random_bytes(u64::MAX));
}
