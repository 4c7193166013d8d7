//! Starts the resolver's process, asks it, and remembers its answers for a moment, so that no guest can flood a name
//! server.

use super::job::{Job, MAX_MESSAGE_BYTES, Question, Reply};
use super::{Resolve, ResolveError};
use crate::confine;
use crate::sandbox::network::destination::HostName;
use futures_util::future::{BoxFuture, FutureExt};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram as BlockingSocket;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::UnixDatagram;
use tokio::sync::Mutex;

/// How long an answer is good for; the system's resolver does not tell how long it really is.
const FRESH: Duration = Duration::from_secs(5);

/// A process that answers for the names that it was started with.
///
/// It needs no ending: it ends when the socket to it is closed, or is killed by the kernel when this process is gone.
pub struct Process {
    names: Vec<HostName>,
    /// Who asks waits for the one before.
    line: Mutex<Line>,
}

struct Line {
    socket: Socket,
    number: u32,
    answers: HashMap<usize, (Instant, Result<Vec<IpAddr>, ResolveError>)>,
}

enum Socket {
    /// Not yet known to an event loop, since there is none when the process is started.
    Started(Option<BlockingSocket>),
    Ready(UnixDatagram),
}

impl Process {
    /// To be called while programs can be started.
    pub fn start(names: Vec<HostName>, confinement: confine::Policy) -> io::Result<Self> {
        let job = Job { names: names.iter().map(|name| name.as_str().to_owned()).collect(), confinement };
        // Messages arrive whole, and an end is seen.
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Command::new("/proc/self/exe")
            .args(job.arguments())
            .env_clear()
            .current_dir("/")
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let line = Line { socket: Socket::new(ours)?, number: 0, answers: HashMap::new() };
        Ok(Self { names, line: Mutex::new(line) })
    }
}

impl Resolve for Process {
    fn resolve<'a>(&'a self, name: &'a HostName, wait: Duration) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        async move {
            let index = self.names.iter().position(|known| known == name).ok_or(ResolveError::Gone)?;
            let asking = async { self.line.lock().await.answer(index).await };
            tokio::time::timeout(wait, asking).await.unwrap_or(Err(ResolveError::Timeout))
        }
        .boxed()
    }
}

impl Line {
    async fn answer(&mut self, name: usize) -> Result<Vec<IpAddr>, ResolveError> {
        if let Some((asked, answer)) = self.answers.get(&name)
            && asked.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = self.ask(name).await;
        self.answers.insert(name, (Instant::now(), answer.clone()));
        answer
    }

    async fn ask(&mut self, name: usize) -> Result<Vec<IpAddr>, ResolveError> {
        self.number = self.number.wrapping_add(1);
        let question = Question { number: self.number, name: u32::try_from(name).unwrap_or(u32::MAX) };
        let gone = |_| ResolveError::Gone;
        let socket = self.socket.ready().map_err(gone)?;
        socket.send(&question.to_bytes()).await.map_err(gone)?;
        let mut buffer = [0; MAX_MESSAGE_BYTES];
        loop {
            let count = socket.recv(&mut buffer).await.map_err(gone)?;
            let reply = buffer.get(..count).and_then(Reply::from_bytes).ok_or(ResolveError::Gone)?;
            // Another is what somebody stopped waiting for.
            if reply.number == question.number {
                return reply.result.map_err(ResolveError::Failed);
            }
        }
    }
}

impl Socket {
    fn new(socket: OwnedFd) -> io::Result<Self> {
        let socket = BlockingSocket::from(socket);
        socket.set_nonblocking(true)?;
        Ok(Self::Started(Some(socket)))
    }

    fn ready(&mut self) -> io::Result<&UnixDatagram> {
        if let Self::Started(socket) = self {
            let socket = socket.take().ok_or(io::ErrorKind::NotConnected)?;
            *self = Self::Ready(UnixDatagram::from_std(socket)?);
        }
        match self {
            Self::Ready(socket) => Ok(socket),
            Self::Started(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}
