//! Names and what they lead to, with a resolver that says what a test wants.

use super::resolver::ResolveError;
use super::*;
use futures_util::future::{BoxFuture, FutureExt, ready};
use std::collections::HashMap;

struct Says(HashMap<&'static str, Result<Vec<IpAddr>, ResolveError>>);

impl Resolve for Says {
    fn resolve<'a>(&'a self, name: &'a HostName, _wait: Duration) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        ready(self.0.get(name.as_str()).cloned().unwrap_or(Err(ResolveError::Gone))).boxed()
    }
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn network(grants: &[(&str, Scope)], says: &[(&'static str, &[&str])]) -> Arc<Network> {
    let destinations = grants
        .iter()
        .map(|(text, scope)| NetworkGrant {
            destination: text.parse().unwrap(),
            scope: *scope,
            consent: Consent::Grant,
        })
        .collect();
    let grants = NetworkGrants { destinations, authorities: Authorities::default() };
    let mut answers: HashMap<_, _> = says.iter().map(|(name, found)| (*name, Ok(addresses(found)))).collect();
    answers.insert("unknown.example", Err(ResolveError::Failed("Name or service not known".to_owned())));
    answers.insert("slow.example", Err(ResolveError::Timeout));
    let limits = NetworkLimits { connections: 1, connects: 10, bytes: 100, wait: Duration::from_secs(1) };
    Network::with_resolver(&grants, &limits, Some(Box::new(Says(answers))))
}

fn look_up(network: &Network, name: &str) -> Result<Vec<IpAddr>, LookupError> {
    network.look_up(name).now_or_never().expect("the resolver answers at once")
}

#[test]
fn only_granted_names_are_asked_for() {
    let says: &[(&'static str, &[&str])] = &[("db.example", &["1.1.1.1", "2600::1"]), ("other.example", &["1.1.1.2"])];
    let network = network(&[("db.example:80", Scope::Public)], says);
    for name in ["db.example", "DB.Example", "db.example."] {
        assert_eq!(look_up(&network, name), Ok(addresses(&["1.1.1.1", "2600::1"])), "{name}");
    }
    for name in ["other.example", "b.example", "x.db.example", "1.1.1.1", "::ffff:1.1.1.1", "127.0.0.1"] {
        assert_eq!(look_up(&network, name), Err(LookupError::Denied), "{name}");
    }
    for name in ["", ".", "db..example", "db.example ", "db.example:80", "2130706433", "[::1]", "a/b", "\0", "bücher"]
    {
        assert_eq!(look_up(&network, name), Err(LookupError::Invalid), "{name:?}");
    }
}

#[test]
fn a_granted_address_is_its_own() {
    let network = network(&[("10.0.0.1:80", Scope::Public), ("[::1]:80", Scope::Public)], &[]);
    assert_eq!(look_up(&network, "10.0.0.1"), Ok(addresses(&["10.0.0.1"])));
    assert_eq!(look_up(&network, "::ffff:10.0.0.1"), Ok(addresses(&["10.0.0.1"])));
    assert_eq!(look_up(&network, "::1"), Ok(addresses(&["::1"])));
    assert_eq!(look_up(&network, "localhost"), Err(LookupError::Denied));
}

#[test]
fn a_name_whose_answer_changes_leads_inside_no_more_than_before() {
    for inside in ["10.0.0.1", "127.0.0.1", "::1", "169.254.169.254", "fd00:ec2::254", "0.0.0.0"] {
        let found = [inside];
        let network = network(&[("db.example:80", Scope::Public)], &[("db.example", &found)]);
        assert_eq!(look_up(&network, "db.example"), Err(LookupError::Denied), "{inside}");
        let address = SocketAddr::new(inside.parse().unwrap(), 80);
        let connected = network.connect(address).now_or_never().expect("it is refused at once");
        assert!(matches!(connected, Err(ConnectError::Denied)), "{inside}");
    }
}

#[test]
fn a_name_without_addresses() {
    let grants = [("unknown.example:80", Scope::Public), ("slow.example:80", Scope::Public), ("e.x:80", Scope::Public)];
    let network = network(&grants, &[("e.x", &[])]);
    assert_eq!(look_up(&network, "unknown.example"), Err(LookupError::NotFound));
    assert_eq!(look_up(&network, "slow.example"), Err(LookupError::Unanswered));
    assert_eq!(look_up(&network, "e.x"), Err(LookupError::Denied));
}

#[test]
fn the_log_is_told_what_to_type() {
    let told = |address: &str, consent| {
        let address: IpAddr = address.parse().unwrap();
        let destination = "db.example:27017".parse().unwrap();
        Astray { destination, address, class: address::AddressClass::of(address), consent }.to_string()
    };
    let astray = |address| told(address, Consent::Grant);
    let start = "db.example:27017: refused, because it leads to";
    let private = "if that is meant, --connect-private db.example:27017";
    assert_eq!(astray("10.1.2.3"), format!("{start} 10.1.2.3 (private); {private}"));
    assert_eq!(astray("::1"), format!("{start} ::1 (loopback); {private}"));
    let literal = "if that is meant, --connect [fd00:ec2::254]:27017";
    assert_eq!(astray("fd00:ec2::254"), format!("{start} fd00:ec2::254 (metadata service); {literal}"));
    assert_eq!(astray("0.0.0.0"), format!("{start} 0.0.0.0 (unspecified)"));
    let astray = |address| told(address, Consent::Option("--private"));
    assert_eq!(astray("10.1.2.3"), format!("{start} 10.1.2.3 (private); if that is meant, --private"));
    let literal = "if that is meant, write [fd00:ec2::254]:27017 in its place";
    assert_eq!(astray("fd00:ec2::254"), format!("{start} fd00:ec2::254 (metadata service); {literal}"));
}
