//! How sessions end: what was acknowledged is on disk, whoever ends them, and the exit status says what happened. In memory
//! there is no disk, and the rest is the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use strongroom_tests::packet::{Body, flag, kind};
use strongroom_tests::{Place, Program, Reply, strongroom};

type Server = fn(&Place) -> Program;

/// What sshd says of a connection.
const OVER_SSH: &str = "192.0.2.7 50000 192.0.2.1 22";

const SERVERS: [Server; 3] = [jail, jail_by_guest, memory];

fn jail(place: &Place) -> Program {
    strongroom!(place, "jail", place.directory("jail"))
}

/// Without native files.
fn jail_by_guest(place: &Place) -> Program {
    jail(place).args(["--set", "native=no"])
}

fn memory(place: &Place) -> Program {
    strongroom!(place, "memory")
}

/// Each server with each of these.
fn with_each<T: Copy, const N: usize>(cases: [T; N]) -> impl Iterator<Item = (Server, T)> {
    SERVERS.into_iter().flat_map(move |server| cases.map(|case| (server, case)))
}

/// What the jail has on disk; nothing of a server that serves none.
fn on_disk(place: &Place, name: &str) -> Option<Vec<u8>> {
    place.path("jail").is_dir().then(|| fs::read(place.path("jail").join(name)).unwrap())
}

#[track_caller]
fn assert_on_disk(place: &Place, name: &str, contents: &[u8]) {
    assert!(on_disk(place, name).is_none_or(|found| found == contents), "{name}");
}

#[test]
fn at_the_end_of_input_what_was_acknowledged_is_there() {
    for server in SERVERS {
        let place = Place::new();
        let mut client = server(&place).connect();
        let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
        client.write(&handle, 0, b"acknowledged").unwrap();
        let (status, errors) = client.finish();
        assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
        assert_on_disk(&place, "file", b"acknowledged");
    }
}

#[test]
fn requests_that_were_received_before_the_end_of_input_are_served() {
    for server in SERVERS {
        let place = Place::new();
        let mut client = server(&place).connect();
        let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
        for index in 0..100_u64 {
            client.send(kind::WRITE, Body::new().string(&handle).u64(index * 10_000).string([7; 10_000]));
        }
        client.send(kind::CLOSE, Body::new().string(&handle));
        client.send(kind::MKDIR, Body::new().string("/last").u32(0));
        let look = client.send(kind::STAT, Body::new().string("/file"));
        client.process().end_input();
        assert!(matches!(client.receive(look), Reply::Attributes(found) if found.size == Some(1_000_000)));
        assert!(client.finish().0.success());
        assert_on_disk(&place, "file", &[7; 1_000_000]);
        assert!(!place.path("jail").is_dir() || place.path("jail/last").is_dir());
    }
}

#[test]
fn sigterm_ends_the_session_and_keeps_what_was_acknowledged() {
    for server in SERVERS {
        let place = Place::new();
        let mut client = server(&place).connect();
        let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
        client.write(&handle, 0, &[9; 200_000]).unwrap();
        let (status, _) = client.terminate();
        assert_eq!(status.code(), Some(1));
        assert_on_disk(&place, "file", &[9; 200_000]);
    }
}

#[test]
fn a_packet_that_breaks_off_is_told_to_the_log_and_changes_nothing() {
    for server in SERVERS {
        let place = Place::new();
        let log = place.path("log");
        let mut client = server(&place).arg("-l").arg(&log).connect();
        let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
        client.write(&handle, 0, b"whole").unwrap();
        let half = Body::new().string(&handle).u64(0).string(b"half of this never comes").request(kind::WRITE, 1000);
        client.send_bytes(half[..half.len() / 2].to_vec());
        client.finish();
        assert_on_disk(&place, "file", b"whole");
        let log = fs::read_to_string(log).unwrap();
        assert!(log.contains("close \"/file\" bytes read 0 written 5"), "{log}");
        assert!(log.contains("session closed"), "{log}");
    }
}

#[test]
fn a_client_that_is_gone_ends_the_session_and_loses_nothing_acknowledged() {
    for server in SERVERS {
        let place = Place::new();
        let mut raw = server(&place).spawn_raw();
        let written = raw.open("/written", flag::WRITE | flag::CREAT);
        raw.request(kind::WRITE, Body::new().string(&written).u64(0).string(b"acknowledged"));
        let large = raw.open("/large", flag::READ | flag::WRITE | flag::CREAT);
        raw.request(kind::WRITE, Body::new().string(&large).u64(0).string([1; 250_000]));
        for id in 4..100 {
            raw.send(&Body::new().string(&large).u64(0).u32(200_000).request(kind::READ, id));
        }
        drop(raw.output.take());
        assert_eq!(raw.wait().code(), Some(1));
        assert_on_disk(&place, "written", b"acknowledged");
    }
}

#[test]
fn what_is_not_sftp_gets_one_sentence_and_status_1() {
    for (server, input) in with_each(["ls\n", "GET / HTTP/1.1\r\n\r\n", "\0\0\0\u{1}X"]) {
        let place = Place::new();
        let outcome = server(&place).input(input).run();
        assert_eq!(outcome.code(), Some(1), "{input:?}: {}", outcome.all());
        assert!(outcome.one_line().contains("sftp -D"), "{}", outcome.stderr);
        assert_eq!(outcome.text(), "");
    }
}

#[test]
fn a_person_behind_ssh_is_told_so_too() {
    for server in SERVERS {
        let place = Place::new();
        let outcome = server(&place).env("SSH_CONNECTION", OVER_SSH).input("echo hello\n").run();
        assert_eq!(outcome.code(), Some(1));
        assert!(outcome.one_line().contains("gives no shell"), "{}", outcome.stderr);
    }
}

#[test]
fn input_that_ends_before_init_gets_one_sentence_and_status_1() {
    for server in SERVERS {
        let place = Place::new();
        let outcome = server(&place).run();
        assert_eq!(outcome.code(), Some(1));
        outcome.one_line();
    }
}

#[test]
fn silence_ends_at_the_login_time_out() {
    for server in SERVERS {
        let place = Place::new();
        let mut client = server(&place).args(["--login-timeout", "100ms"]).unconnected();
        assert!(client.receive_packet().is_none());
        let status = client.process().wait();
        assert_eq!(status.code(), Some(1));
        let errors = client.process().errors();
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn another_command_over_ssh_gets_one_sentence_and_status_1() {
    for (server, command) in with_each(["ls -l", "scp -t /tmp", "rsync --server", ""]) {
        let place = Place::new();
        let server = server(&place).env("SSH_CONNECTION", OVER_SSH).env("SSH_ORIGINAL_COMMAND", command);
        let outcome = server.run();
        assert_eq!(outcome.code(), Some(1), "{command}");
        assert!(outcome.one_line().contains("runs no other command"), "{}", outcome.stderr);
    }
}

#[test]
fn commands_that_name_a_server_are_served() {
    for (server, command) in
        with_each(["internal-sftp", "/usr/lib/openssh/sftp-server -l INFO", "/usr/local/bin/strongroom jail /x"])
    {
        let place = Place::new();
        let server = server(&place).env("SSH_CONNECTION", OVER_SSH).env("SSH_ORIGINAL_COMMAND", command);
        server.connect().stat("/").unwrap();
    }
}
