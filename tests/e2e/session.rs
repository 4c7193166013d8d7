//! Sessions as a careful client and a careless one have them: what is asked is answered, in the jail, without native
//! files, and in memory; what is malformed costs a status or, where the stream can no longer be followed, the session.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use strongroom_tests::client::refused;
use strongroom_tests::packet::{Attributes, Body, Fields, code, flag, kind};
use strongroom_tests::requests::{Subjects, every_request, with_path};
use strongroom_tests::{Client, Place, Program, Reply, Status, guest, scenario, strongroom, tree};

fn jail(place: &Place) -> Program {
    strongroom!(place, "jail", place.directory("jail"))
}

fn memory(place: &Place) -> Program {
    strongroom!(place, "memory")
}

fn in_each_storage(test: impl Fn(&mut Client)) {
    in_each_storage_with(&[], test);
}

fn in_each_storage_with(options: &[&str], test: impl Fn(&mut Client)) {
    for server in [jail, memory] {
        let place = Place::new();
        let mut client = server(&place).args(options).connect();
        test(&mut client);
        let (status, errors) = client.finish();
        assert!(status.success(), "{status}: {errors}");
        assert_eq!(errors, "");
    }
}

fn is_status(reply: &Reply, code: u32) -> bool {
    matches!(reply, Reply::Status(Status { code: found, .. }) if *found == code)
}

#[test]
fn version_names_what_the_storage_can_do() {
    in_each_storage(|client| {
        for (name, version) in [
            ("posix-rename@openssh.com", "1"),
            ("statvfs@openssh.com", "2"),
            ("fstatvfs@openssh.com", "2"),
            ("hardlink@openssh.com", "1"),
            ("fsync@openssh.com", "1"),
            ("lsetstat@openssh.com", "1"),
            ("limits@openssh.com", "1"),
        ] {
            assert_eq!(client.extensions.get(name).map(String::as_str), Some(version), "{name}");
        }
    });
}

#[test]
fn every_request_is_answered_alike_with_and_without_native_files_and_in_memory() {
    let (native, guest_files, memory_place) = (Place::new(), Place::new(), Place::new());
    let through_host = scenario::converse(&mut jail(&native).connect());
    let through_guest = scenario::converse(&mut jail(&guest_files).args(["--set", "native=no"]).connect());
    assert_same_lines(&through_host, &through_guest);
    tree::assert_same_tree(&native.path("jail"), &guest_files.path("jail"));
    let in_memory = scenario::converse(&mut memory(&memory_place).connect());
    assert_same_lines(&through_host, &in_memory);
}

#[track_caller]
fn assert_same_lines(left: &[String], right: &[String]) {
    let differences: Vec<String> = left
        .iter()
        .zip(right)
        .filter(|(left, right)| left != right)
        .map(|(left, right)| format!("{left}\n    and {right}"))
        .collect();
    assert!(differences.is_empty(), "{} answers differ:\n{}", differences.len(), differences.join("\n"));
    assert_eq!(left.len(), right.len());
}

#[test]
fn limits_are_told() {
    in_each_storage(|client| {
        let Reply::Extended(bytes) = client.extended("limits@openssh.com", Body::new()) else { panic!("no limits") };
        let mut fields = Fields::new(&bytes);
        assert_eq!([fields.u64(), fields.u64(), fields.u64()], [262_144, 261_120, 261_120]);
        assert!(fields.u64() > 0);
        fields.end();
    });
}

