//! Which addresses a guest may connect to: those that are granted, and those that a granted name has led to, unless a name
//! leads where only an operator can want to go.

use super::address::AddressClass;
use super::destination::{Destination, Host, HostName};
use std::net::{IpAddr, SocketAddr};

/// How many addresses of one name are remembered; the oldest are forgotten.
const MAX_ADDRESSES: usize = 64;

/// A destination, and where its name may lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkGrant {
    pub destination: Destination,
    pub scope: Scope,
    pub consent: Consent,
}

/// What a name that is not `localhost` may lead to. An address that was written out is granted as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Public,
    /// To addresses of the operator's own network and machine, too.
    Private,
}

/// How an operator says that a destination is meant, which the log's line about a refused one tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// By a grant of its own: `--connect`, `--connect-private`.
    Grant,
    /// By this option, because the command has one destination.
    Option(&'static str),
}

/// An address that a name led to and that the grant does not cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Astray {
    pub destination: Destination,
    pub address: IpAddr,
    pub class: AddressClass,
    pub consent: Consent,
}

/// The grants, with what their names have led to.
pub struct Policy {
    grants: Vec<(NetworkGrant, Vec<IpAddr>)>,
}

impl Policy {
    pub fn new(grants: Vec<NetworkGrant>) -> Self {
        Self { grants: grants.into_iter().map(|grant| (grant, Vec::new())).collect() }
    }

    /// Whether anything is granted with this address for a host.
    pub fn grants_address(&self, address: IpAddr) -> bool {
        self.destinations().any(|destination| destination.host == Host::Address(address))
    }

    /// Whether anything is granted with this name for a host.
    pub fn grants_name(&self, name: &HostName) -> bool {
        self.destinations().any(|destination| is_named(destination, name))
    }

    fn destinations(&self) -> impl Iterator<Item = &Destination> {
        self.grants.iter().map(|(grant, _)| &grant.destination)
    }

    /// Takes note of what `name` led to. Gives what may be used of it, and what may not.
    pub fn found(&mut self, name: &HostName, addresses: &[IpAddr]) -> (Vec<IpAddr>, Vec<Astray>) {
        let (mut usable, mut astray) = (Vec::new(), Vec::new());
        for (NetworkGrant { destination, scope, consent }, known) in &mut self.grants {
            if !is_named(destination, name) {
                continue;
            }
            for address in addresses.iter().map(IpAddr::to_canonical) {
                let class = AddressClass::of(address);
                if !is_covered(name, *scope, class) {
                    astray.push(Astray { destination: destination.clone(), address, class, consent: *consent });
                    continue;
                }
                if !usable.contains(&address) {
                    usable.push(address);
                }
                known.retain(|known| *known != address);
                known.push(address);
                let surplus = known.len().saturating_sub(MAX_ADDRESSES);
                known.drain(..surplus);
            }
        }
        (usable, astray)
    }

    /// What was granted that `address` belongs to.
    pub fn destination(&self, address: SocketAddr) -> Option<&Destination> {
        let ip = address.ip().to_canonical();
        let (grant, _) = self.grants.iter().find(|(NetworkGrant { destination, .. }, known)| {
            let is_host = match &destination.host {
                Host::Address(host) => *host == ip,
                Host::Name(_) => known.contains(&ip),
            };
            is_host && destination.port.get() == address.port()
        })?;
        Some(&grant.destination)
    }
}

fn is_named(destination: &Destination, name: &HostName) -> bool {
    matches!(&destination.host, Host::Name(host) if host == name)
}

