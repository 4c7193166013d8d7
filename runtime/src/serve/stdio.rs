//! stdin and stdout as a transport: the pipes or sockets that sshd or `sftp -D` gives.
//!
//! Reads and writes are tried at once. A wait with nothing else to wait for sleeps in poll(2), or in send(2) on a socket, which
//! moves what can be moved in the same call; only beside a guest that waits itself is the event loop asked, and only then do the
//! descriptors enter it: an edge-triggered event for each reply that the client takes would cost more than the reply. So would
//! a sleep in recv(2) on a socket: the kernel ends it whenever the client takes a reply, and begins it anew.

use super::termination::Termination;
use super::{Transport, Wanted};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fstat};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::net::unix::pipe::{Receiver, Sender};

/// The process's standard input and output. Both are put back as they were when it is dropped.
pub struct Stdio {
    // Dropped in this order: where both are one file, the output was looked at when the input had changed it already.
    output: Stream,
    input: Stream,
    termination: Termination,
    terminated: bool,
    events: Option<Events>,
}

/// The descriptors in tokio's event loop. Nothing is read or written through these.
struct Events {
    input: Option<Receiver>,
    output: Option<Sender>,
    termination: Option<Receiver>,
}

impl Stdio {
    pub fn take(termination: Termination) -> io::Result<Self> {
        let input = Stream::new(io::stdin().as_fd())?;
        let output = Stream::new(io::stdout().as_fd())?;
        if let Stream::Socket(socket) = &output {
            termination.ends_waits_for(socket.descriptor.try_clone()?, socket.flags_before)?;
        }
        Ok(Self { input, output, termination, terminated: false, events: None })
    }

    /// poll(2). Gives whether anything that is wanted is ready, and takes note of SIGTERM.
    ///
    /// Only what is wanted is asked for: poll(2) tells of a hang-up whether it was asked or not.
    fn wait(&mut self, wanted: Wanted, timeout: Option<Timespec>) -> io::Result<bool> {
        let waits_for_end = !self.terminated;
        let mut descriptors = Vec::with_capacity(3);
        if waits_for_end {
            descriptors.push(PollFd::new(&self.termination, PollFlags::IN));
        }
        if wanted.receive {
            descriptors.push(PollFd::new(&self.input, PollFlags::IN));
        }
        if wanted.send {
            descriptors.push(PollFd::new(&self.output, PollFlags::OUT));
        }
        let ready = match poll(&mut descriptors, timeout.as_ref()) {
            Ok(ready) => ready,
            Err(Errno::INTR) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        };
        let ended = waits_for_end && descriptors.first().is_some_and(|termination| !termination.revents().is_empty());
        self.terminated |= ended;
        Ok(ready > 0)
    }
}

impl Transport for Stdio {
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<usize>> {
        self.input.read(buffer)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        self.output.write(bytes, SendFlags::DONTWAIT)
    }

    fn send_asleep(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        self.output.write(bytes, SendFlags::empty())
    }

    fn is_terminated(&self) -> bool {
        self.terminated || self.termination.has_come()
    }

    fn poll_ready(&mut self, context: &mut Context<'_>, wanted: Wanted) -> Poll<io::Result<()>> {
        loop {
            if self.wait(wanted, Some(Timespec::default()))? {
                return Poll::Ready(Ok(()));
            }
            let events = match &mut self.events {
                Some(events) => events,
                none => none.insert(Events::new(&self.input, &self.output, &self.termination)?),
            };
            // An event may be older than what poll(2) has just said: then it is used up and the next one waited for.
            if !events.poll_any(context, wanted, !self.terminated) {
                return Poll::Pending;
            }
        }
    }

    fn block_until_ready(&mut self, wanted: Wanted, deadline: Option<Instant>) -> io::Result<bool> {
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        self.wait(wanted, timeout)?;
        Ok(true)
    }
}

