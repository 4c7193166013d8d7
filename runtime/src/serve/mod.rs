//! Transports that join a byte stream to a protocol session and a guest instance: stdin and stdout now, a channel of
//! an SSH listener next. No decision of the protocol is made here and no guest is trusted here; bytes, calls and
//! answers are carried, deadlines kept, and an instance that faulted is replaced.

mod driver;
mod launch;
mod names;
mod prepared;
mod run;
mod session;
mod stdio;
mod termination;
mod unchecked;

pub use launch::Launch;
pub use names::HostNames;
pub use prepared::Prepared;
pub use run::{Outcome, run};
pub use session::{End, ServeError, Service};
pub use stdio::Stdio;

use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

/// A byte stream to a client, and the operator's wish to end it.
pub trait Transport {
    /// Appends what has arrived to `buffer`, at most its spare capacity. `Some(0)` at the end of input, `None` if
    /// nothing is there now.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<usize>>;

    /// Sends the beginning of `bytes` and says how much that was; `None` if nothing can be taken now.
    fn send(&mut self, bytes: &[u8]) -> io::Result<Option<usize>>;

    /// The same, but asleep in the kernel until all is taken or the operator asks for an end, with nothing else to wait
    /// for. As [`Transport::send`] where that cannot be done.
    fn send_asleep(&mut self, bytes: &[u8]) -> io::Result<Option<usize>>;

    /// Whether the operator has asked for an end.
    fn is_terminated(&self) -> bool;

    /// Waits, beside other things, for what is wanted or for the operator's wish.
    fn poll_ready(&mut self, context: &mut Context<'_>, wanted: Wanted) -> Poll<io::Result<()>>;

    /// The same with nothing else to wait for, to `deadline` at the latest: a process that serves one client lets its
    /// thread sleep in the kernel. False where that must not be done.
    fn block_until_ready(&mut self, wanted: Wanted, deadline: Option<Instant>) -> io::Result<bool>;
}

/// What a wait is for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub receive: bool,
    pub send: bool,
}