#[test]
fn requests_in_flight_are_all_answered() {
    in_each_storage(|client| {
        let handle = client.open("/file", flag::READ | flag::WRITE | flag::CREAT, None).unwrap();
        let chunk = |index: u64| tree::Noise::new(index).bytes(32 << 10);
        let write = |index: u64| Body::new().string(&handle).u64(index << 15).string(chunk(index));
        let writes: Vec<u32> = (0..256).map(|index| client.send(kind::WRITE, write(index))).collect();
        let read = |index: u64| Body::new().string(&handle).u64(index << 15).u32(32 << 10);
        let reads: Vec<u32> = (0..256).map(|index| client.send(kind::READ, read(index))).collect();
        for id in writes {
            assert!(is_status(&client.receive(id), code::OK));
        }
        for (index, id) in reads.into_iter().enumerate() {
            assert_eq!(client.receive(id), Reply::Data(chunk(index as u64)), "chunk {index}");
        }
        client.close(&handle).unwrap();
    });
}

#[test]
fn a_close_sent_behind_writes_comes_after_them() {
    in_each_storage(|client| {
        let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
        for index in 0..64_u64 {
            client.send(kind::WRITE, Body::new().string(&handle).u64(index * 1000).string([index as u8; 1000]));
        }
        let close = client.send(kind::CLOSE, Body::new().string(&handle));
        let stat = client.send(kind::STAT, Body::new().string("/file"));
        assert!(is_status(&client.receive(close), code::OK));
        client.receive(stat);
        assert_eq!(client.stat("/file").unwrap().size, Some(64_000));
    });
}

#[test]
fn a_packet_may_come_a_byte_at_a_time() {
    in_each_storage(|client| {
        for byte in Body::new().string("/").request(kind::STAT, 77) {
            client.send_bytes(vec![byte]);
        }
        assert!(matches!(client.receive(77), Reply::Attributes(_)));
    });
}

#[test]
fn row_22_the_unknown_is_unsupported_and_the_session_goes_on() {
    in_each_storage(|client| {
        assert!(is_status(&client.request(99, Body::new().string("whatever")), code::OP_UNSUPPORTED));
        assert!(is_status(&client.extended("nothing@example.org", Body::new()), code::OP_UNSUPPORTED));
        client.stat("/").unwrap();
    });
}

#[test]
fn row_23_a_malformed_body_is_a_bad_message_and_the_session_goes_on() {
    in_each_storage(|client| {
        for (type_byte, body) in [
            (kind::OPEN, Body::new().string("/file")),
            (kind::READ, Body::new().u32(1000)),
            (kind::STAT, Body::new()),
            (kind::WRITE, Body::new().string("h").u64(0).u32(u32::MAX)),
            (kind::SETSTAT, Body::new().string("/file").u32(0x8000_0000).u32(u32::MAX)),
            (kind::STAT, Body::new().string(b"/nul\0in it")),
        ] {
            let reply = client.request(type_byte, body);
            assert!(is_status(&reply, code::BAD_MESSAGE), "type {type_byte}: {reply:?}");
        }
        client.stat("/").unwrap();
    });
}

/// A request is whole in one place only: wherever it is cut before that, it is a BAD_MESSAGE that changes nothing.
#[test]
fn row_23_every_request_that_is_cut_short_is_a_bad_message() {
    in_each_storage_with(&["--show-names"], |client| {
        client.put("/file", b"contents").unwrap();
        client.symlink("file", "/link").unwrap();
        let file_handle = client.open("/file", flag::READ | flag::WRITE, None).unwrap();
        let directory_handle = client.opendir("/").unwrap();
        let requests = every_request(&Subjects {
            file: "/file",
            link: "/link",
            new: "/new",
            file_handle: &file_handle,
            directory_handle: &directory_handle,
        });
        let is_there = |name: &String| requests.iter().any(|request| request.name == *name);
        let missing: Vec<&String> = client.extensions.keys().filter(|name| !is_there(name)).collect();
        assert!(missing.is_empty(), "no request of {missing:?} is tried");
        for request in &requests {
            let whole = request.body.bytes();
            for cut in 0..whole.len() {
                let reply = client.request(request.kind, Body::new().raw(&whole[..cut]));
                assert!(is_status(&reply, code::BAD_MESSAGE), "{} cut to {cut}: {reply:?}", request.name);
            }
        }
        assert_eq!(client.list("/").unwrap(), ["file", "link"]);
        assert_eq!(client.get("/file").unwrap(), b"contents");
        for request in &requests {
            let reply = client.request(request.kind, request.body.clone());
            let is_understood = !is_status(&reply, code::BAD_MESSAGE) && !is_status(&reply, code::OP_UNSUPPORTED);
            assert!(is_understood, "{} as a whole: {reply:?}", request.name);
        }
    });
}

