//! What is no request of a script: how a session begins, and how many files it may have open.

use strongroom_tests::client::refused;
use strongroom_tests::packet::{Body, Fields, code, flag, kind};
use strongroom_tests::{Client, Place, Program, strongroom, tools};

/// Both servers, over empty directories of their own.
fn both(place: &Place) -> [Program; 2] {
    let theirs = tools::tool(place, "sftp-server").in_directory(place.directory("theirs"));
    let ours = strongroom!(place, "jail", "--show-names", place.directory("ours"));
    [theirs, ours]
}

/// The version, and the extensions that are named with it.
fn version(client: &mut Client, init: u32) -> (u32, Vec<(String, String)>) {
    client.send_bytes(Body::new().u32(init).packet(kind::INIT));
    let (type_byte, body) = client.receive_packet().unwrap();
    assert_eq!(type_byte, kind::VERSION);
    let mut fields = Fields::new(&body);
    let number = fields.u32();
    let mut extensions = Vec::new();
    while !fields.is_empty() {
        let mut text = || String::from_utf8(fields.string()).unwrap();
        extensions.push((text(), text()));
    }
    (number, extensions)
}

#[test]
fn version_names_all_that_openssh_names_whatever_the_client_speaks() {
    let place = Place::new();
    for init in [3, 4, 6] {
        let [theirs, ours] = both(&place).map(|server| {
            let mut client = server.unconnected();
            let first = version(&mut client, init);
            assert_eq!(version(&mut client, init), first, "another INIT is answered as the first");
            first
        });
        assert_eq!(theirs.0, ours.0);
        assert!(theirs.1.len() >= 9, "{theirs:?}");
        for extension in &theirs.1 {
            assert!(ours.1.contains(extension), "{extension:?} is not among {:?}", ours.1);
        }
    }
}

#[test]
fn a_handle_too_many_is_refused_as_by_openssh_and_the_session_goes_on() {
    let place = Place::new();
    let [theirs, ours] = both(&place).map(|server| {
        let limited = Program::new(&place, "/bin/sh").args(["-c", &format!("ulimit -n 64; exec {}", server.line())]);
        let mut client = limited.in_directory(place.directory("theirs")).connect();
        client.put("file", b"text").unwrap();
        let mut open = || client.open("file", flag::READ, None);
        let refusal = (0..100).map(|_| open()).find(Result::is_err).expect("at most 64 files are open");
        assert_eq!(refused(refusal), code::FAILURE);
        client.lstat("file").unwrap().size
    });
    assert_eq!(theirs, ours);
}