impl Events {
    fn new(input: &Stream, output: &Stream, termination: &Termination) -> io::Result<Self> {
        Ok(Self {
            input: unless_a_file(Receiver::from_owned_fd_unchecked(input.as_fd().try_clone_to_owned()?))?,
            output: unless_a_file(Sender::from_owned_fd_unchecked(output.as_fd().try_clone_to_owned()?))?,
            termination: unless_a_file(Receiver::from_owned_fd(termination.as_fd().try_clone_to_owned()?))?,
        })
    }

    /// Whether there was an event, which is used up.
    fn poll_any(&self, context: &mut Context<'_>, wanted: Wanted, waits_for_end: bool) -> bool {
        let used_up = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let mut any = false;
        for (receiver, is_wanted) in [(&self.termination, waits_for_end), (&self.input, wanted.receive)] {
            if let Some(receiver) = receiver.as_ref().filter(|_| is_wanted)
                && receiver.poll_read_ready(context).is_ready()
            {
                any |= receiver.try_io(used_up).is_err();
            }
        }
        if let Some(sender) = self.output.as_ref().filter(|_| wanted.send)
            && sender.poll_write_ready(context).is_ready()
        {
            any |= sender.try_io(used_up).is_err();
        }
        any
    }
}

/// A file has no events (EPERM) and needs none: poll(2) always finds it ready.
fn unless_a_file<T>(registered: io::Result<T>) -> io::Result<Option<T>> {
    match registered {
        Ok(registered) => Ok(Some(registered)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(error),
    }
}

enum Stream {
    /// Each call says by itself whether it may wait, until SIGTERM forbids it.
    Socket(Kept),
    /// A pipe or a file. No call waits.
    Other(Kept),
}

impl Stream {
    fn new(descriptor: BorrowedFd<'_>) -> io::Result<Self> {
        let kept = Kept::new(descriptor)?;
        Ok(match FileType::from_raw_mode(fstat(descriptor)?.st_mode) {
            FileType::Socket => Self::Socket(kept),
            _ => {
                rustix::fs::fcntl_setfl(descriptor, kept.flags_before | OFlags::NONBLOCK)?;
                Self::Other(kept)
            }
        })
    }

    fn read(&self, buffer: &mut Vec<u8>) -> io::Result<Option<usize>> {
        now(|| match self {
            Self::Socket(socket) => {
                let room = rustix::buffer::spare_capacity(buffer);
                recv(&socket.descriptor, room, RecvFlags::DONTWAIT).map(|(received, _)| received)
            }
            Self::Other(other) => rustix::io::read(&other.descriptor, rustix::buffer::spare_capacity(buffer)),
        })
    }

    fn write(&self, bytes: &[u8], flags: SendFlags) -> io::Result<Option<usize>> {
        now(|| match self {
            Self::Socket(socket) => send(&socket.descriptor, bytes, flags | SendFlags::NOSIGNAL),
            Self::Other(other) => rustix::io::write(&other.descriptor, bytes),
        })
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Socket(kept) | Self::Other(kept) => kept.descriptor.as_fd(),
        }
    }
}

/// A descriptor whose open file, which the process that started this one may share, is put back as it was: O_NONBLOCK
/// belongs to that file.
struct Kept {
    descriptor: OwnedFd,
    flags_before: OFlags,
}

impl Kept {
    fn new(descriptor: BorrowedFd<'_>) -> io::Result<Self> {
        let descriptor = descriptor.try_clone_to_owned()?;
        let flags_before = rustix::fs::fcntl_getfl(&descriptor)?;
        Ok(Self { descriptor, flags_before })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // At the end of the process there is nobody left to tell.
        let _ = rustix::fs::fcntl_setfl(&self.descriptor, self.flags_before);
    }
}

fn now(mut operation: impl FnMut() -> Result<usize, Errno>) -> io::Result<Option<usize>> {
    loop {
        match operation() {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
    }
}