#[test]
fn row_23_nul_is_a_bad_message_wherever_a_path_stands() {
    in_each_storage(|client| {
        client.put("/file", b"contents").unwrap();
        for path in ["\0", "/\0", "/a\0b", "/file\0", "/file\0/below", "\0/../file"] {
            for request in with_path(path, "/file", "/new") {
                let reply = client.request(request.kind, request.body.clone());
                assert!(is_status(&reply, code::BAD_MESSAGE), "{} {path:?}: {reply:?}", request.name);
            }
        }
        assert_eq!(client.list("/").unwrap(), ["file"]);
        assert_eq!(client.get("/file").unwrap(), b"contents");
    });
}

#[test]
fn row_23_nul_is_a_bad_message_in_the_name_of_a_user_too() {
    in_each_storage(|client| {
        for (name, text) in [
            ("home-directory", "\0"),
            ("home-directory", "ro\0ot"),
            ("expand-path@openssh.com", "~\0"),
            ("expand-path@openssh.com", "~ro\0ot/file"),
        ] {
            let reply = client.extended(name, Body::new().string(text));
            assert!(is_status(&reply, code::BAD_MESSAGE), "{name} {text:?}: {reply:?}");
        }
        client.stat("/").unwrap();
    });
}

#[test]
fn another_init_is_answered_as_by_openssh_and_handles_live_on() {
    in_each_storage(|client| {
        let handle = client.open("/file", flag::READ | flag::WRITE | flag::CREAT, None).unwrap();
        client.send_bytes(Body::new().u32(3).packet(kind::INIT));
        let (kind, version) = client.receive_packet().unwrap();
        assert_eq!((kind, &version[..4]), (kind::VERSION, &[0, 0, 0, 3][..]));
        client.send_bytes(vec![0, 0, 0, 3, kind::STAT, 0, 0]);
        let (kind, refusal) = client.receive_packet().unwrap();
        assert_eq!(
            (kind, &refusal[..8]),
            (kind::STATUS, &[0, 0, 0, 0, 0, 0, 0, 5][..]),
            "a request without a whole id"
        );
        client.close(&handle).unwrap();
    });
}

#[test]
fn row_23_what_breaks_the_stream_ends_the_session_with_a_line_in_the_log() {
    let init = Body::new().u32(3).packet(kind::INIT);
    let cases: [(&str, Vec<u8>); 4] = [
        ("an INIT without a version", vec![0, 0, 0, 1, kind::INIT]),
        ("a packet over the limit", [init.clone(), vec![0x7f, 0xff, 0xff, 0xff, kind::STAT]].concat()),
        ("a packet of no length", [init, vec![0, 0, 0, 0]].concat()),
        ("a request before INIT", Body::new().string("/").request(kind::STAT, 1)),
    ];
    for (what, bytes) in cases {
        let place = Place::new();
        let log = place.path("log");
        let mut client = jail(&place).arg("-l").arg(&log).unconnected();
        client.send_bytes(bytes);
        while client.receive_packet().is_some() {}
        let status = client.process().wait();
        assert_eq!(status.code(), Some(1), "{what}");
        let log = std::fs::read_to_string(&log).unwrap();
        assert!(log.contains("the connection is closed"), "{what}: {log}");
    }
}

