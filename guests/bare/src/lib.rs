//! What a guest without Rust's standard library needs beside its own code: an allocator, the function by which the
//! host places arguments in the guest's memory, and a panic that is told on stderr before it traps.
//!
//! The standard library for `wasm32-wasip2` imports the environment, stdin and terminals whether they are used or
//! not; a guest that is to import nothing but what it uses is `no_std` and says `use strongroom_bare as _;`.
//! On other targets, where the tests run, this crate is empty.

#![no_std]
#![cfg(target_arch = "wasm32")]

mod allocation;
mod panicking;

// Rust's code calls `memcmp` and its like, which for this target stand in WASI's libc; nothing else of it is linked.
#[link(name = "c")]
unsafe extern "C" {}
