//! Connections by WASI 0.3's sockets and the host's TLS.

use super::{Broken, Endpoint};
use bindings::wasi::clocks0_3_0::monotonic_clock;
use bindings::wasi::sockets::ip_name_lookup::resolve_addresses;
use bindings::wasi::sockets::types::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, TcpSocket,
};
use bindings::wasi::tls::client::Connector;
use bindings::wit_stream;
use std::future::Future;
use std::net::IpAddr;
use wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter};

#[allow(missing_docs, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package strongroom:gridfs;

            world gridfs {
                import wasi:clocks/monotonic-clock@0.3.0;
                import wasi:sockets/types@0.3.0;
                import wasi:sockets/ip-name-lookup@0.3.0;
                import wasi:tls/client@0.3.0-draft;
            }
        ",
        path: ["../../wit", "../../runtime/wit"],
        generate_all,
    });
}

type End = FutureReader<Result<(), ErrorCode>>;

/// Starts work that goes on beside the call that starts it, and after it.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    drop(wit_bindgen::spawn_local(work));
}

/// Returns when every call that could go on has done so once.
pub async fn let_others_run() {
    wit_bindgen::yield_async().await;
}

/// Waits.
pub async fn pause(milliseconds: u64) {
    monotonic_clock::wait_for(milliseconds.saturating_mul(1_000_000)).await;
}

/// A connection to a server.
pub struct Stream {
    writer: StreamWriter<u8>,
    reader: StreamReader<u8>,
    /// What the directions ended with, until it was asked for.
    sent: Option<End>,
    received: Option<End>,
    _socket: TcpSocket,
}

impl Stream {
    /// Connects to the first of the host's addresses that answers.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, Broken> {
        let socket = connect_socket(endpoint).await?;
        let (incoming, received) = socket.receive();
        let (writer, outgoing) = wit_stream::new();
        let Some(name) = &endpoint.tls_name else {
            let sent = socket.send(outgoing);
            return Ok(Self { writer, reader: incoming, sent: Some(sent), received: Some(received), _socket: socket });
        };
        let connector = Connector::new();
        let (clear, _) = connector.receive(incoming);
        let (encrypted, _) = connector.send(outgoing);
        let sent = socket.send(encrypted);
        Connector::connect(connector, name.clone())
            .await
            .map_err(|error| Broken::Ended(format!("TLS failed: {}", error.to_debug_string())))?;
        Ok(Self { writer, reader: clear, sent: Some(sent), received: Some(received), _socket: socket })
    }

    /// Sends all of `bytes`.
    pub async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Broken> {
        if self.writer.write_all(bytes).await.is_empty() {
            return Ok(());
        }
        Err(ended(self.sent.take()).await)
    }

    /// Fills some of the room that `buffer` has, which is some.
    pub async fn receive(&mut self, buffer: Vec<u8>) -> Result<Vec<u8>, Broken> {
        let before = buffer.len();
        let (result, buffer) = self.reader.read(buffer).await;
        match result {
            StreamResult::Complete(_) => Ok(buffer),
            StreamResult::Dropped | StreamResult::Cancelled if buffer.len() > before => Ok(buffer),
            StreamResult::Dropped | StreamResult::Cancelled => Err(ended(self.received.take()).await),
        }
    }
}

async fn ended(end: Option<End>) -> Broken {
    let Some(end) = end else { return Broken::Ended("the connection has ended".to_owned()) };
    match end.await {
        Ok(()) => Broken::Ended("the server ended the connection".to_owned()),
        Err(code) => broken(code),
    }
}

fn broken(code: ErrorCode) -> Broken {
    match code {
        ErrorCode::Timeout => Broken::TimedOut,
        ErrorCode::Other(Some(reason)) => Broken::Ended(reason),
        code => Broken::Ended(format!("{code:?}")),
    }
}

async fn connect_socket(endpoint: &Endpoint) -> Result<TcpSocket, Broken> {
    let addresses = match endpoint.host.parse() {
        Ok(address) => vec![address],
        Err(_) => {
            let found = resolve_addresses(endpoint.host.clone()).await;
            let found = found.map_err(|code| Broken::Ended(format!("the name is not resolved: {code:?}")))?;
            found.into_iter().map(ip).collect()
        }
    };
    let mut last = Broken::Ended("the name has no address".to_owned());
    for address in addresses {
        let family = if address.is_ipv4() { IpAddressFamily::Ipv4 } else { IpAddressFamily::Ipv6 };
        let socket = TcpSocket::create(family).map_err(broken)?;
        match socket.connect(socket_address(address, endpoint.port)).await {
            Ok(()) => return Ok(socket),
            Err(code) => last = broken(code),
        }
    }
    Err(last)
}

fn ip(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => [a, b, c, d].into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => [a, b, c, d, e, f, g, h].into(),
    }
}

fn socket_address(address: IpAddr, port: u16) -> IpSocketAddress {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (a, b, c, d) })
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, h] = address.segments();
            let address = (a, b, c, d, e, f, g, h);
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
        }
    }
}
