//! `wasi:sockets/types`: sockets that connect to granted destinations and carry bytes. They listen nowhere, and nothing of
//! the host's can be set or learned by them.

use super::bindings::types::{
    Duration, ErrorCode, Host, HostTcpSocket, HostTcpSocketWithStore, IpAddressFamily, IpSocketAddress,
};
use super::connection::Connection;
use super::streams::{Incoming, Outgoing};
use super::{Sockets, View};
use std::future::ready;
use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;
use wasmtime::component::{Access, Accessor, FutureReader, Resource, StreamReader};

/// A guest's socket. The system's socket is made when it connects.
pub struct TcpSocket {
    family: IpAddressFamily,
    stage: Stage,
}

enum Stage {
    New,
    /// Or has been, in vain.
    Connecting,
    Connected {
        connection: Arc<Connection>,
        address: SocketAddr,
        sends: bool,
        receives: bool,
    },
}

type Outcome<T> = wasmtime::Result<Result<T, ErrorCode>>;
type Socket = Resource<TcpSocket>;

impl Host for View<'_> {}

impl View<'_> {
    /// What is the system's own of a connection is no guest's.
    fn unsupported<T>(&self, socket: &Socket) -> Outcome<T> {
        self.table.get(socket)?;
        Ok(Err(ErrorCode::NotSupported))
    }

    /// A socket that is new is on its way from now on.
    fn begin(&mut self, socket: &Socket, address: SocketAddr) -> Outcome<Arc<super::Network>> {
        let socket = self.table.get_mut(socket)?;
        let is_family = match socket.family {
            IpAddressFamily::Ipv4 => address.is_ipv4(),
            // As WASI has it: no IPv4 by way of IPv6.
            IpAddressFamily::Ipv6 => address.is_ipv6() && address.ip().to_canonical().is_ipv6(),
        };
        if !is_family || address.port() == 0 || address.ip().is_unspecified() || address.ip().is_multicast() {
            return Ok(Err(ErrorCode::InvalidArgument));
        }
        if !matches!(socket.stage, Stage::New) {
            return Ok(Err(ErrorCode::InvalidState));
        }
        socket.stage = Stage::Connecting;
        Ok(Ok(Arc::clone(self.network)))
    }
}

impl<T: Send> HostTcpSocketWithStore<T> for Sockets {
    async fn connect(store: &Accessor<T, Self>, socket: Socket, remote_address: IpSocketAddress) -> Outcome<()> {
        let address = SocketAddr::from(remote_address);
        let network = match store.with(|mut view| view.get().begin(&socket, address))? {
            Ok(network) => network,
            Err(code) => return Ok(Err(code)),
        };
        let connection = match network.connect(address).await {
            Ok(connection) => Arc::new(connection),
            Err(error) => return Ok(Err(error.into())),
        };
        store.with(|mut view| {
            let socket = view.get().table.get_mut(&socket)?;
            socket.stage = Stage::Connected { connection, address, sends: false, receives: false };
            Ok(Ok(()))
        })
    }

    fn listen(mut store: Access<'_, T, Self>, socket: Socket) -> Outcome<StreamReader<Socket>> {
        let view = store.get();
        view.network.refused(&"listening cannot be granted");
        view.table.get(&socket)?;
        Ok(Err(ErrorCode::AccessDenied))
    }

    fn send(
        mut store: Access<'_, T, Self>,
        socket: Socket,
        mut data: StreamReader<u8>,
    ) -> wasmtime::Result<FutureReader<Result<(), ErrorCode>>> {
        match &mut store.get().table.get_mut(&socket)?.stage {
            Stage::Connected { connection, sends, .. } if !*sends => {
                *sends = true;
                let sender = connection.sender();
                let (ended, end) = oneshot::channel();
                data.pipe(&mut store, Outgoing::new(sender, ended))?;
                FutureReader::new(&mut store, end)
            }
            _ => {
                data.close(&mut store)?;
                FutureReader::new(&mut store, ready(invalid_state()))
            }
        }
    }

