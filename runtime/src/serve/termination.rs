//! SIGTERM as a descriptor that can be waited for beside others, without a race between the look and the wait.

use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Becomes readable, for good, when SIGTERM has come.
pub struct Termination {
    readable: OwnedFd,
}

impl Termination {
    /// Takes over SIGTERM for the rest of the process's life.
    pub fn watch() -> io::Result<Self> {
        let (readable, writable) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        signal_hook::low_level::pipe::register(signal_hook::consts::SIGTERM, writable)?;
        Ok(Self { readable })
    }
}

impl AsFd for Termination {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}
