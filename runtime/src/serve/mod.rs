//! Transports that join a byte stream to a protocol session and a guest instance: stdin and stdout now, a channel of
//! an SSH listener next. No decision of the protocol is made here and no guest is trusted here; bytes, calls and
//! answers are carried, deadlines kept, and an instance that faulted is replaced.

mod driver;
mod launch;
mod names;
mod run;
mod session;
mod stdio;

pub use launch::Launch;
pub use names::HostNames;
pub use run::{Outcome, run};
pub use session::{End, ServeError, Service};
pub use stdio::Stdio;

use std::io;
use std::task::{Context, Poll};

/// A byte stream to a client.
pub trait Transport {
    /// Appends what has arrived to `buffer`, at most its spare capacity; 0 at the end of input.
    fn poll_receive(&mut self, context: &mut Context<'_>, buffer: &mut Vec<u8>) -> Poll<io::Result<usize>>;

    /// Sends the beginning of `bytes` and says how much that was.
    fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
}
