//! SIGTERM as a descriptor that can be waited for beside others, and as the end of waiting for a socket's other side: both
//! without a race between the look and the wait.

use super::unchecked;
use rustix::fs::OFlags;
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Becomes readable, for good, when SIGTERM has come.
pub struct Termination {
    readable: OwnedFd,
    come: Arc<AtomicBool>,
}

impl Termination {
    /// Takes over SIGTERM for the rest of the process's life.
    pub fn watch() -> io::Result<Self> {
        let (readable, writable) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let come = Arc::default();
        signal_hook::low_level::pipe::register(signal_hook::consts::SIGTERM, writable)?;
        signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&come))?;
        Ok(Self { readable, come })
    }

    /// Whoever sleeps on sending to `socket`, whose file's flags are `flags`, is to be woken: from then on no call on it
    /// waits.
    pub fn ends_waits_for(&self, socket: OwnedFd, flags: OFlags) -> io::Result<()> {
        unchecked::forbid_waiting_at_sigterm(socket, flags)
    }

    /// Whether SIGTERM has come: found out without a system call.
    pub fn has_come(&self) -> bool {
        self.come.load(Ordering::Relaxed)
    }
}

impl AsFd for Termination {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}
