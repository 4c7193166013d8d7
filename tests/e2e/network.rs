//! What a guest reaches on the network: nothing without a grant, and with one that destination alone, within limits, each
//! wait with an end that the guest is told of. `tests/guests/caller` does what the names of files say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "network/peers.rs"]
mod peers;
#[path = "network/tls.rs"]
mod tls;

use peers::{Echo, Full, deaf};
use rustix::process::Signal;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, TcpListener};
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};
use strongroom_tests::packet::flag;
use strongroom_tests::tools::private_name;
use strongroom_tests::{Client, PATIENCE, Place, Program, guest, strongroom};

/// A wait that a test waits for.
const SHORT: &str = "300ms";

/// The guest that calls, in a process that is confined as far as can be.
fn caller(place: &Place, grants: &[&str]) -> Program {
    program(place, "caller", grants)
}

fn program(place: &Place, name: &str, grants: &[&str]) -> Program {
    strongroom!(place, "run", guest(name), "--cache-dir", shared_cache(), "-l", place.path("log"))
        .arg("--require-sandbox")
        .args(grants)
}

fn shared_cache() -> &'static Path {
    static CACHE: OnceLock<(Place, std::path::PathBuf)> = OnceLock::new();
    &CACHE
        .get_or_init(|| {
            let place = Place::new();
            let cache = place.cache();
            (place, cache)
        })
        .1
}

fn log(place: &Place) -> String {
    fs::read_to_string(place.path("log")).unwrap()
}

#[track_caller]
fn assert_logged(place: &Place, words: &str) {
    let log = log(place);
    assert!(log.contains(words), "{words:?} is not in\n{log}");
}

/// What the guest says of a command.
fn ask(client: &mut Client, command: &str) -> String {
    let handle = client.open(format!("/{command}"), flag::READ, None).unwrap();
    let answer = client.read(&handle, 0, 4096).unwrap();
    client.close(&handle).unwrap();
    String::from_utf8(answer).unwrap()
}

#[track_caller]
fn assert_nobody_came(listener: &TcpListener) {
    let accepted = listener.accept().map(|(_, peer)| peer);
    assert_eq!(accepted.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "somebody connected");
}

/// The words of WASI 0.2.
#[track_caller]
fn assert_denied_of_old(answer: &str) {
    assert!(["error: access-denied", "error: permanent-resolver-failure"].contains(&answer), "{answer}");
}

#[test]
fn nothing_is_reached_without_a_grant() {
    let (listener, port) = deaf();
    let place = Place::new();
    let mut client = caller(&place, &[]).connect();
    let commands = [
        format!("connect 127.0.0.1 {port}"),
        "resolve localhost".to_owned(),
        "resolve 127.0.0.1".to_owned(),
        "listen".to_owned(),
        "bind".to_owned(),
        "udp".to_owned(),
    ];
    for command in commands {
        assert_eq!(ask(&mut client, &command), "error: ErrorCode::AccessDenied", "{command}");
    }
    for command in [format!("old connect {port}"), "old udp".to_owned(), "old resolve localhost".to_owned()] {
        assert_denied_of_old(&ask(&mut client, &command));
    }
    assert!(client.finish().0.success());
    assert_nobody_came(&listener);
    assert_logged(&place, "network: no destination was granted (--connect HOST:PORT)");
}

