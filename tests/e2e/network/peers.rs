//! Whom guests connect to: they listen on the loopback, on free ports, for as long as the test goes on.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Somebody who listens and sends back what comes, until its connections end.
pub struct Echo(SocketAddr);

impl Echo {
    pub fn serve(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for connection in listener.incoming() {
                thread::spawn(move || send_back(connection.unwrap()));
            }
        });
        Self(address)
    }

    pub fn local() -> Self {
        Self::serve(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    pub fn port(&self) -> u16 {
        self.0.port()
    }
}

pub fn send_back(mut connection: impl Read + Write) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = connection.read(&mut buffer) {
        if connection.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
}

/// Somebody who never accepts: what is sent lies with the system.
pub fn deaf() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Somebody whose queue of those who want to connect is full.
pub struct Full {
    pub port: u16,
    _listener: std::os::fd::OwnedFd,
    _waiting: Vec<TcpStream>,
}

impl Full {
    pub fn new() -> Self {
        use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        listen(&listener, 0).unwrap();
        let address = SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
        let mut waiting = Vec::new();
        while let Ok(connection) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
            waiting.push(connection);
            assert!(waiting.len() < 100, "a queue of none is never full");
        }
        Self { port: address.port(), _listener: listener, _waiting: waiting }
    }
}