#[test]
fn row_24_a_handle_too_many_is_a_failure_and_a_closed_one_is_unknown() {
    for server in [jail, memory] {
        let place = Place::new();
        let mut client = server(&place).args(["--max-handles", "3"]).connect();
        let create = flag::WRITE | flag::CREAT;
        let handles: Vec<Vec<u8>> =
            (0..3).map(|index| client.open(format!("/{index}"), create, None).unwrap()).collect();
        assert_eq!(refused(client.open("/3", create, None)), code::FAILURE);
        assert_eq!(refused(client.opendir("/")), code::FAILURE);
        client.close(&handles[1]).unwrap();
        let another = client.open("/3", create, None).unwrap();
        assert_ne!(another, handles[1], "a handle is never the same again");
        assert_eq!(refused(client.write(&handles[1], 0, b"x")), code::FAILURE);
        assert_eq!(refused(client.close(&handles[1])), code::NO_SUCH_FILE, "as handle_close of OpenSSH has it");
        assert_eq!(refused(client.fstat(b"")), code::FAILURE);
        assert_eq!(refused(client.fstat(&[0; 256])), code::FAILURE);
    }
}

#[test]
fn an_open_file_outlives_its_name() {
    in_each_storage(|client| {
        client.put("/old", b"old").unwrap();
        client.put("/new", b"new").unwrap();
        let handle = client.open("/old", flag::READ, None).unwrap();
        client.posix_rename("/new", "/old").unwrap();
        assert_eq!(client.read(&handle, 0, 10).unwrap(), b"old");
        client.close(&handle).unwrap();
        assert_eq!(client.get("/old").unwrap(), b"new");

        let handle = client.open("/old", flag::READ | flag::WRITE, None).unwrap();
        client.remove("/old").unwrap();
        client.write(&handle, 0, b"still").unwrap();
        assert_eq!(client.read(&handle, 0, 10).unwrap(), b"still");
        client.fsetstat(&handle, &Attributes::permissions(0o600)).unwrap();
        client.close(&handle).unwrap();
        assert_eq!(refused(client.stat("/old")), code::NO_SUCH_FILE);
    });
}

#[test]
fn memory_answers_no_space_before_it_runs_out() {
    let place = Place::new();
    let mut client = memory(&place).args(["--set", "capacity=1000000"]).connect();
    let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
    let mut written = 0;
    let status = loop {
        match client.write(&handle, written, &[1; 32 << 10]) {
            Ok(()) => written += 32 << 10,
            Err(status) => break status,
        }
        assert!(written < 10_000_000, "a megabyte holds ten");
    };
    assert_eq!(status.code, code::FAILURE);
    assert!(written > 500_000, "{written} bytes went in");
    client.close(&handle).unwrap();
    client.remove("/file").unwrap();
    client.put("/small", &[2; 100_000]).unwrap();
}

#[test]
fn memory_lives_as_long_as_its_session() {
    let place = Place::new();
    let mut client = memory(&place).connect();
    client.put("/file", b"here").unwrap();
    client.finish();
    assert_eq!(memory(&place).connect().list("/").unwrap(), Vec::<String>::new());
}

#[test]
fn a_slow_read_holds_up_nobody_and_slow_reads_wait_together() {
    let place = Place::new();
    let slow = strongroom!(place, "run", guest("slow"), "--set", "delay-ms=1000", "--cache-dir", place.cache());
    let mut client = slow.connect();
    let handle = client.open("/hello", flag::READ, None).unwrap();
    let read = || Body::new().string(&handle).u64(0).u32(100);
    let slow = client.send(kind::READ, read());
    let quick = client.send(kind::STAT, Body::new().string("/hello"));
    let (type_byte, body) = client.receive_packet().unwrap();
    assert_eq!((type_byte, Fields::new(&body).u32()), (kind::ATTRS, quick), "the second is answered first");
    assert_eq!(client.receive(slow), Reply::Data(b"hello, world\n".to_vec()));
    // One after the other they would take longer than a test may.
    let reads: Vec<u32> = (0..100).map(|_| client.send(kind::READ, read())).collect();
    for id in reads {
        assert_eq!(client.receive(id), Reply::Data(b"hello, world\n".to_vec()));
    }
}
