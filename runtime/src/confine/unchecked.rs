//! The one system call of this room that no safe library makes as it is needed here.

#![allow(unsafe_code)]

use libc::{SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_SET_MODE_FILTER, SYS_seccomp, sock_filter};
use std::io;

/// Whether the kernel logs what a filter refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusals {
    Logged,
    Silent,
}

/// Puts all threads of the process under `program`, for good.
pub(super) fn install(program: &[sock_filter], refusals: Refusals) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let filter = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    let log = match refusals {
        Refusals::Logged => SECCOMP_FILTER_FLAG_LOG,
        Refusals::Silent => 0,
    };
    let flags = SECCOMP_FILTER_FLAG_TSYNC | log;
    // SAFETY: `filter` points to `length` instructions that outlive the call; the kernel copies and checks them, and
    // writes to neither.
    match unsafe { libc::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &raw const filter) } {
        0 => Ok(()),
        // With TSYNC the id of a thread that could not follow.
        1.. => Err(io::Error::other("a thread has a filter of its own")),
        _ => Err(io::Error::last_os_error()),
    }
}
