//! What is done by WASI 0.2, of which nothing is to succeed.

use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

pub fn carry_out(words: &[&str]) -> Result<String, String> {
    let done = match words {
        ["resolve", name] => resolve(name),
        ["connect", port] => connect(port.parse().map_err(|_| "no port")?),
        ["udp"] => create_udp_socket(IpAddressFamily::Ipv4).map(drop),
        _ => return Err("no such command".to_owned()),
    };
    done.map(|()| "done".to_owned()).map_err(|code| code.name().to_owned())
}

fn resolve(name: &str) -> Result<(), ErrorCode> {
    let found = resolve_addresses(&instance_network(), name)?;
    loop {
        match found.resolve_next_address() {
            Err(ErrorCode::WouldBlock) => found.subscribe().block(),
            other => return other.map(drop),
        }
    }
}

fn connect(port: u16) -> Result<(), ErrorCode> {
    let socket = create_tcp_socket(IpAddressFamily::Ipv4)?;
    let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) });
    socket.start_connect(&instance_network(), address)?;
    loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            other => return other.map(drop),
        }
    }
}
