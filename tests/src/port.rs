//! Ports of the loopback for servers that have to be told theirs.

use crate::PATIENCE;
use crate::process::Process;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// A port that nobody has now; somebody else may take it before a server does.
///
/// Nothing listens on it meanwhile: a child of another thread has a copy of the socket until its exec, and a server would seem
/// to be there as long.
pub fn free() -> u16 {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).expect("a socket");
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = getsockname(&socket).expect("a bound socket");
    SocketAddrV4::try_from(address).expect("an address of the loopback").port()
}

/// Waits until somebody listens on `port`; false when `server` ended before or took too long.
pub fn is_served(port: u16, server: &mut Process) -> bool {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end && server.is_running() {
        if is_listening(port) {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

/// A connection that begins on the port that it goes to has met itself, and nobody listens.
fn is_listening(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .and_then(|stream| stream.local_addr())
        .is_ok_and(|own| own.port() != port)
}
