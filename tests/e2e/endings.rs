//! How sessions end: what was acknowledged is on disk, whoever ends them, and the exit status says what happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use strongroom_tests::packet::{Body, flag, kind};
use strongroom_tests::{Place, Program, strongroom};

fn jail(place: &Place) -> Program {
    strongroom!(place, "jail", place.directory("jail"))
}

#[test]
fn at_the_end_of_input_what_was_acknowledged_is_there() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
    client.write(&handle, 0, b"acknowledged").unwrap();
    let (status, errors) = client.finish();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    assert_eq!(fs::read(place.path("jail/file")).unwrap(), b"acknowledged");
}

#[test]
fn requests_that_were_received_before_the_end_of_input_are_served() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
    for index in 0..100_u64 {
        client.send(kind::WRITE, Body::new().string(&handle).u64(index * 10_000).string([7; 10_000]));
    }
    client.send(kind::CLOSE, Body::new().string(&handle));
    client.send(kind::MKDIR, Body::new().string("/last").u32(0));
    assert!(client.finish().0.success());
    assert_eq!(fs::read(place.path("jail/file")).unwrap(), [7; 1_000_000]);
    assert!(place.path("jail/last").is_dir());
}

#[test]
fn sigterm_ends_the_session_and_keeps_what_was_acknowledged() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
    client.write(&handle, 0, &[9; 200_000]).unwrap();
    let (status, _) = client.terminate();
    assert_eq!(status.code(), Some(1));
    assert_eq!(fs::read(place.path("jail/file")).unwrap(), [9; 200_000]);
}

#[test]
fn a_packet_that_breaks_off_is_told_to_the_log_and_changes_nothing() {
    let place = Place::new();
    let log = place.path("log");
    let mut client = jail(&place).arg("-l").arg(&log).connect();
    let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
    client.write(&handle, 0, b"whole").unwrap();
    let half = Body::new().string(&handle).u64(0).string(b"half of this never comes").request(kind::WRITE, 1000);
    client.send_bytes(half[..half.len() / 2].to_vec());
    client.finish();
    assert_eq!(fs::read(place.path("jail/file")).unwrap(), b"whole");
    assert!(fs::read_to_string(log).unwrap().contains("session closed"));
}

#[test]
fn a_client_that_is_gone_ends_the_session_and_loses_nothing_acknowledged() {
    let place = Place::new();
    let jail = place.directory("jail");
    fs::write(jail.join("large"), vec![1; 4 << 20]).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .arg("jail")
        .arg(&jail)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut say = |bytes: Vec<u8>| input.write_all(&bytes).unwrap();
    let mut hear = || {
        let mut length = [0; 4];
        output.read_exact(&mut length).unwrap();
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        output.read_exact(&mut packet).unwrap();
        packet
    };
    say(Body::new().u32(3).packet(kind::INIT));
    hear();
    say(Body::new().string("/written").u32(flag::WRITE | flag::CREAT).u32(0).request(kind::OPEN, 1));
    let written = hear()[9..].to_vec();
    say(Body::new().string(&written).u64(0).string(b"acknowledged").request(kind::WRITE, 2));
    hear();
    say(Body::new().string("/large").u32(flag::READ).u32(0).request(kind::OPEN, 3));
    let large = hear()[9..].to_vec();
    for id in 4..100 {
        say(Body::new().string(&large).u64(0).u32(200_000).request(kind::READ, id));
    }
    drop(output);
    let mut process = Watched(child);
    assert_eq!(process.wait().code(), Some(1));
    assert_eq!(fs::read(jail.join("written")).unwrap(), b"acknowledged");
    drop(input);
}

struct Watched(std::process::Child);

impl Watched {
    fn wait(&mut self) -> std::process::ExitStatus {
        let end = std::time::Instant::now() + strongroom_tests::PATIENCE;
        while std::time::Instant::now() < end {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        self.0.kill().unwrap();
        panic!("the server did not notice that its client is gone");
    }
}

#[test]
fn what_is_not_sftp_gets_one_sentence_and_status_1() {
    for input in ["ls\n", "GET / HTTP/1.1\r\n\r\n", "\0\0\0\u{1}X"] {
        let place = Place::new();
        let outcome = jail(&place).input(input).run();
        assert_eq!(outcome.code(), Some(1), "{input:?}: {}", outcome.all());
        assert!(outcome.one_line().contains("sftp -D"), "{}", outcome.stderr);
        assert_eq!(outcome.text(), "");
    }
}

#[test]
fn a_person_behind_ssh_is_told_so_too() {
    let place = Place::new();
    let server = jail(&place).env("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22");
    let outcome = server.input("echo hello\n").run();
    assert_eq!(outcome.code(), Some(1));
    assert!(outcome.one_line().contains("gives no shell"), "{}", outcome.stderr);
}

#[test]
fn input_that_ends_before_init_gets_one_sentence_and_status_1() {
    let place = Place::new();
    let outcome = jail(&place).run();
    assert_eq!(outcome.code(), Some(1));
    outcome.one_line();
}

#[test]
fn silence_ends_at_the_login_time_out() {
    let place = Place::new();
    let mut client = jail(&place).args(["--login-timeout", "100ms"]).unconnected();
    assert!(client.receive_packet().is_none());
    let status = client.process().wait();
    assert_eq!(status.code(), Some(1));
    let errors = client.process().errors();
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

#[test]
fn another_command_over_ssh_gets_one_sentence_and_status_1() {
    for command in ["ls -l", "scp -t /tmp", "rsync --server", ""] {
        let place = Place::new();
        let server =
            jail(&place).env("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22").env("SSH_ORIGINAL_COMMAND", command);
        let outcome = server.run();
        assert_eq!(outcome.code(), Some(1), "{command}");
        assert!(outcome.one_line().contains("runs no other command"), "{}", outcome.stderr);
    }
}

#[test]
fn commands_that_name_a_server_are_served() {
    for command in ["internal-sftp", "/usr/lib/openssh/sftp-server -l INFO", "/usr/local/bin/strongroom jail /x"] {
        let place = Place::new();
        let server =
            jail(&place).env("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22").env("SSH_ORIGINAL_COMMAND", command);
        server.connect().stat("/").unwrap();
    }
}