#[test]
fn a_granted_address_is_reached_and_no_other() {
    let (listener, other) = deaf();
    let echo = Echo::local();
    let port = echo.port();
    let place = Place::new();
    let mut client = caller(&place, &["--connect", &format!("127.0.0.1:{port}")]).connect();
    assert_eq!(ask(&mut client, &format!("connect 127.0.0.1 {port}")), format!("connected to port {port}"));
    assert_eq!(ask(&mut client, &format!("echo 127.0.0.1 {port} 300000")), "echoed 300000");
    assert_eq!(ask(&mut client, "resolve 127.0.0.1"), "127.0.0.1");
    let denied = [
        format!("connect 127.0.0.1 {other}"),
        format!("connect 127.0.0.2 {port}"),
        format!("connect ::1 {port}"),
        "connect 169.254.169.254 80".to_owned(),
        "resolve localhost".to_owned(),
        "resolve 127.0.0.2".to_owned(),
        "listen".to_owned(),
        "bind".to_owned(),
        "udp".to_owned(),
    ];
    for command in denied {
        assert_eq!(ask(&mut client, &command), "error: ErrorCode::AccessDenied", "{command}");
    }
    for command in [format!("mapped {port}"), "connect 0.0.0.0 80".to_owned(), "connect 127.0.0.1 0".to_owned()] {
        assert_eq!(ask(&mut client, &command), "error: ErrorCode::InvalidArgument", "{command}");
    }
    // Of WASI 0.2 nothing is granted whatever is.
    for command in [format!("old connect {port}"), "old udp".to_owned(), "old resolve localhost".to_owned()] {
        assert_denied_of_old(&ask(&mut client, &command));
    }
    assert!(client.finish().0.success());
    assert_nobody_came(&listener);
    assert_logged(&place, &format!("network: connected to 127.0.0.1:{port} (127.0.0.1)"));
    assert_logged(&place, &format!("closed 127.0.0.1:{port} (127.0.0.1) bytes sent 300000 received 300000"));
    assert_logged(&place, &format!("network: a connection to 127.0.0.1:{other} was not granted"));
    assert_logged(&place, "network: listening cannot be granted");
}

#[test]
fn an_address_of_ipv6_is_reached() {
    // A machine without IPv6 can say no more than that nobody is there.
    let echo = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok().map(Echo::serve);
    let port = echo.as_ref().map_or(1, Echo::port);
    let place = Place::new();
    let mut client = caller(&place, &["--connect", &format!("[::1]:{port}")]).connect();
    let answer = ask(&mut client, &format!("echo ::1 {port} 10"));
    match echo {
        Some(_) => assert_eq!(answer, "echoed 10"),
        None => assert!(!answer.contains("AccessDenied") && answer.starts_with("error: "), "{answer}"),
    }
    for command in [format!("connect 127.0.0.1 {port}"), format!("connect ::2 {port}")] {
        assert_eq!(ask(&mut client, &command), "error: ErrorCode::AccessDenied", "{command}");
    }
}

#[test]
fn a_granted_name_is_reached_once_it_was_looked_up() {
    let echo = Echo::local();
    let port = echo.port();
    let place = Place::new();
    let mut client = caller(&place, &["--connect", &format!("localhost:{port}")]).connect();
    let directly = format!("connect 127.0.0.1 {port}");
    assert_eq!(ask(&mut client, &directly), "error: ErrorCode::AccessDenied");
    let found = ask(&mut client, "resolve localhost");
    assert!(found.split(' ').any(|address| address == "127.0.0.1"), "{found}");
    assert_eq!(ask(&mut client, "resolve LOCALHOST."), found);
    assert_eq!(ask(&mut client, &directly), format!("connected to port {port}"));
    assert_eq!(ask(&mut client, &format!("echo localhost {port} 1000")), "echoed 1000");
    for name in ["example.com", "localhost.example", "localhos", "ip6-localhost"] {
        assert_eq!(ask(&mut client, &format!("resolve {name}")), "error: ErrorCode::AccessDenied", "{name}");
    }
    for name in ["", "a..b", "127.1", "0x7f000001"] {
        assert_eq!(ask(&mut client, &format!("resolve {name}")), "error: ErrorCode::InvalidArgument", "{name}");
    }
    let elsewhere = format!("connect localhost {}", port ^ 1);
    assert_eq!(ask(&mut client, &elsewhere), "error: ErrorCode::AccessDenied");
    assert!(client.finish().0.success());
    assert_logged(&place, &format!("network: connected to localhost:{port} (127.0.0.1)"));
    assert_logged(&place, "network: the name example.com was not granted");
}

#[test]
fn a_name_that_leads_inside_is_refused_with_the_line_to_type() {
    let name = private_name();
    let destination = format!("{}:27017", name.to_lowercase());
    let place = Place::new();
    let mut client = caller(&place, &["--connect", &destination]).connect();
    assert_eq!(ask(&mut client, &format!("resolve {name}")), "error: ErrorCode::AccessDenied");
    assert_eq!(ask(&mut client, &format!("connect {name} 27017")), "error: ErrorCode::AccessDenied");
    assert!(client.finish().0.success());
    assert_logged(&place, &format!("network: {destination}: refused, because it leads to "));
    assert_logged(&place, &format!("; if that is meant, --connect-private {destination}"));

    let place = Place::new();
    let mut client = caller(&place, &["--connect-private", &destination]).connect();
    assert!(ask(&mut client, &format!("resolve {name}")).parse::<IpAddr>().is_ok());
}

