//! What is done by WASI 0.3.

use crate::bindings::wasi::sockets::ip_name_lookup::resolve_addresses;
use crate::bindings::wasi::sockets::types::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, TcpSocket, UdpSocket,
};
use crate::bindings::wit_stream;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wit_bindgen::{StreamReader, StreamResult, StreamWriter};

type Outcome = Result<String, String>;

/// More than TLS and its streams hold on the way.
const PIECE_BYTES: usize = 255 << 10;

pub async fn carry_out(words: &[&str]) -> Outcome {
    match words {
        ["resolve", name] => {
            let found = resolve(name).await?;
            Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
        ["connect", host, port] => {
            let socket = connect(host, port).await?;
            let peer = socket.get_remote_address().map_err(word)?;
            let peer = match peer {
                IpSocketAddress::Ipv4(peer) => peer.port,
                IpSocketAddress::Ipv6(peer) => peer.port,
            };
            Ok(format!("connected to port {peer}"))
        }
        ["echo", host, port, count] => echo_by(&connect(host, port).await?, count).await,
        ["send", host, port, count] => send(&connect(host, port).await?, count).await,
        ["read", host, port] => read_to_end(&connect(host, port).await?).await,
        ["hold", host, port, count] => hold(host, port, count).await,
        ["again", host, port, count] => again(host, port, count).await,
        ["mapped", port] => {
            let port = number(port)?;
            let address = (0, 0, 0, 0, 0, 0xffff, 0x7f00, 1);
            let address = IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 });
            let socket = TcpSocket::create(IpAddressFamily::Ipv6).map_err(word)?;
            socket.connect(address).await.map_err(word)?;
            Ok("connected".to_owned())
        }
        ["listen"] => {
            let socket = TcpSocket::create(IpAddressFamily::Ipv4).map_err(word)?;
            socket.listen().map_err(word)?;
            Ok("listening".to_owned())
        }
        ["bind"] => {
            let socket = TcpSocket::create(IpAddressFamily::Ipv4).map_err(word)?;
            let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 0, address: (127, 0, 0, 1) });
            socket.bind(address).map_err(word)?;
            Ok("bound".to_owned())
        }
        ["udp"] => UdpSocket::create(IpAddressFamily::Ipv4).map(|_| "created".to_owned()).map_err(word),
        ["twice", host, port] => {
            let socket = connect(host, port).await?;
            let (_stream, _end) = socket.receive();
            let (_, end) = socket.receive();
            let second = end.await;
            let again = socket.connect(socket_address("127.0.0.1".parse().unwrap(), number(port)?)).await;
            Ok(format!("{second:?} {again:?}"))
        }
        ["unconnected"] => {
            let socket = TcpSocket::create(IpAddressFamily::Ipv4).map_err(word)?;
            let (mut stream, end) = socket.receive();
            let (result, _) = stream.read(Vec::with_capacity(1)).await;
            Ok(format!("{result:?} {:?}", end.await))
        }
        ["options"] => {
            let socket = TcpSocket::create(IpAddressFamily::Ipv4).map_err(word)?;
            Ok(format!("{:?} {:?}", socket.set_keep_alive_enabled(true), socket.get_local_address().err()))
        }
        _ => Err("no such command".to_owned()),
    }
}

fn word(code: ErrorCode) -> String {
    format!("{code:?}")
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

async fn resolve(name: &str) -> Result<Vec<IpAddr>, String> {
    let found = resolve_addresses(name.to_owned()).await.map_err(|code| format!("{code:?}"))?;
    Ok(found.into_iter().map(ip).collect())
}

fn ip(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => Ipv6Addr::new(a, b, c, d, e, f, g, h).into(),
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

/// To an address without asking for it; to a name by the first of its addresses that answers.
pub async fn connect(host: &str, port: &str) -> Result<TcpSocket, String> {
    let port = number(port)?;
    let addresses = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => resolve(host).await?,
    };
    let mut last = "no address".to_owned();
    for address in addresses {
        let family = if address.is_ipv4() { IpAddressFamily::Ipv4 } else { IpAddressFamily::Ipv6 };
        let socket = TcpSocket::create(family).map_err(word)?;
        match socket.connect(socket_address(address, port)).await {
            Ok(()) => return Ok(socket),
            Err(code) => last = word(code),
        }
    }
    Err(last)
}

async fn echo_by(socket: &TcpSocket, count: &str) -> Outcome {
    let (writer, reader) = wit_stream::new();
    let sent = socket.send(reader);
    let (stream, end) = socket.receive();
    match echo(writer, stream, count).await {
        Ok(done) => sent.await.map_err(word).map(|()| done),
        Err(Broken::Sending(done)) => Err(format!("after {done} bytes: {:?}", sent.await)),
        Err(Broken::Receiving(done)) => Err(format!("after {done} bytes: {:?}", end.await)),
    }
}

/// Which direction ended too early, and after how many bytes.
pub enum Broken {
    Sending(usize),
    Receiving(usize),
}

/// Sends and takes back, piece by piece.
pub async fn echo(mut writer: StreamWriter<u8>, mut stream: StreamReader<u8>, count: &str) -> Result<String, Broken> {
    let count = count.parse().unwrap_or(0);
    let mut done = 0;
    while done < count {
        let piece = vec![b'x'; PIECE_BYTES.min(count - done)];
        let mut awaited = piece.len();
        if !writer.write_all(piece).await.is_empty() {
            return Err(Broken::Sending(done));
        }
        while awaited > 0 {
            let (result, bytes) = stream.read(Vec::with_capacity(awaited)).await;
            match result {
                StreamResult::Complete(_) => awaited -= bytes.len(),
                StreamResult::Dropped | StreamResult::Cancelled => return Err(Broken::Receiving(done)),
            }
        }
        done += PIECE_BYTES.min(count - done);
    }
    Ok(format!("echoed {done}"))
}

async fn send(socket: &TcpSocket, count: &str) -> Outcome {
    let count: usize = number(count)?;
    let (mut writer, reader) = wit_stream::new();
    let sent = socket.send(reader);
    let mut done = 0;
    while done < count {
        if !writer.write_all(vec![b'x'; PIECE_BYTES]).await.is_empty() {
            break;
        }
        done += PIECE_BYTES;
    }
    drop(writer);
    sent.await.map_err(word)?;
    Ok(format!("sent {done}"))
}

async fn read_to_end(socket: &TcpSocket) -> Outcome {
    let (mut stream, end) = socket.receive();
    let mut count = 0;
    loop {
        let (result, bytes) = stream.read(Vec::with_capacity(PIECE_BYTES)).await;
        count += bytes.len();
        if matches!(result, StreamResult::Dropped | StreamResult::Cancelled) {
            end.await.map_err(word)?;
            return Ok(format!("read {count}"));
        }
    }
}

/// Opens connections and keeps them.
async fn hold(host: &str, port: &str, count: &str) -> Outcome {
    let mut held = Vec::new();
    for _ in 0..number(count)? {
        match connect(host, port).await {
            Ok(socket) => held.push(socket),
            Err(error) => return Ok(format!("held {}, then {error}", held.len())),
        }
    }
    Ok(format!("held {}", held.len()))
}

/// Opens connections one after another.
async fn again(host: &str, port: &str, count: &str) -> Outcome {
    for index in 0..number(count)? {
        if let Err(error) = connect(host, port).await {
            return Ok(format!("connected {index} times, then {error}"));
        }
    }
    Ok(format!("connected {count} times"))
}
