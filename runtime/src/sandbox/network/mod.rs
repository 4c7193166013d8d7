//! The network as guests see it: TCP connections to granted destinations, and the addresses of granted names. Nothing else
//! resolves, connects, listens or is sent.
//!
//! It is WASI 0.3's interface, in an implementation of our own: wasmtime's has no limits and waits for ever. Sockets of WASI
//! 0.2 stay wasmtime's and are denied whatever is granted, because their waits block the instance.

mod address;
mod authorities;
mod bindings;
mod connection;
mod convert;
mod destination;
mod lookup;
mod policy;
mod resolver;
mod streams;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod udp;
mod usage;

pub use authorities::{Authorities, AuthoritiesError};
pub use destination::{Destination, DestinationError, Host, HostName};
pub use policy::{Consent, NetworkGrant, Scope};
pub use resolver::{Job as ResolveJob, run_child as run_resolver};
pub use tls::Tls;

use super::limits::NetworkLimits;
use super::state::State;
use crate::confine;
use connection::{ConnectError, Connection};
use policy::{Astray, Policy};
use resolver::Resolve;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use usage::Usage;
use wasmtime::component::{HasData, Linker, ResourceTable};

/// All that a guest is given of the network. An empty one gives nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkGrants {
    pub destinations: Vec<NetworkGrant>,
    /// Whom TLS trusts beside the authorities of the system's store.
    pub authorities: Authorities,
}

/// What a session's guest was granted of the network and what it has used of it, over all its instances.
pub struct Network {
    is_granted: bool,
    authorities: Authorities,
    policy: Mutex<Policy>,
    resolver: Option<Box<dyn Resolve>>,
    usage: Arc<Usage>,
    wait: Duration,
}

/// Why a name has no addresses for the guest.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LookupError {
    #[error("not granted")]
    Denied,
    #[error("not a name")]
    Invalid,
    #[error("not found")]
    NotFound,
    #[error("not answered")]
    Unanswered,
}

impl Network {
    /// To be called while programs can be started: names are looked up by a process of their own.
    pub fn start(
        grants: &NetworkGrants,
        limits: &NetworkLimits,
        confinement: confine::Policy,
    ) -> io::Result<Arc<Self>> {
        let mut names: Vec<HostName> = Vec::new();
        for grant in &grants.destinations {
            if let Host::Name(name) = &grant.destination.host
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        let resolver = if names.is_empty() { None } else { Some(resolver::Process::start(names, confinement)?) };
        let resolver = resolver.map(|process| Box::new(process) as Box<dyn Resolve>);
        Ok(Self::with_resolver(grants, limits, resolver))
    }

    /// Where nothing is granted.
    pub fn none() -> Arc<Self> {
        let limits = NetworkLimits { connections: 0, connects: 0, bytes: 0, wait: Duration::ZERO };
        Self::with_resolver(&NetworkGrants::default(), &limits, None)
    }

    fn with_resolver(grants: &NetworkGrants, limits: &NetworkLimits, resolver: Option<Box<dyn Resolve>>) -> Arc<Self> {
        Arc::new(Self {
            is_granted: !grants.destinations.is_empty(),
            authorities: grants.authorities.clone(),
            policy: Mutex::new(Policy::new(grants.destinations.clone())),
            resolver,
            usage: Arc::new(Usage::new(limits.clone())),
            wait: limits.wait,
        })
    }

    /// Whether there is any destination.
    pub fn is_granted(&self) -> bool {
        self.is_granted
    }

    /// The addresses of a granted host that the guest may connect to. An address is its own.
    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        if let Ok(address) = name.parse::<IpAddr>() {
            let address = address.to_canonical();
            if self.policy().grants_address(address) {
                return Ok(vec![address]);
            }
            self.refused(&format_args!("the address {address} was not granted"));
            return Err(LookupError::Denied);
        }
        let name: HostName = name.parse().map_err(|_| LookupError::Invalid)?;
        let (true, Some(resolver)) = (self.policy().grants_name(&name), &self.resolver) else {
            self.refused(&format_args!("the name {} was not granted", name.as_str()));
            return Err(LookupError::Denied);
        };
        let addresses = resolver.resolve(&name, self.wait).await.map_err(|error| {
            self.refused(&format_args!("{}: no address is found: {error}", name.as_str()));
            match error {
                resolver::ResolveError::Failed(_) => LookupError::NotFound,
                resolver::ResolveError::Timeout | resolver::ResolveError::Gone => LookupError::Unanswered,
            }
        })?;
        let (usable, astray) = self.policy().found(&name, &addresses);
        for astray in astray {
            self.refused(&astray);
        }
        if usable.is_empty() { Err(LookupError::Denied) } else { Ok(usable) }
    }

    /// Connects to an address that was granted, or that a granted name has led to.
    async fn connect(&self, address: SocketAddr) -> Result<Connection, ConnectError> {
        let destination = self.policy().destination(address).map(ToString::to_string);
        let Some(destination) = destination else {
            self.refused(&format_args!("a connection to {address} was not granted"));
            return Err(ConnectError::Denied);
        };
        let permit = self.usage.open().map_err(|too_many| {
            self.refused(&format_args!("{destination}: {too_many}"));
            ConnectError::TooMany(too_many)
        })?;
        Connection::open(&destination, address, permit, &self.usage, self.wait).await
    }

    fn refused(&self, what: &dyn std::fmt::Display) {
        self.usage.refused(|| tracing::warn!("network: {what}"));
    }

    fn policy(&self) -> MutexGuard<'_, Policy> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Display for Astray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { destination, address, class, consent } = self;
        write!(f, "{destination}: refused, because it leads to {address} ({})", class.word())?;
        match class {
            address::AddressClass::Private(_) | address::AddressClass::Loopback => match consent {
                Consent::Grant => write!(f, "; if that is meant, --connect-private {destination}"),
                Consent::Option(option) => write!(f, "; if that is meant, {option}"),
            },
            address::AddressClass::Metadata => {
                let literal = Destination { host: Host::Address(*address), port: destination.port };
                match consent {
                    Consent::Grant => write!(f, "; if that is meant, --connect {literal}"),
                    Consent::Option(_) => write!(f, "; if that is meant, write {literal} in its place"),
                }
            }
            address::AddressClass::Nobody(_) | address::AddressClass::Public => Ok(()),
        }
    }
}

/// Links all of `wasi:sockets@0.3`.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    bindings::types::add_to_linker::<_, Sockets>(linker, State::network)?;
    bindings::ip_name_lookup::add_to_linker::<_, Sockets>(linker, State::network)
}

/// Who implements `wasi:sockets@0.3`, on a [`View`].
pub struct Sockets;

/// What calls on sockets need of a store.
pub struct View<'a> {
    pub network: &'a Arc<Network>,
    pub table: &'a mut ResourceTable,
}

impl HasData for Sockets {
    type Data<'a> = View<'a>;
}
