//! The system's log, over its local socket and in the form that libc's `syslog` uses (RFC 3164 without the time, which
//! every daemon then takes from its own clock).

use super::Facility;
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

const SOCKET: &str = "/dev/log";

/// How long a line waits for a daemon whose queue is full before it is dropped: a stuck daemon slows a session and
/// does not stop it.
const WRITE_TIMEOUT: Duration = Duration::from_millis(250);

/// The system's log under one facility. Its socket is made once, because a confined process can make no other; after the
/// daemon was restarted the same one is connected again.
pub struct Syslog {
    facility: Facility,
    tag: String,
    path: PathBuf,
    connection: Mutex<Connection>,
}

struct Connection {
    /// `None` if there was none to be had; then lines are lost.
    socket: Option<UnixDatagram>,
    is_connected: bool,
}

impl Syslog {
    /// Never fails: the daemon may be away, and lines are then lost until it is back.
    pub fn connect(facility: Facility) -> Self {
        Self::connect_to(PathBuf::from(SOCKET), facility)
    }

    fn connect_to(path: PathBuf, facility: Facility) -> Self {
        let mut connection = Connection { socket: socket().ok(), is_connected: false };
        connection.connect(&path);
        let connection = Mutex::new(connection);
        Self { facility, tag: format!("strongroom[{}]", std::process::id()), path, connection }
    }

    fn send(&self, datagram: &[u8]) {
        let mut connection = self.lock();
        if !connection.send(datagram) {
            connection.connect(&self.path);
            connection.send(datagram);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn severe(&self, level: Level) -> Message<'_> {
        let priority = self.facility.number() * 8 + severity(level);
        Message { log: self, head: format!("<{priority}>{}: ", self.tag) }
    }
}

impl Connection {
    fn connect(&mut self, path: &Path) {
        self.is_connected = self.socket.as_ref().is_some_and(|socket| socket.connect(path).is_ok());
    }

    /// Whether the line was taken. A lost line is no reason to end a session, and there is nobody to tell.
    fn send(&mut self, datagram: &[u8]) -> bool {
        self.is_connected &= self.socket.as_ref().is_some_and(|socket| socket.send(datagram).is_ok());
        self.is_connected
    }
}

fn socket() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(WRITE_TIMEOUT))?;
    Ok(socket)
}

/// RFC 5424, section 6.2.1.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// One line on its way; `fmt` writes a whole line at once.
pub struct Message<'a> {
    log: &'a Syslog,
    head: String,
}

impl Write for Message<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut datagram = self.head.clone().into_bytes();
        datagram.extend_from_slice(line.trim_ascii_end());
        self.log.send(&datagram);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Syslog {
    type Writer = Message<'a>;

    fn make_writer(&'a self) -> Message<'a> {
        self.severe(Level::INFO)
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Message<'a> {
        self.severe(*metadata.level())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn lines_survive_a_restart_of_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = Syslog::connect_to(path.clone(), "AUTHPRIV".parse().unwrap());
        log.make_writer().write_all(b"lost\n").unwrap();

        let daemon = UnixDatagram::bind(&path).unwrap();
        log.make_writer().write_all(b"alice -: one\n").unwrap();
        assert_eq!(received(&daemon), format!("<86>strongroom[{}]: alice -: one", std::process::id()));

        drop(daemon);
        std::fs::remove_file(&path).unwrap();
        let daemon = UnixDatagram::bind(&path).unwrap();
        log.severe(Level::ERROR).write_all(b"alice -: two\n").unwrap();
        assert_eq!(received(&daemon), format!("<83>strongroom[{}]: alice -: two", std::process::id()));
    }
}
