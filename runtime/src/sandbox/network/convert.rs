//! Addresses and errors, between WASI's types and the system's.

use super::LookupError;
use super::bindings::ip_name_lookup;
use super::bindings::types::{ErrorCode, IpAddress, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress};
use super::connection::ConnectError;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

impl From<IpAddr> for IpAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::Ipv4(address.octets().into()),
            IpAddr::V6(address) => Self::Ipv6(address.segments().into()),
        }
    }
}

impl From<SocketAddr> for IpSocketAddress {
    fn from(address: SocketAddr) -> Self {
        let port = address.port();
        match address {
            SocketAddr::V4(address) => Self::Ipv4(Ipv4SocketAddress { port, address: address.ip().octets().into() }),
            SocketAddr::V6(address) => Self::Ipv6(Ipv6SocketAddress {
                port,
                flow_info: 0,
                address: address.ip().segments().into(),
                scope_id: 0,
            }),
        }
    }
}

/// Without the flow and the interface, which nobody was granted.
impl From<IpSocketAddress> for SocketAddr {
    fn from(address: IpSocketAddress) -> Self {
        match address {
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }) => {
                Self::from((Ipv4Addr::from(<[u8; 4]>::from(address)), port))
            }
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, address, .. }) => {
                Self::from((Ipv6Addr::from(<[u16; 8]>::from(address)), port))
            }
        }
    }
}

impl From<ConnectError> for ErrorCode {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Denied => Self::AccessDenied,
            ConnectError::TooMany(too_many) => Self::Other(Some(too_many.to_string())),
            ConnectError::Timeout => Self::Timeout,
            ConnectError::Failed(error) => (&error).into(),
        }
    }
}

impl From<&io::Error> for ErrorCode {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied => Self::AccessDenied,
            ErrorKind::TimedOut => Self::Timeout,
            ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            ErrorKind::ConnectionReset => Self::ConnectionReset,
            ErrorKind::ConnectionAborted => Self::ConnectionAborted,
            ErrorKind::BrokenPipe => Self::ConnectionBroken,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
                Self::RemoteUnreachable
            }
            ErrorKind::AddrNotAvailable => Self::AddressNotBindable,
            ErrorKind::OutOfMemory => Self::OutOfMemory,
            ErrorKind::Unsupported => Self::NotSupported,
            _ => Self::Other(None),
        }
    }
}

impl From<LookupError> for ip_name_lookup::ErrorCode {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Denied => Self::AccessDenied,
            LookupError::Invalid => Self::InvalidArgument,
            LookupError::NotFound => Self::NameUnresolvable,
            LookupError::Unanswered => Self::TemporaryResolverFailure,
        }
    }
}
