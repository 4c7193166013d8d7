//! `HOST:PORT` as an operator writes it: the one destination that a grant names.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU16;
use std::str::FromStr;
use thiserror::Error;

/// One port of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub host: Host,
    pub port: NonZeroU16,
}

/// A host as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Canonical: never an IPv4 address in IPv6's clothes.
    Address(IpAddr),
    Name(HostName),
}

/// A name that the system's resolver is asked for: lower case, without a dot at its end, and nothing that a resolver
/// would take for an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostName(String);

/// A destination that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DestinationError {
    #[error("a destination is HOST:PORT, as db.example.com:27017 or [2001:db8::1]:27017")]
    Form,
    #[error("a port is a number from 1 to 65535")]
    Port,
    #[error("an IPv6 address stands in brackets, as [2001:db8::1]:27017")]
    Brackets,
    #[error(
        "a host is an address of four numbers or in brackets, or a name of letters, digits and hyphens between dots; \
         one in another script is written as xn--"
    )]
    Host,
    #[error("this address is no single host's; name one")]
    NoHost,
}

/// RFC 1035, section 2.3.4.
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        let (host, port) = text.rsplit_once(':').ok_or(DestinationError::Form)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => {
                let address = rest.strip_suffix(']').ok_or(DestinationError::Form)?;
                address_of_one(address.parse::<Ipv6Addr>().map_err(|_| DestinationError::Host)?.into())?
            }
            None if host.contains(':') => return Err(DestinationError::Brackets),
            None => match host.parse::<IpAddr>() {
                Ok(address) => address_of_one(address)?,
                Err(_) => Host::Name(host.parse()?),
            },
        };
        // A sign is no digit, though `parse` would take one.
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|_| is_number).ok_or(DestinationError::Port)?;
        Ok(Self { host, port })
    }
}

impl FromStr for HostName {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=MAX_LABEL_BYTES).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                && !label.starts_with('-')
        };
        // Resolvers read 127.1, 0x7f.1 and 2130706433 as addresses.
        let is_number = |label: &str| label.starts_with("0x") || label.bytes().all(|byte| byte.is_ascii_digit());
        let ends_in_number = name.rsplit('.').next().is_none_or(is_number);
        if name.len() > MAX_NAME_BYTES || ends_in_number || !name.split('.').all(is_label) {
            return Err(DestinationError::Host);
        }
        Ok(Self(name))
    }
}

impl HostName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// RFC 6761, section 6.3: it means this host to everybody, and so was it meant.
    pub fn is_localhost(&self) -> bool {
        self.0 == "localhost"
    }
}

fn address_of_one(address: IpAddr) -> Result<Host, DestinationError> {
    let address = address.to_canonical();
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || is_broadcast {
        return Err(DestinationError::NoHost);
    }
    Ok(Host::Address(address))
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

/// Without brackets, as certificates have it.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(&name.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_shown() {
        for (text, shown) in [
            ("db.example.com:27017", "db.example.com:27017"),
            ("DB.Example.COM.:1", "db.example.com:1"),
            ("localhost:65535", "localhost:65535"),
            ("my_db-1:80", "my_db-1:80"),
            ("192.0.2.7:443", "192.0.2.7:443"),
            ("[2001:DB8::1]:443", "[2001:db8::1]:443"),
            ("[::ffff:192.0.2.7]:443", "192.0.2.7:443"),
            ("xn--bcher-kva.example:80", "xn--bcher-kva.example:80"),
            ("1password.example:80", "1password.example:80"),
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_refused() {
        use DestinationError::{Brackets, Form, Host, NoHost, Port};
        for (text, error) in [
            ("", Form),
            ("db", Form),
            ("[::1:80", Form),
            ("db:", Port),
            ("db:0", Port),
            ("db:65536", Port),
            ("db:+80", Port),
            ("db:http", Port),
            ("::1:80", Brackets),
            ("a:b:80", Brackets),
            (":80", Host),
            ("[db]:80", Host),
            ("[192.0.2.7]:80", Host),
            ("[fe80::1%eth0]:80", Host),
            ("a b:80", Host),
            ("a..b:80", Host),
            ("-a:80", Host),
            ("bücher.example:80", Host),
            ("user@db:80", Host),
            ("http://db:80", Brackets),
            ("127.1:80", Host),
            ("0x7f.1:80", Host),
            ("0x7f000001:80", Host),
            ("2130706433:80", Host),
            ("db.1:80", Host),
            ("0.0.0.0:80", NoHost),
            ("[::]:80", NoHost),
            ("224.0.0.1:80", NoHost),
            ("255.255.255.255:80", NoHost),
            ("[ff02::1]:80", NoHost),
        ] {
            assert_eq!(text.parse::<Destination>(), Err(error), "{text}");
        }
        assert!(format!("{}:80", "a".repeat(64)).parse::<Destination>().is_err());
        assert!(format!("{}:80", "a.".repeat(127)).parse::<Destination>().is_ok());
        assert!(format!("{}a:80", "a.".repeat(127)).parse::<Destination>().is_err());
    }
}