#[test]
fn a_name_that_nobody_knows_is_not_found() {
    let place = Place::new();
    let arguments = ["--connect", "nobody.invalid:80", "--network-timeout", "20s", "--call-timeout", "40s"];
    let mut client = caller(&place, &arguments).connect();
    let answer = ask(&mut client, "resolve nobody.invalid");
    let expected = ["error: ErrorCode::NameUnresolvable", "error: ErrorCode::TemporaryResolverFailure"];
    assert!(expected.contains(&answer.as_str()), "{answer}");
    assert_logged(&place, "network: nobody.invalid: no address is found: ");
}

#[test]
fn every_wait_has_an_end_that_the_guest_is_told_of() {
    let (_listener, port) = deaf();
    let full = Full::new();
    let place = Place::new();
    let [grant, grant_full] = [port, full.port].map(|port| format!("127.0.0.1:{port}"));
    let arguments = ["--connect", &grant, "--connect", &grant_full, "--network-timeout", SHORT];
    let mut client = caller(&place, &arguments).connect();
    assert_eq!(ask(&mut client, &format!("read 127.0.0.1 {port}")), "error: ErrorCode::Timeout");
    assert_eq!(ask(&mut client, &format!("send 127.0.0.1 {port} 100000000")), "error: ErrorCode::Timeout");
    assert_eq!(ask(&mut client, &format!("connect 127.0.0.1 {}", full.port)), "error: ErrorCode::Timeout");
    assert_eq!(ask(&mut client, &format!("connect 127.0.0.1 {port}")), format!("connected to port {port}"));
    assert!(client.finish().0.success());
    assert_logged(&place, &format!("network: nothing came from {grant} (127.0.0.1) for {SHORT}"));
    assert_logged(&place, &format!("network: nothing can be sent to {grant} (127.0.0.1) for {SHORT}"));
    assert_logged(&place, &format!("network: no connection to {grant_full} (127.0.0.1) in time"));
    assert!(!log(&place).contains("guest did not return"), "{}", log(&place));
}

#[test]
fn connections_and_bytes_are_limited() {
    let echo = Echo::local();
    let port = echo.port();
    let grant = format!("127.0.0.1:{port}");
    let place = Place::new();
    let at_once = "Other(Some(\"too many connections at once (limit --max-connections)\"))";
    let mut client = caller(&place, &["--connect", &grant, "--max-connections", "3"]).connect();
    for _ in 0..3 {
        let held = ask(&mut client, &format!("hold 127.0.0.1 {port} 10"));
        assert!(held.starts_with("held 3, then ") && held.contains(at_once), "{held}");
    }
    assert_eq!(ask(&mut client, &format!("again 127.0.0.1 {port} 20")), "connected 20 times");
    assert!(client.finish().0.success());
    assert_logged(&place, &format!("network: {grant}: too many connections at once (limit --max-connections)"));

    let place = Place::new();
    let mut client = caller(&place, &["--connect", &grant, "--max-connects", "5"]).connect();
    for times in [5, 0] {
        let again = ask(&mut client, &format!("again 127.0.0.1 {port} 20"));
        assert!(again.starts_with(&format!("connected {times} times, then ")), "{again}");
    }
    assert!(client.finish().0.success());

    let place = Place::new();
    let mut client = caller(&place, &["--connect", &grant, "--max-traffic", "100K"]).connect();
    let echoed = ask(&mut client, &format!("echo 127.0.0.1 {port} 1000000"));
    assert!(echoed.contains("too many bytes in one session (limit --max-traffic)"), "{echoed}");
    assert!(ask(&mut client, &format!("echo 127.0.0.1 {port} 1")).contains("too many bytes"));
    assert!(client.finish().0.success());
    let log = log(&place);
    let moved = log.lines().filter_map(|line| line.split_once("bytes sent ")?.1.split_once(" received "));
    let moved: u64 = moved.map(|(sent, got)| sent.parse::<u64>().unwrap() + got.parse::<u64>().unwrap()).sum();
    assert_eq!(moved, 100 << 10, "{log}");
}

