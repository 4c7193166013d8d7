//! One TCP connection: counted, told to the log, and with an end to every wait.

use super::usage::{Permit, TooMany, Usage};
use rustix::net::{Shutdown, shutdown};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// An open connection. Both directions share it; the log is told when neither is left.
pub struct Connection {
    stream: TcpStream,
    /// The destination as it was granted, and the address.
    name: String,
    usage: Arc<Usage>,
    wait: Duration,
    opened: Instant,
    /// When something was sent last, in milliseconds since `opened`.
    last_sent_ms: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    _permit: Permit,
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("not granted")]
    Denied,
    #[error(transparent)]
    TooMany(TooMany),
    #[error("no answer in time")]
    Timeout,
    #[error(transparent)]
    Failed(io::Error),
}

/// Why a direction of a connection ended.
#[derive(Debug, Error)]
pub enum TransferError {
    #[error("no progress in time")]
    Timeout,
    #[error("too many bytes in one session (limit --max-traffic)")]
    TooMuch,
    #[error(transparent)]
    Failed(io::Error),
}

/// The direction away from the guest; dropped, it ends.
pub struct Sender {
    connection: Arc<Connection>,
    timer: Timer,
}

/// The direction to the guest.
pub struct Receiver {
    connection: Arc<Connection>,
    timer: Timer,
}

impl Connection {
    pub(super) async fn open(
        destination: &str,
        address: SocketAddr,
        permit: Permit,
        usage: &Arc<Usage>,
        wait: Duration,
    ) -> Result<Self, ConnectError> {
        let name = format!("{destination} ({})", address.ip());
        let opening = async {
            let stream = TcpStream::connect(address).await?;
            // What a guest writes is whole messages; nobody is to wait for more.
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = match timeout(wait, opening).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::warn!("network: no connection to {name}: {error}");
                return Err(ConnectError::Failed(error));
            }
            Err(_) => {
                tracing::warn!("network: no connection to {name} in time (limit --network-timeout)");
                return Err(ConnectError::Timeout);
            }
        };
        tracing::info!("network: connected to {name}");
        Ok(Self {
            stream,
            name,
            usage: Arc::clone(usage),
            wait,
            opened: Instant::now(),
            last_sent_ms: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            _permit: permit,
        })
    }

    /// Its two directions, of which each can be had once.
    pub fn sender(self: &Arc<Self>) -> Sender {
        Sender { connection: Arc::clone(self), timer: Timer::default() }
    }

    pub fn receiver(self: &Arc<Self>) -> Receiver {
        Receiver { connection: Arc::clone(self), timer: Timer::default() }
    }

    /// How much of a buffer may be used.
    fn room(&self, wanted: usize) -> Result<usize, TransferError> {
        match self.usage.bytes_left(wanted) {
            0 => {
                self.usage.refused(|| tracing::warn!("network: {}: {}", self.name, TransferError::TooMuch));
                Err(TransferError::TooMuch)
            }
            room => Ok(room),
        }
    }

    fn timed_out(&self, what: &str) -> TransferError {
        tracing::warn!("network: {what} {} for {:?} (limit --network-timeout)", self.name, self.wait);
        TransferError::Timeout
    }

    fn note_sent(&self, count: usize) {
        self.usage.add_bytes(count);
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
        let elapsed_ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_sent_ms.store(elapsed_ms, Ordering::Relaxed);
    }

    fn last_sent(&self) -> Instant {
        self.opened + Duration::from_millis(self.last_sent_ms.load(Ordering::Relaxed))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (sent, received) = (self.sent.load(Ordering::Relaxed), self.received.load(Ordering::Relaxed));
        tracing::info!("network: closed {} bytes sent {sent} received {received}", self.name);
    }
}

impl Sender {
    /// Whether anything can be sent; an error is seen by sending.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.connection.stream.poll_write_ready(context) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => self.wait(context).map(drop),
        }
    }

    /// Sends the beginning of `bytes`, which are not empty.
    pub fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, TransferError>> {
        let room = self.connection.room(bytes.len())?;
        let bytes = bytes.get(..room).unwrap_or(bytes);
        loop {
            match self.connection.stream.try_write(bytes) {
                Ok(count) => {
                    self.timer.stop();
                    self.connection.note_sent(count);
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(TransferError::Failed(error))),
            }
            match self.connection.stream.poll_write_ready(context) {
                Poll::Ready(ready) => ready.map_err(TransferError::Failed)?,
                Poll::Pending => return self.wait(context).map(Err),
            }
        }
    }

    /// The guest does not wait any more.
    pub fn stop_waiting(&mut self) {
        self.timer.stop();
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<TransferError> {
        let connection = &self.connection;
        ready!(self.timer.poll(context, connection.wait, || None));
        Poll::Ready(connection.timed_out("nothing can be sent to"))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // A connection that is broken has nobody to tell.
        let _ = shutdown(&self.connection.stream, Shutdown::Write);
    }
}

impl Receiver {
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.connection.stream.poll_read_ready(context) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => self.wait(context).map(drop),
        }
    }

    /// Receives what is there; 0 is the end.
    pub fn poll_receive(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, TransferError>> {
        let room = self.connection.room(buffer.len())?;
        let Some(buffer) = buffer.get_mut(..room) else { return Poll::Ready(Ok(0)) };
        loop {
            match self.connection.stream.try_read(buffer) {
                Ok(count) => {
                    self.timer.stop();
                    self.connection.usage.add_bytes(count);
                    self.connection.received.fetch_add(count as u64, Ordering::Relaxed);
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(TransferError::Failed(error))),
            }
            match self.connection.stream.poll_read_ready(context) {
                Poll::Ready(ready) => ready.map_err(TransferError::Failed)?,
                Poll::Pending => return self.wait(context).map(Err),
            }
        }
    }

    pub fn stop_waiting(&mut self) {
        self.timer.stop();
    }

    /// An answer is waited for from when the question was sent, though the guest may have begun to listen long before.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<TransferError> {
        let connection = &self.connection;
        ready!(self.timer.poll(context, connection.wait, || Some(connection.last_sent())));
        Poll::Ready(connection.timed_out("nothing came from"))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = shutdown(&self.connection.stream, Shutdown::Read);
    }
}

/// Runs while the guest waits.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready when `wait` has passed since the wait began, and since what happened last.
    fn poll(&mut self, context: &mut Context<'_>, wait: Duration, last: impl Fn() -> Option<Instant>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + wait)));
        loop {
            ready!(sleep.as_mut().poll(context));
            match last().map(|last| last + wait) {
                Some(later) if later > Instant::now() => sleep.as_mut().reset(later),
                _ => break,
            }
        }
        self.stop();
        Poll::Ready(())
    }

    fn stop(&mut self) {
        self.0 = None;
    }
}
