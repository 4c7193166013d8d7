//! The `unsafe` of serving: what a signal handler does.

#![allow(unsafe_code)]

use rustix::fs::{OFlags, fcntl_setfl};
use std::io;
use std::os::fd::OwnedFd;

/// Has SIGTERM make `socket`, whose file's flags are `flags`, one that nobody waits for. Who sleeps in send(2) meanwhile is
/// interrupted, and what is then tried again does not wait either.
pub fn forbid_waiting_at_sigterm(socket: OwnedFd, flags: OFlags) -> io::Result<()> {
    let action = move || {
        // The file is open, and nothing else can be wrong with it.
        let _ = fcntl_setfl(&socket, flags | OFlags::NONBLOCK);
    };
    // SAFETY: the action makes one system call, which is async-signal-safe. rustix makes it without libc, so errno stays
    // what it was. The descriptor is the action's own.
    unsafe { signal_hook::low_level::register(signal_hook::consts::SIGTERM, action) }?;
    Ok(())
}
