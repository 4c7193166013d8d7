//! What is no request of a script: how a session begins, how many files it may have open, and what a jail without
//! further options refuses.

use super::pair::{Mismatch, Pair};
use super::request::Request;
use super::script;
use super::seen::Seen;
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Attributes, Body, Fields, code, flag, kind};
use strongroom_tests::{Client, Place, Program, strongroom, tools};

/// Parts of the script in which attributes are set and shown.
const IN_A_STRICT_JAIL: [&str; 4] = ["handles", "attributes", "listings", "extensions"];

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

#[test]
fn without_options_a_jail_refuses_setid_bits_and_names_no_owners_and_all_else_is_answered_alike() {
    let mut pair = Pair::strict();
    for (_, part) in script::PARTS.iter().filter(|(name, _)| IN_A_STRICT_JAIL.contains(name)) {
        part(&mut pair);
    }
    let creat = flag::READ | flag::WRITE | flag::CREAT;
    for mode in [0o4700, 0o2700, 0o1700, 0o700] {
        pair.rebuild(script::make_tree);
        let attributes = Attributes::permissions(mode);
        pair.ask(Request::new(kind::OPEN).path("new").number(creat).attributes(attributes.clone()));
        pair.ask(Request::new(kind::MKDIR).path("new-directory").attributes(attributes));
    }
    let mut met = [0; 2];
    for Mismatch { request, theirs, ours, .. } in &pair.mismatches {
        let sets_id = request.attributes_sent().permissions.is_some_and(|mode| mode & 0o6000 != 0);
        let names_owners = request.is_extension("users-groups-by-id@openssh.com");
        let is_served = matches!(theirs, Seen::Status(code::OK) | Seen::Handle | Seen::Extended(_));
        // A link's bits nobody can set: what is not allowed is told first.
        let is_of_link = request.is_extension("lsetstat@openssh.com") && *theirs == Seen::Status(code::FAILURE);
        let refusal = if names_owners { code::OP_UNSUPPORTED } else { code::PERMISSION_DENIED };
        let is_it = (sets_id || names_owners) && (is_served || is_of_link) && *ours == Seen::Status(refusal);
        assert!(is_it, "{}", pair.report());
        met[usize::from(names_owners)] += 1;
    }
    assert!(met.iter().all(|count| *count > 2), "{met:?}");
}

#[test]
fn a_copy_within_one_file_ends_where_the_file_ended() {
    let mut pair = Pair::new();
    script::copies_onto_twins(&mut pair);
    assert!(pair.asked > 20 && pair.report().is_empty(), "\n{}", pair.report());
}
