//! SIGTERM as a descriptor that can be waited for beside others, as the end of a socket's input, and as the end of
//! waiting for a socket's other side: all without a race between the look and the wait.

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
        signal_hook::low_level::pipe::register(signal_hook::consts::SIGTERM, writable)?;
        Ok(Self { readable, come: Arc::default() })
    }

    /// Whoever sleeps on the input of `socket` is to be woken, by an end of input.
    pub fn ends_input_of(&self, socket: OwnedFd) -> io::Result<()> {
        unchecked::end_input_at_sigterm(socket, Arc::clone(&self.come))
    }

    /// Whoever sleeps on sending to `socket`, whose file's flags are `flags`, is to be woken: from then on no call on it
    /// waits.
    pub fn ends_waits_for(&self, socket: OwnedFd, flags: OFlags) -> io::Result<()> {
        unchecked::forbid_waiting_at_sigterm(socket, flags)
    }

    /// Whether SIGTERM has come since the first [`Termination::ends_input_of`].
    pub fn has_come(&self) -> bool {
        self.come.load(Ordering::SeqCst)
    }
}

impl AsFd for Termination {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}