#[test]
fn a_refused_connection_and_misuse_are_errors_and_no_more() {
    let (listener, port) = deaf();
    drop(listener);
    let echo = Echo::local();
    let place = Place::new();
    let grants = [port, echo.port()].map(|port| format!("127.0.0.1:{port}"));
    let mut client = caller(&place, &["--connect", &grants[0], "--connect", &grants[1]]).connect();
    assert_eq!(ask(&mut client, &format!("connect 127.0.0.1 {port}")), "error: ErrorCode::ConnectionRefused");
    let state = "Err(ErrorCode::InvalidState)";
    assert_eq!(ask(&mut client, &format!("twice 127.0.0.1 {}", echo.port())), format!("{state} {state}"));
    assert_eq!(ask(&mut client, "unconnected"), format!("Dropped {state}"));
    let options = "Err(ErrorCode::NotSupported) Some(ErrorCode::NotSupported)";
    assert_eq!(ask(&mut client, "options"), options);
    assert!(client.finish().0.success());
    assert_logged(&place, &format!("network: no connection to {} (127.0.0.1): ", grants[0]));
}

#[test]
fn refusals_do_not_flood_the_log() {
    let echo = Echo::local();
    let place = Place::new();
    let mut client = caller(&place, &["--connect", &format!("127.0.0.1:{}", echo.port())]).connect();
    for _ in 0..300 {
        ask(&mut client, "connect 127.0.0.1 1");
    }
    assert!(client.finish().0.success());
    let log = log(&place);
    assert_eq!(log.matches("was not granted").count(), 100);
    assert_eq!(log.matches("network: further refusals are not told").count(), 1);
}

/// Processes that look up names for the process `parent`.
fn resolvers(parent: u32) -> Vec<u32> {
    let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| {
        let of = |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
        let stat = of("stat");
        let parent_id = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
        parent_id == Some(parent) && of("cmdline").contains("resolve-names")
    })
    .collect()
}

/// Neither there nor waited for.
fn is_gone(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
}

#[test]
fn names_are_looked_up_by_a_process_that_ends_with_the_session() {
    for signal in [None, Some(Signal::KILL)] {
        let place = Place::new();
        let mut client = caller(&place, &["--connect", "localhost:80", "--connect", "localhost:81"]).connect();
        assert!(ask(&mut client, "resolve localhost").contains("127.0.0.1"));
        let [id] = resolvers(client.process().id())[..] else { panic!("one process looks up names") };
        let command = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap();
        assert!(command.ends_with("resolve-names\0confined\0localhost\0"), "{command}");
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");
        match signal {
            Some(signal) => client.process().signal(signal),
            None => assert!(client.finish().0.success()),
        }
        let end = Instant::now() + PATIENCE;
        while !is_gone(id) {
            assert!(Instant::now() < end, "the process that looks up names goes on after {signal:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn an_address_needs_no_process_that_looks_up_names() {
    for grants in [[].as_slice(), &["--connect", "127.0.0.1:80", "--connect-private", "[::1]:80"]] {
        let place = Place::new();
        let mut client = caller(&place, grants).connect();
        client.stat("/").unwrap();
        assert!(resolvers(client.process().id()).is_empty(), "{grants:?}");
    }
}

#[test]
fn a_wrong_destination_is_refused_in_one_line() {
    let place = Place::new();
    for (destination, reason) in [
        ("db.example.com", "a destination is HOST:PORT"),
        ("db.example.com:0", "a port is a number from 1 to 65535"),
        ("::1:80", "an IPv6 address stands in brackets"),
        ("127.1:80", "a host is an address of four numbers"),
        ("0.0.0.0:80", "this address is no single host's"),
    ] {
        for option in ["--connect", "--connect-private"] {
            let outcome = caller(&place, &[option, destination]).run();
            assert_eq!(outcome.code(), Some(2));
            assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
        }
    }
}