fn is_covered(name: &HostName, scope: Scope, class: AddressClass) -> bool {
    match class {
        AddressClass::Public => !name.is_localhost() || scope == Scope::Private,
        AddressClass::Loopback => name.is_localhost() || scope == Scope::Private,
        AddressClass::Private(_) => scope == Scope::Private,
        AddressClass::Metadata | AddressClass::Nobody(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(grants: &[(&str, Scope)]) -> Policy {
        let grants = grants.iter();
        Policy::new(
            grants
                .map(|(text, scope)| NetworkGrant {
                    destination: text.parse().unwrap(),
                    scope: *scope,
                    consent: Consent::Grant,
                })
                .collect(),
        )
    }

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn may_connect(policy: &Policy, address: &str) -> bool {
        policy.destination(address.parse().unwrap()).is_some()
    }

    #[test]
    fn nothing_is_granted_by_nothing() {
        let policy = policy(&[]);
        assert!(!policy.grants_name(&name("db.example")) && !policy.grants_address("1.1.1.1".parse().unwrap()));
        assert!(!may_connect(&policy, "1.1.1.1:80"));
    }

    #[test]
    fn an_address_is_granted_with_its_port_whatever_it_is() {
        let policy = policy(&[("127.0.0.1:80", Scope::Public), ("169.254.169.254:80", Scope::Public)]);
        assert!(may_connect(&policy, "127.0.0.1:80") && may_connect(&policy, "169.254.169.254:80"));
        for other in ["127.0.0.1:81", "127.0.0.2:80", "[::1]:80", "169.254.169.254:81"] {
            assert!(!may_connect(&policy, other), "{other}");
        }
        assert!(may_connect(&policy, "[::ffff:127.0.0.1]:80"), "the same address in other clothes");
    }

    #[test]
    fn a_name_grants_what_it_has_led_to() {
        let mut policy = policy(&[("db.example:80", Scope::Public), ("other.example:81", Scope::Public)]);
        assert!(!may_connect(&policy, "1.1.1.1:80"));
        let found = policy.found(&name("db.example"), &addresses(&["1.1.1.1", "2600::1"]));
        assert_eq!(found, (addresses(&["1.1.1.1", "2600::1"]), Vec::new()));
        assert!(may_connect(&policy, "1.1.1.1:80") && may_connect(&policy, "[2600::1]:80"));
        assert!(!may_connect(&policy, "1.1.1.1:81"), "a port of another name");
        assert_eq!(policy.found(&name("third.example"), &addresses(&["1.1.1.1"])).0, addresses(&[]));
    }

    #[test]
    fn a_name_does_not_lead_into_the_operators_network() {
        for bad in ["10.0.0.1", "127.0.0.1", "::1", "169.254.1.1", "fd00::1", "100.64.0.1", "::ffff:192.168.0.1"] {
            let mut public = policy(&[("db.example:80", Scope::Public)]);
            let (usable, astray) = public.found(&name("db.example"), &addresses(&["1.1.1.1", bad]));
            assert_eq!((usable, astray.len()), (addresses(&["1.1.1.1"]), 1), "{bad}");
            let address = SocketAddr::new(bad.parse().unwrap(), 80);
            assert!(public.destination(address).is_none(), "{bad}");

            let mut private = policy(&[("db.example:80", Scope::Private)]);
            let (usable, astray) = private.found(&name("db.example"), &addresses(&["1.1.1.1", bad]));
            assert_eq!((usable.len(), astray.len()), (2, 0), "{bad}");
            assert!(private.destination(address).is_some(), "{bad}");
        }
    }

    #[test]
    fn metadata_is_reached_by_no_name() {
        for bad in ["169.254.169.254", "fd00:ec2::254", "::ffff:100.100.100.200", "0.0.0.0", "::", "224.0.0.1"] {
            for (host, scope) in [("db.example", Scope::Private), ("localhost", Scope::Private)] {
                let mut policy = policy(&[(&format!("{host}:80"), scope)]);
                let (usable, astray) = policy.found(&name(host), &addresses(&[bad]));
                assert_eq!((usable.len(), astray.len()), (0, 1), "{bad}");
            }
        }
    }

    #[test]
    fn localhost_is_this_host() {
        let mut policy = policy(&[("localhost:80", Scope::Public)]);
        let (usable, astray) =
            policy.found(&name("LOCALHOST."), &addresses(&["127.0.0.1", "::1", "1.1.1.1", "10.0.0.1"]));
        assert_eq!(usable, addresses(&["127.0.0.1", "::1"]));
        assert_eq!(astray.len(), 2);
    }

    #[test]
    fn each_port_of_a_name_has_its_own_scope() {
        let mut policy = policy(&[("db.example:80", Scope::Public), ("db.example:81", Scope::Private)]);
        let (usable, _) = policy.found(&name("db.example"), &addresses(&["10.0.0.1"]));
        assert_eq!(usable, addresses(&["10.0.0.1"]));
        assert!(may_connect(&policy, "10.0.0.1:81") && !may_connect(&policy, "10.0.0.1:80"));
    }

    #[test]
    fn addresses_that_are_remembered_have_an_end() {
        let mut policy = policy(&[("db.example:80", Scope::Public)]);
        for index in 0..200 {
            policy.found(&name("db.example"), &[IpAddr::from([9, 9, 9, index])]);
        }
        assert!(may_connect(&policy, "9.9.9.199:80") && !may_connect(&policy, "9.9.9.100:80"));
    }
}
