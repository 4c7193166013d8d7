//! TLS by the host, for a guest that asks for it: whom it trusts, and that it ends.

use super::peers::{deaf, send_back};
use super::{SHORT, ask, assert_logged, program};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use strongroom_tests::{Place, Program};

/// An authority of a test's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(parameters, key), pem }
    }

    fn file(&self, place: &Place) -> PathBuf {
        place.file("authority.pem", &self.pem)
    }

    /// A port on the loopback where a server of this name sends back what comes, until it is too old in `last_year`.
    fn serve(&self, name: &str, last_year: i32) -> u16 {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        parameters.not_after = date_time_ymd(last_year, 1, 1);
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap().der().clone();
        serve(certificate, key.into())
    }
}

fn serve(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            thread::spawn(move || send_back(StreamOwned::new(session, connection.unwrap())));
        }
    });
    port
}

const YEARS_AHEAD: i32 = 4000;

fn secure_caller(place: &Place, port: u16) -> Program {
    // No store of this machine's decides about a test.
    let nothing = place.file("nothing.pem", "");
    let address = format!("127.0.0.1:{port}");
    program(place, "secure-caller", &["--connect", &address]).env("SSL_CERT_FILE", nothing)
}

fn command(port: u16, name: &str, count: usize) -> String {
    format!("tls 127.0.0.1 {port} {name} {count}")
}

#[test]
fn tls_trusts_an_authority_that_the_operator_adds() {
    let authority = Authority::new("One");
    let port = authority.serve("db.example", YEARS_AHEAD);
    let place = Place::new();
    let mut client = secure_caller(&place, port).arg("--tls-ca").arg(authority.file(&place)).connect();
    for count in [1, 16 << 10, 1 << 20, 5_000_000] {
        assert_eq!(ask(&mut client, &command(port, "db.example", count)), format!("echoed {count}"));
    }
    assert!(client.finish().0.success());
    assert_logged(&place, &format!("network: connected to 127.0.0.1:{port}"));
}

#[test]
fn tls_trusts_the_systems_store() {
    let authority = Authority::new("One");
    let port = authority.serve("db.example", YEARS_AHEAD);
    let place = Place::new();
    let mut client = secure_caller(&place, port).env("SSL_CERT_FILE", authority.file(&place)).connect();
    assert_eq!(ask(&mut client, &command(port, "db.example", 1000)), "echoed 1000");
}

#[test]
fn tls_trusts_nobody_else() {
    let (authority, other) = (Authority::new("One"), Authority::new("Other"));
    let place = Place::new();
    let port = other.serve("db.example", YEARS_AHEAD);
    let mut client = secure_caller(&place, port).arg("--tls-ca").arg(authority.file(&place)).connect();
    let answer = ask(&mut client, &command(port, "db.example", 1));
    assert!(answer.contains("of an authority that is not trusted (--tls-ca FILE adds one)"), "{answer}");
    assert!(client.finish().0.success());
    assert_logged(&place, "network: no TLS with db.example: its certificate is of an authority that is not trusted");

    for (name, last_year, reason) in
        [("other.example", YEARS_AHEAD, "not valid for name"), ("db.example", 2020, "expired")]
    {
        let place = Place::new();
        let port = authority.serve(name, last_year);
        let mut client = secure_caller(&place, port).arg("--tls-ca").arg(authority.file(&place)).connect();
        let answer = ask(&mut client, &command(port, "db.example", 1));
        assert!(answer.contains(reason), "{answer}");
    }
}

#[test]
fn tls_with_somebody_who_says_nothing_ends() {
    let (_listener, port) = deaf();
    let place = Place::new();
    let mut client = secure_caller(&place, port).args(["--network-timeout", SHORT]).connect();
    let answer = ask(&mut client, &command(port, "db.example", 1));
    assert!(answer.starts_with("error: "), "{answer}");
    assert_eq!(ask(&mut client, &format!("read 127.0.0.1 {port}")), "error: ErrorCode::Timeout");
    assert!(client.finish().0.success());
    assert_logged(&place, "network: no TLS with db.example: ");
    assert_logged(&place, "the system's store has no authority, so TLS trusts nobody (--tls-ca FILE)");
}

#[test]
fn tls_without_a_destination_is_refused_in_one_line() {
    let place = Place::new();
    let outcome = program(&place, "secure-caller", &[]).run();
    assert_eq!(outcome.code(), Some(1));
    let line = outcome.one_line();
    assert!(line.contains("imports wasi:tls") && line.contains("--connect HOST:PORT"), "{line}");
}

#[test]
fn a_wrong_file_of_authorities_is_refused_in_one_line() {
    let place = Place::new();
    let files = [
        (place.path("none.pem"), "cannot be read"),
        (place.file("empty.pem", "no certificate"), "holds no certificate in PEM"),
        (
            place.file("wrong.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "holds a certificate that is no authority's",
        ),
    ];
    for (file, reason) in files {
        let outcome = secure_caller(&place, 80).arg("--tls-ca").arg(&file).run();
        assert_eq!(outcome.code(), Some(2));
        assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
    }
}
