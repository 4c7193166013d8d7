//! UDP, of which nothing can be granted: no socket is ever made.

use super::Sockets;
use super::View;
use super::bindings::types::{ErrorCode, HostUdpSocket, HostUdpSocketWithStore, IpAddressFamily, IpSocketAddress};
use wasmtime::component::{Accessor, Resource};

/// There is none.
pub enum UdpSocket {}

type Outcome<T> = wasmtime::Result<Result<T, ErrorCode>>;
type Socket = Resource<UdpSocket>;

impl View<'_> {
    /// A number that a guest made up.
    fn no_udp<T>(&self, socket: &Socket) -> wasmtime::Result<T> {
        match *self.table.get(socket)? {}
    }
}

impl<T: Send> HostUdpSocketWithStore<T> for Sockets {
    async fn send(
        store: &Accessor<T, Self>,
        socket: Socket,
        _data: Vec<u8>,
        _remote_address: Option<IpSocketAddress>,
    ) -> Outcome<()> {
        store.with(|mut view| view.get().no_udp(&socket))
    }

    async fn receive(store: &Accessor<T, Self>, socket: Socket) -> Outcome<(Vec<u8>, IpSocketAddress)> {
        store.with(|mut view| view.get().no_udp(&socket))
    }
}

impl HostUdpSocket for View<'_> {
    fn create(&mut self, _address_family: IpAddressFamily) -> Outcome<Socket> {
        self.network.refused(&"UDP cannot be granted");
        Ok(Err(ErrorCode::AccessDenied))
    }

    fn bind(&mut self, socket: Socket, _local_address: IpSocketAddress) -> Outcome<()> {
        self.no_udp(&socket)
    }

    fn connect(&mut self, socket: Socket, _remote_address: IpSocketAddress) -> Outcome<()> {
        self.no_udp(&socket)
    }

    fn disconnect(&mut self, socket: Socket) -> Outcome<()> {
        self.no_udp(&socket)
    }

    fn get_local_address(&mut self, socket: Socket) -> Outcome<IpSocketAddress> {
        self.no_udp(&socket)
    }

    fn get_remote_address(&mut self, socket: Socket) -> Outcome<IpSocketAddress> {
        self.no_udp(&socket)
    }

    fn get_address_family(&mut self, socket: Socket) -> wasmtime::Result<IpAddressFamily> {
        self.no_udp(&socket)
    }

    fn get_unicast_hop_limit(&mut self, socket: Socket) -> Outcome<u8> {
        self.no_udp(&socket)
    }

    fn set_unicast_hop_limit(&mut self, socket: Socket, _value: u8) -> Outcome<()> {
        self.no_udp(&socket)
    }

    fn get_receive_buffer_size(&mut self, socket: Socket) -> Outcome<u64> {
        self.no_udp(&socket)
    }

    fn set_receive_buffer_size(&mut self, socket: Socket, _value: u64) -> Outcome<()> {
        self.no_udp(&socket)
    }

    fn get_send_buffer_size(&mut self, socket: Socket) -> Outcome<u64> {
        self.no_udp(&socket)
    }

    fn set_send_buffer_size(&mut self, socket: Socket, _value: u64) -> Outcome<()> {
        self.no_udp(&socket)
    }

    fn drop(&mut self, socket: Socket) -> wasmtime::Result<()> {
        self.no_udp(&socket)
    }
}
