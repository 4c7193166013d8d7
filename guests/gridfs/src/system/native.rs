//! Connections by the standard library, which block.

use super::{Broken, Endpoint};
use std::future::Future;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// As the host's, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is received at once.
const STEP: usize = 64 << 10;

/// Does the work at once.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    pollster::block_on(work);
}

/// There are no others.
pub async fn let_others_run() {}

/// Waits.
pub async fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// A connection to a server.
pub struct Stream(TcpStream);

impl Stream {
    /// Connects.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, Broken> {
        if endpoint.tls_name.is_some() {
            return Err(Broken::Ended("TLS is the host's, and here is none".to_owned()));
        }
        let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).map_err(broken)?;
        stream.set_nodelay(true).map_err(broken)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(broken)?;
        Ok(Self(stream))
    }

    /// Sends all of `bytes`.
    pub async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Broken> {
        self.0.write_all(&bytes).map_err(broken)
    }

    /// Fills some of the room that `buffer` has, which is some.
    pub async fn receive(&mut self, mut buffer: Vec<u8>) -> Result<Vec<u8>, Broken> {
        let mut piece = vec![0; STEP.min(buffer.capacity() - buffer.len())];
        let count = self.0.read(&mut piece).map_err(broken)?;
        if count == 0 {
            return Err(Broken::Ended("the server ended the connection".to_owned()));
        }
        buffer.extend_from_slice(piece.get(..count).unwrap_or_default());
        Ok(buffer)
    }
}

fn broken(error: io::Error) -> Broken {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Broken::TimedOut,
        _ => Broken::Ended(error.to_string()),
    }
}
