//! How a session gets in: with and without authentication and TLS, by name and address, and what is told when it does not.

use super::{gridfs, log};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::{Path, PathBuf};
use strongroom_tests::client::refused;
use strongroom_tests::mongodb::{Database, Peer, Server};
use strongroom_tests::packet::{Body, code, flag, kind};
use strongroom_tests::tools::private_name;
use strongroom_tests::{Place, Program, strongroom};

#[track_caller]
fn assert_served(program: &Program) {
    let mut client = program.connect();
    client.put("/file", b"contents").unwrap();
    assert_eq!(client.get("/file").unwrap(), b"contents");
    assert!(client.finish().0.success());
}

/// A start that ends without a session, with a line in the log that has all of these words.
#[track_caller]
fn assert_not_served(place: &Place, program: &Program, words: &[&str]) {
    let mut client = program.unconnected();
    client.send_bytes(Body::new().u32(3).packet(kind::INIT));
    let (status, errors) = client.finish();
    assert!(!status.success(), "{errors}");
    let log = log(place);
    for word in words {
        assert!(log.contains(word), "{word:?} is not in {log}");
    }
}

/// The seed's own test: open, read, close.
#[test]
fn a_file_is_opened_read_and_closed_by_packets() {
    let (place, database) = (Place::new(), Database::fresh());
    Peer::Python.put(&place, &database, "fs", "test.txt", &place.file("source", "0123456789"));
    let mut client = gridfs(&place, &database).connect();
    let handle = client.open("/test.txt", flag::READ, None).unwrap();
    assert_eq!(client.read(&handle, 0, 10).unwrap(), b"0123456789");
    assert_eq!(refused(client.read(&handle, 10, 10)), code::EOF);
    client.close(&handle).unwrap();
    assert_eq!(refused(client.read(&handle, 0, 10)), code::FAILURE);
    assert_eq!(refused(client.open("/another", flag::READ, None)), code::NO_SUCH_FILE);
}

#[test]
fn a_database_is_reached_by_host_port_and_name() {
    let place = Place::new();
    let server = Server::start(&place, &[]);
    let port = server.port().to_string();
    for host in ["127.0.0.1", "localhost"] {
        let log = place.path(format!("log-{host}"));
        assert_served(&strongroom!(place, "gridfs", host, &port, "files", "--logfile", &log));
        let log = std::fs::read_to_string(log).unwrap();
        assert!(log.contains(&format!("network: connected to {host}:{port} (127.0.0.1)")), "{log}");
    }
}

#[test]
fn nobody_is_let_in_without_the_right_password() {
    let place = Place::new();
    let mut server = Server::start(&place, &[]);
    let password = "pencil-0123456789";
    Peer::ask(&place, &server.database("files"), &["create-user", "alice", password, "files"]);
    Peer::ask(&place, &server.database("admin"), &["create-user", "carol", "another", "files"]);
    server.stop();
    let server = Server::start(&place, &["--auth"]);
    let database = server.database("files");
    assert_served(&gridfs(&place, &database.clone().with_user("alice", password)));
    let from_elsewhere = database.clone().with_user("carol", "another").with_options("authSource=admin");
    assert_served(&gridfs(&place, &from_elsewhere));
    for wrong in [
        database.clone().with_user("alice", "wrong"),
        database.clone().with_user("bob", password),
        database.clone().with_user("carol", "another"),
    ] {
        let place = Place::new();
        assert_not_served(&place, &gridfs(&place, &wrong), &["alice", "bob", "carol"].map(|_| "authenti"));
        assert!(!log(&place).contains(password), "{}", log(&place));
    }
    let place = Place::new();
    let mut client = gridfs(&place, &database).unconnected();
    client.send_bytes(Body::new().u32(3).packet(kind::INIT));
    let (status, _) = client.finish();
    assert!(!status.success(), "a server that wants a user serves nobody without: {}", log(&place));
}

/// An authority's certificate, and a server's certificate and key by it, as files.
fn certificates(place: &Place, name: &str) -> [PathBuf; 3] {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "An authority of a test's own");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = parameters.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(parameters, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap().pem();
    [
        place.file("authority.pem", authority),
        place.file("certificate.pem", certificate),
        place.file("key.pem", key.serialize_pem()),
    ]
}

fn with_tls(place: &Place, name: &str) -> (Server, PathBuf) {
    let [authority, certificate, key] = certificates(place, name);
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let options = ["--tls-cert-file".to_owned(), path(&certificate), "--tls-key-file".to_owned(), path(&key)];
    let server = Server::start(place, &options.each_ref().map(String::as_str));
    (server, authority)
}

#[test]
fn tls_is_spoken_with_whom_the_operator_trusts() {
    for (name, host) in [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1")] {
        let place = Place::new();
        let (server, authority) = with_tls(&place, name);
        let nothing = place.file("nothing.pem", "");
        let served = |arguments: &[&str]| {
            let address = format!("mongodb://{host}:{}/files", server.port());
            strongroom!(place, "gridfs", address, "-l", place.path("log"))
                .args(arguments)
                .env("SSL_CERT_FILE", &nothing)
        };
        let trusted = authority.to_str().unwrap();
        assert_served(&served(&["--tls", "--tls-ca", trusted]));
        assert_served(&strongroom!(
            place,
            "gridfs",
            format!("mongodb://{host}:{}/files?tls=true", server.port()),
            "--tls-ca",
            trusted
        ));
        assert_not_served(&place, &served(&["--tls"]), &["certificate"]);
        assert_not_served(&place, &served(&[]), &[host]);
    }
}

#[test]
fn tls_with_another_name_is_refused() {
    let place = Place::new();
    let (server, authority) = with_tls(&place, "db.example");
    let address = format!("mongodb://127.0.0.1:{}/files?tls=true", server.port());
    let program = strongroom!(place, "gridfs", address, "-l", place.path("log"), "--tls-ca", authority);
    assert_not_served(&place, &program, &["certificate"]);
}

#[test]
fn tls_and_a_password_go_together() {
    let place = Place::new();
    let mut server = Server::start(&place, &[]);
    Peer::ask(&place, &server.database("files"), &["create-user", "alice", "pencil", "files"]);
    server.stop();
    let [authority, certificate, key] = certificates(&place, "127.0.0.1");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let server =
        Server::start(&place, &["--auth", "--tls-cert-file", &path(&certificate), "--tls-key-file", &path(&key)]);
    let database = server.database("files").with_user("alice", "pencil").with_options("tls=true");
    assert_served(&gridfs(&place, &database).arg("--tls-ca").arg(authority));
}

#[test]
fn a_name_that_leads_inside_is_refused_with_what_to_type() {
    let hostname = private_name().to_lowercase();
    let place = Place::new();
    let address = format!("mongodb://{hostname}:9/files");
    let program = strongroom!(place, "gridfs", address, "-l", place.path("log"));
    let refused = format!("network: {hostname}:9: refused, because it leads to ");
    assert_not_served(&place, &program, &[&refused, "if that is meant, --private\n"]);
}

#[test]
fn a_server_that_is_not_there_is_told_of() {
    let place = Place::new();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let address = format!("127.0.0.1:{port}");
    let program = gridfs(&place, &Database::at(port, "files"));
    assert_not_served(&place, &program, &[&format!("network: no connection to {address} (127.0.0.1): ")]);
}