    fn receive(
        mut store: Access<'_, T, Self>,
        socket: Socket,
    ) -> wasmtime::Result<(StreamReader<u8>, FutureReader<Result<(), ErrorCode>>)> {
        match &mut store.get().table.get_mut(&socket)?.stage {
            Stage::Connected { connection, receives, .. } if !*receives => {
                *receives = true;
                let receiver = connection.receiver();
                let (ended, end) = oneshot::channel();
                let stream = StreamReader::new(&mut store, Incoming::new(receiver, ended))?;
                Ok((stream, FutureReader::new(&mut store, end)?))
            }
            _ => {
                let end = FutureReader::new(&mut store, ready(invalid_state()))?;
                Ok((StreamReader::new(&mut store, iter::empty())?, end))
            }
        }
    }
}

fn invalid_state() -> Outcome<()> {
    Ok(Err(ErrorCode::InvalidState))
}

impl HostTcpSocket for View<'_> {
    fn create(&mut self, family: IpAddressFamily) -> Outcome<Socket> {
        if !self.network.is_granted() {
            self.network.refused(&"no destination was granted (--connect HOST:PORT)");
            return Ok(Err(ErrorCode::AccessDenied));
        }
        Ok(Ok(self.table.push(TcpSocket { family, stage: Stage::New })?))
    }

    fn bind(&mut self, socket: Socket, _local_address: IpSocketAddress) -> Outcome<()> {
        self.table.get(&socket)?;
        self.network.refused(&"binding a socket cannot be granted");
        Ok(Err(ErrorCode::AccessDenied))
    }

    fn get_remote_address(&mut self, socket: Socket) -> Outcome<IpSocketAddress> {
        match &self.table.get(&socket)?.stage {
            Stage::Connected { address, .. } => Ok(Ok((*address).into())),
            Stage::New | Stage::Connecting => Ok(Err(ErrorCode::InvalidState)),
        }
    }

    fn get_is_listening(&mut self, socket: Socket) -> wasmtime::Result<bool> {
        self.table.get(&socket)?;
        Ok(false)
    }

    fn get_address_family(&mut self, socket: Socket) -> wasmtime::Result<IpAddressFamily> {
        Ok(self.table.get(&socket)?.family)
    }

    fn get_local_address(&mut self, socket: Socket) -> Outcome<IpSocketAddress> {
        self.unsupported(&socket)
    }

    fn set_listen_backlog_size(&mut self, socket: Socket, _value: u64) -> Outcome<()> {
        self.unsupported(&socket)
    }

    fn get_keep_alive_enabled(&mut self, socket: Socket) -> Outcome<bool> {
        self.unsupported(&socket)
    }

    fn set_keep_alive_enabled(&mut self, socket: Socket, _value: bool) -> Outcome<()> {
        self.unsupported(&socket)
    }

    fn get_keep_alive_idle_time(&mut self, socket: Socket) -> Outcome<Duration> {
        self.unsupported(&socket)
    }

    fn set_keep_alive_idle_time(&mut self, socket: Socket, _value: Duration) -> Outcome<()> {
        self.unsupported(&socket)
    }

    fn get_keep_alive_interval(&mut self, socket: Socket) -> Outcome<Duration> {
        self.unsupported(&socket)
    }

    fn set_keep_alive_interval(&mut self, socket: Socket, _value: Duration) -> Outcome<()> {
        self.unsupported(&socket)
    }

    fn get_keep_alive_count(&mut self, socket: Socket) -> Outcome<u32> {
        self.unsupported(&socket)
    }

    fn set_keep_alive_count(&mut self, socket: Socket, _value: u32) -> Outcome<()> {
        self.unsupported(&socket)
    }

    fn get_hop_limit(&mut self, socket: Socket) -> Outcome<u8> {
        self.unsupported(&socket)
    }

    fn set_hop_limit(&mut self, socket: Socket, _value: u8) -> Outcome<()> {
        self.unsupported(&socket)
    }

    fn get_receive_buffer_size(&mut self, socket: Socket) -> Outcome<u64> {
        self.unsupported(&socket)
    }

    fn set_receive_buffer_size(&mut self, socket: Socket, _value: u64) -> Outcome<()> {
        self.unsupported(&socket)
    }

    fn get_send_buffer_size(&mut self, socket: Socket) -> Outcome<u64> {
        self.unsupported(&socket)
    }

    fn set_send_buffer_size(&mut self, socket: Socket, _value: u64) -> Outcome<()> {
        self.unsupported(&socket)
    }

    fn drop(&mut self, socket: Socket) -> wasmtime::Result<()> {
        self.table.delete(socket)?;
        Ok(())
    }
}
