//! stdin and stdout as a transport: the pipes or sockets that sshd or `sftp -D` gives.

use super::Transport;
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio_util::io::poll_read_buf;

/// The process's standard input and output. Both are put back as they were when it is dropped.
pub struct Stdio {
    input: Input,
    output: Output,
    _blocking_again: [Option<BlockingAgain>; 2],
}

/// A pipe or a socket waits in the event loop; a file or a terminal is always ready, and blocks.
enum Input {
    Pipe(pipe::Receiver),
    Socket(UnixStream),
    Blocking(OwnedFd),
}

enum Output {
    Pipe(pipe::Sender),
    Socket(UnixStream),
    Blocking(OwnedFd),
}

impl Stdio {
    /// Must be called inside a tokio runtime.
    pub fn take() -> io::Result<Self> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let blocking_again = [BlockingAgain::note(stdin.as_fd())?, BlockingAgain::note(stdout.as_fd())?];
        Ok(Self {
            input: Input::new(stdin.as_fd())?,
            output: Output::new(stdout.as_fd())?,
            _blocking_again: blocking_again,
        })
    }
}

impl Transport for Stdio {
    fn poll_receive(&mut self, context: &mut Context<'_>, buffer: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        match &mut self.input {
            Input::Pipe(pipe) => poll_read_buf(Pin::new(pipe), context, buffer),
            Input::Socket(socket) => poll_read_buf(Pin::new(socket), context, buffer),
            Input::Blocking(descriptor) => {
                Poll::Ready(retry(|| rustix::io::read(&*descriptor, rustix::buffer::spare_capacity(buffer))))
            }
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.output {
            Output::Pipe(pipe) => Pin::new(pipe).poll_write(context, bytes),
            Output::Socket(socket) => Pin::new(socket).poll_write(context, bytes),
            Output::Blocking(descriptor) => Poll::Ready(retry(|| rustix::io::write(&*descriptor, bytes))),
        }
    }
}

impl Input {
    fn new(descriptor: BorrowedFd<'_>) -> io::Result<Self> {
        let kind = kind(descriptor)?;
        let descriptor = descriptor.try_clone_to_owned()?;
        Ok(match kind {
            FileType::Fifo => Self::Pipe(pipe::Receiver::from_owned_fd(nonblocking(descriptor)?)?),
            FileType::Socket => Self::Socket(socket(descriptor)?),
            _ => Self::Blocking(descriptor),
        })
    }
}

impl Output {
    fn new(descriptor: BorrowedFd<'_>) -> io::Result<Self> {
        let kind = kind(descriptor)?;
        let descriptor = descriptor.try_clone_to_owned()?;
        Ok(match kind {
            FileType::Fifo => Self::Pipe(pipe::Sender::from_owned_fd(nonblocking(descriptor)?)?),
            FileType::Socket => Self::Socket(socket(descriptor)?),
            _ => Self::Blocking(descriptor),
        })
    }
}

fn kind(descriptor: BorrowedFd<'_>) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(descriptor)?.st_mode))
}

fn socket(descriptor: OwnedFd) -> io::Result<UnixStream> {
    UnixStream::from_std(StdUnixStream::from(nonblocking(descriptor)?))
}

fn nonblocking(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    let flags = rustix::fs::fcntl_getfl(&descriptor)?;
    rustix::fs::fcntl_setfl(&descriptor, flags | OFlags::NONBLOCK)?;
    Ok(descriptor)
}

/// O_NONBLOCK belongs to the open file, which the process that started this one may share: it is taken off again.
struct BlockingAgain {
    descriptor: OwnedFd,
    flags: OFlags,
}

impl BlockingAgain {
    /// `None` if it was set before.
    fn note(descriptor: BorrowedFd<'_>) -> io::Result<Option<Self>> {
        let flags = rustix::fs::fcntl_getfl(descriptor)?;
        if flags.contains(OFlags::NONBLOCK) {
            return Ok(None);
        }
        Ok(Some(Self { descriptor: descriptor.try_clone_to_owned()?, flags }))
    }
}

impl Drop for BlockingAgain {
    fn drop(&mut self) {
        // At the end of the process there is nobody left to tell.
        let _ = rustix::fs::fcntl_setfl(&self.descriptor, self.flags);
    }
}

fn retry(mut operation: impl FnMut() -> Result<usize, Errno>) -> io::Result<usize> {
    loop {
        match operation() {
            Err(Errno::INTR) => {}
            result => return result.map_err(io::Error::from),
        }
    }
}
