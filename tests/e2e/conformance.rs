//! What clients of SFTP version 3 rely on and the draft does not always say, row by row as `tests/CONFORMANCE.md` has
//! it: against the jail, and against memory where no disk is needed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use strongroom_tests::client::refused;
use strongroom_tests::mongodb::Database;
use strongroom_tests::packet::{Attributes, Body, Fields, code, flag, kind};
use strongroom_tests::tools::tool;
use strongroom_tests::{Client, Place, Program, Reply, Status, guest, strongroom};

fn jail(place: &Place) -> Program {
    strongroom!(place, "jail", place.directory("jail")).umask("022")
}

fn memory(place: &Place) -> Program {
    strongroom!(place, "memory").umask("022")
}

/// A bucket of a database that `tests/run gridfs` brings.
fn gridfs(place: &Place) -> Program {
    strongroom!(place, "gridfs").args(Database::fresh().arguments(place)).args(["--umask", "022"])
}

/// Whether that is the storage in question, and not those that need nothing installed.
fn is_about_gridfs() -> bool {
    std::env::var_os("STRONGROOM_STORAGE").is_some_and(|name| name == "gridfs")
}

fn every_storage() -> &'static [fn(&Place) -> Program] {
    if is_about_gridfs() { &[gridfs] } else { &[jail, memory] }
}

/// Rows that every storage keeps.
fn in_every_storage(test: impl Fn(&mut Client)) {
    for server in every_storage() {
        let place = Place::new();
        let mut client = server(&place).connect();
        test(&mut client);
        client.stat("/").expect("the session goes on");
    }
}

/// Rows that need symbolic links.
fn in_each_storage(test: impl Fn(&mut Client)) {
    if !is_about_gridfs() {
        in_every_storage(test);
    }
}

fn code_of(reply: &Reply) -> u32 {
    let Reply::Status(status) = reply else { panic!("no status: {reply:?}") };
    status.code
}

#[test]
fn row_01_version_is_3_whatever_the_client_says_and_nothing_comes_before_init() {
    for server in every_storage() {
        for version in [3, 4, 6, u32::MAX] {
            let place = Place::new();
            let mut client = server(&place).unconnected();
            assert_eq!(client.process().received(), None);
            client.send_bytes(Body::new().u32(version).packet(kind::INIT));
            let (type_byte, body) = client.receive_packet().unwrap();
            assert_eq!((type_byte, Fields::new(&body).u32()), (kind::VERSION, 3));
        }
    }
}

#[test]
fn row_02_a_status_has_a_message_and_a_language_tag() {
    in_every_storage(|client| {
        client.send(kind::STAT, Body::new().string("/missing"));
        let (type_byte, body) = client.receive_packet().unwrap();
        assert_eq!(type_byte, kind::STATUS);
        let mut fields = Fields::new(&body);
        assert_eq!((fields.u32(), fields.u32()), (0, code::NO_SUCH_FILE));
        assert_eq!(fields.string(), b"No such file");
        fields.string();
        fields.end();
    });
}

#[test]
fn row_03_a_long_name_is_a_line_of_ls() {
    in_each_storage(|client| {
        client.put("/file", &[7; 12_345]).unwrap();
        client.mkdir("/directory", Some(0o750)).unwrap();
        client.symlink("file", "/link").unwrap();
        for (name, start) in [("file", "-rw-r--r--"), ("directory", "drwxr-x---"), ("link", "lrwxrwxrwx")] {
            let entries = client.entries("/").unwrap();
            let entry = entries.iter().find(|entry| entry.name == name.as_bytes()).unwrap();
            let line = String::from_utf8(entry.longname.clone()).unwrap();
            let columns: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((columns[0], *columns.last().unwrap(), columns.len()), (start, name, 9), "{line}");
            assert!(columns[2..5].iter().all(|column| column.parse::<u64>().is_ok()), "owners are numbers: {line}");
            assert!(name != "file" || columns[4] == "12345", "{line}");
        }
    });
}

#[test]
fn row_03_and_row_04_what_is_no_file_has_its_kind_too() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    tool(&place, "mkfifo").arg(place.path("jail/fifo")).succeed();
    let _socket = std::os::unix::net::UnixListener::bind(place.path("jail/socket")).unwrap();
    let entries = client.entries("/").unwrap();
    for (name, letter, kind) in [("fifo", b'p', 0o010_000), ("socket", b's', 0o140_000)] {
        let entry = entries.iter().find(|entry| entry.name == name.as_bytes()).unwrap();
        assert_eq!(entry.longname[0], letter, "{name}");
        assert_eq!(entry.attributes.permissions.unwrap() & 0o170_000, kind, "{name}");
        assert_eq!(client.lstat(format!("/{name}")).unwrap().permissions.unwrap() & 0o170_000, kind, "{name}");
    }
}

#[test]
fn row_04_permissions_carry_the_kind() {
    in_each_storage(|client| {
        client.put("/file", b"").unwrap();
        client.mkdir("/directory", None).unwrap();
        client.symlink("file", "/link").unwrap();
        let kind_of = |attributes: Attributes| attributes.permissions.unwrap() & 0o170_000;
        assert_eq!(kind_of(client.stat("/file").unwrap()), 0o100_000);
        assert_eq!(kind_of(client.stat("/link").unwrap()), 0o100_000);
        assert_eq!(kind_of(client.lstat("/link").unwrap()), 0o120_000);
        assert_eq!(kind_of(client.stat("/directory").unwrap()), 0o040_000);
        let handle = client.open("/file", flag::READ, None).unwrap();
        assert_eq!(kind_of(client.fstat(&handle).unwrap()), 0o100_000);
        for entry in client.entries("/").unwrap() {
            let expected = match entry.name.as_slice() {
                b"file" => 0o100_000,
                b"link" => 0o120_000,
                _ => 0o040_000,
            };
            assert_eq!(kind_of(entry.attributes), expected);
        }
    });
}

#[test]
fn row_05_symlink_takes_the_target_first() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    client.symlink("the/target", "/link").unwrap();
    assert_eq!(fs::read_link(place.path("jail/link")).unwrap().to_str(), Some("the/target"));
    in_each_storage(|client| {
        client.symlink("the/target", "/link").unwrap();
        assert_eq!(client.readlink("/link").unwrap(), b"the/target");
    });
}

#[test]
fn row_06_rename_keeps_what_is_there_and_posix_rename_replaces_it() {
    in_each_storage(|client| {
        client.put("/a", b"a").unwrap();
        client.put("/b", b"b").unwrap();
        client.symlink("nowhere", "/dangling").unwrap();
        client.mkdir("/directory", None).unwrap();
        for target in ["/b", "/dangling", "/directory", "/a"] {
            assert_eq!(refused(client.rename("/a", target)), code::FAILURE, "{target}");
        }
        client.posix_rename("/a", "/b").unwrap();
        assert_eq!(client.get("/b").unwrap(), b"a");
        assert_eq!(refused(client.stat("/a")), code::NO_SUCH_FILE);
    });
}

#[test]
fn row_07_realpath_begins_at_the_start_directory_and_ends_at_the_root() {
    in_each_storage(|client| {
        client.mkdir("/directory", None).unwrap();
        client.symlink("/directory", "/link").unwrap();
        for (path, real) in [
            (".", "/"),
            ("", "/"),
            ("/../..", "/"),
            ("missing", "/missing"),
            ("/link/missing", "/directory/missing"),
            ("link/.", "/directory"),
        ] {
            assert_eq!(client.realpath(path).unwrap(), real.as_bytes(), "{path}");
        }
        assert_eq!(refused(client.realpath("/missing/below")), code::NO_SUCH_FILE);
    });
    let place = Place::new();
    let mut client = jail(&place).connect();
    client.mkdir("/in", None).unwrap();
    let mut client = jail(&place).args(["-d", "/in"]).connect();
    assert_eq!(client.realpath(".").unwrap(), b"/in");
    assert_eq!(client.realpath("").unwrap(), b"/in");
}

#[test]
fn row_08_the_empty_path_is_no_file() {
    in_every_storage(|client| {
        assert_eq!(refused(client.stat("")), code::NO_SUCH_FILE);
        assert_eq!(refused(client.lstat("")), code::NO_SUCH_FILE);
    });
}

#[test]
fn row_09_reads_at_the_end_of_nothing_and_of_too_much() {
    in_every_storage(|client| {
        client.put("/file", &[5; 300_000]).unwrap();
        let handle = client.open("/file", flag::READ, None).unwrap();
        for offset in [300_000, 300_001, 1 << 40] {
            assert_eq!(refused(client.read(&handle, offset, 1)), code::EOF);
        }
        assert_eq!(client.read(&handle, 0, 0).unwrap(), b"");
        assert_eq!(client.read(&handle, 299_999, 10).unwrap(), [5]);
        let most = client.read(&handle, 0, u32::MAX).unwrap();
        assert_eq!(most, [5; 261_120]);
    });
}

#[test]
fn row_10_no_reply_is_longer_than_openssh_takes() {
    for server in [jail, memory] {
        // With its header a DATA has 13 bytes more, of which 4 are not counted in OpenSSH's 256 KiB.
        for (most, length) in [("255K", 261_120), ("1M", 262_135)] {
            let place = Place::new();
            let mut client = server(&place).args(["--max-read", most]).connect();
            client.put("/file", &[5; 600_000]).unwrap();
            let handle = client.open("/file", flag::READ, None).unwrap();
            assert_eq!(client.read(&handle, 0, u32::MAX).unwrap().len(), length, "{most}");
        }
    }
}

#[test]
fn row_11_listings_come_in_batches_and_end_again_and_again() {
    in_every_storage(|client| {
        for index in 0..350 {
            client.put(format!("/{index:0>200}"), b"").unwrap();
        }
        let handle = client.opendir("/").unwrap();
        let mut names = Vec::new();
        loop {
            let id = client.send(kind::READDIR, Body::new().string(&handle));
            let (_, body) = client.receive_packet().unwrap();
            assert!(body.len() < 128 << 10, "sshfs refuses longer ones");
            let mut fields = Fields::new(&body);
            assert_eq!(fields.u32(), id);
            let count = fields.u32();
            if body.len() < 100 {
                assert_eq!(count, code::EOF);
                break;
            }
            assert!(count <= 130, "a batch of {count}");
            names.extend((0..count).map(|_| fields.entry().name));
        }
        assert_eq!(refused(client.readdir(&handle)), code::EOF);
        assert_eq!(refused(client.readdir(&handle)), code::EOF);
        assert_eq!(names.len(), 352);
        assert!(names.contains(&b".".to_vec()) && names.contains(&b"..".to_vec()));
    });
}

#[test]
fn row_12_a_handle_of_the_wrong_kind_is_a_failure() {
    in_every_storage(|client| {
        client.put("/file", b"").unwrap();
        let file = client.open("/file", flag::READ, None).unwrap();
        let directory = client.opendir("/").unwrap();
        assert_eq!(refused(client.fstat(&directory)), code::FAILURE);
        assert_eq!(refused(client.read(&directory, 0, 1)), code::FAILURE);
        assert_eq!(refused(client.readdir(&file)), code::FAILURE);
        client.close(&file).unwrap();
        client.close(&directory).unwrap();
    });
}

#[test]
fn row_13_append_ignores_offsets_and_trunc_needs_no_creat() {
    in_every_storage(|client| {
        client.put("/file", b"start").unwrap();
        let handle = client.open("/file", flag::WRITE | flag::APPEND, None).unwrap();
        for offset in [0, 2, 1 << 30, u64::MAX] {
            client.write(&handle, offset, b"+").unwrap();
        }
        client.close(&handle).unwrap();
        assert_eq!(client.get("/file").unwrap(), b"start++++");
        let handle = client.open("/file", flag::WRITE | flag::TRUNC, None).unwrap();
        assert_eq!(client.fstat(&handle).unwrap().size, Some(0));
    });
}

#[test]
fn row_14_open_without_flags_reads_and_a_directory_is_no_file() {
    in_every_storage(|client| {
        client.put("/file", b"text").unwrap();
        let handle = client.open("/file", 0, None).unwrap();
        assert_eq!(client.read(&handle, 0, 10).unwrap(), b"text");
        for flags in [0, flag::READ, flag::WRITE, flag::READ | flag::WRITE, flag::WRITE | flag::CREAT] {
            assert_eq!(refused(client.open("/", flags, None)), code::FAILURE, "{flags}");
        }
    });
}

#[test]
fn row_15_new_files_have_what_was_asked_for_less_the_umask() {
    in_every_storage(|client| {
        for (sent, kept) in [(None, 0o644), (Some(0o100_777), 0o755), (Some(0o600), 0o600), (Some(0o666), 0o644)] {
            let handle = client.open("/file", flag::WRITE | flag::CREAT, sent).unwrap();
            client.close(&handle).unwrap();
            assert_eq!(client.stat("/file").unwrap().mode(), kept, "{sent:?}");
            client.remove("/file").unwrap();
        }
        client.mkdir("/directory", None).unwrap();
        assert_eq!(client.stat("/directory").unwrap().mode(), 0o755);
    });
}

#[test]
fn row_16_what_is_a_failure_and_what_is_not_there() {
    in_every_storage(|client| {
        client.put("/file", b"").unwrap();
        client.mkdir("/directory", None).unwrap();
        client.put("/directory/file", b"").unwrap();
        let exclusive = flag::WRITE | flag::CREAT | flag::EXCL;
        assert_eq!(refused(client.open("/file", exclusive, None)), code::FAILURE);
        assert_eq!(refused(client.mkdir("/directory", None)), code::FAILURE);
        assert_eq!(refused(client.rmdir("/directory")), code::FAILURE);
        assert_eq!(refused(client.remove("/directory")), code::FAILURE);
        assert_eq!(refused(client.rmdir("/file")), code::NO_SUCH_FILE);
        assert_eq!(refused(client.opendir("/file")), code::NO_SUCH_FILE);
    });
}

#[test]
fn row_17_errors_have_openssh_statuses() {
    in_each_storage(|client| {
        client.put("/file", b"").unwrap();
        client.symlink("loop", "/loop").unwrap();
        assert_eq!(refused(client.stat("/missing")), code::NO_SUCH_FILE);
        assert_eq!(refused(client.stat("/file/below")), code::NO_SUCH_FILE);
        assert_eq!(refused(client.stat("/loop")), code::NO_SUCH_FILE);
        assert_eq!(refused(client.readlink("/file")), code::BAD_MESSAGE);
        assert_eq!(refused(client.mkdir([b'n'; 256], None)), code::BAD_MESSAGE);
    });
    let place = Place::new();
    let mut client = jail(&place).connect();
    client.mkdir("/closed", Some(0)).unwrap();
    assert_eq!(refused(client.stat("/closed/file")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.setstat("/closed", &Attributes::owner(0, 0))), code::PERMISSION_DENIED);
    client.setstat("/closed", &Attributes::permissions(0o700)).unwrap();
}

#[test]
fn row_18_reading_a_handle_that_writes_is_a_failure() {
    in_every_storage(|client| {
        client.put("/file", b"text").unwrap();
        let handle = client.open("/file", flag::WRITE, None).unwrap();
        assert_eq!(refused(client.read(&handle, 0, 4)), code::FAILURE);
        let handle = client.open("/file", flag::READ, None).unwrap();
        // EBADF, which row 17 has.
        assert_eq!(refused(client.write(&handle, 0, b"x")), code::NO_SUCH_FILE);
    });
}

#[test]
fn row_20_setstat_applies_everything_and_needs_a_file() {
    in_every_storage(|client| {
        client.put("/file", b"a longer text").unwrap();
        let all = Attributes {
            size: Some(3),
            permissions: Some(0o400),
            times: Some((1_000_000_000, 1_100_000_000)),
            ..Attributes::default()
        };
        client.setstat("/file", &all).unwrap();
        let found = client.stat("/file").unwrap();
        assert_eq!((found.size, found.mode(), found.times), (all.size, 0o400, all.times));
        client.setstat("/file", &Attributes::default()).unwrap();
        assert_eq!(refused(client.setstat("/missing", &Attributes::default())), code::NO_SUCH_FILE);
        assert_eq!(refused(client.setstat("/missing", &all)), code::NO_SUCH_FILE);
    });
}

/// Size, permissions, times, owner: what comes before the one that is refused is done, and what comes after is not.
#[test]
fn row_20_setstat_ends_at_the_first_that_is_refused() {
    let owner = |attributes: Attributes| Attributes { owner: Some((0, 0)), ..attributes };
    let times = Attributes::times(1_000_000_000, 1_100_000_000);
    let place = Place::new();
    let mut client = jail(&place).connect();
    for by_handle in [false, true] {
        let path = format!("/{by_handle}");
        client.put(&path, b"0123456789").unwrap();
        let handle = client.open(&path, flag::READ | flag::WRITE, None).unwrap();
        let changes = owner(Attributes { size: Some(4), permissions: Some(0o600), ..times.clone() });
        let refusal = if by_handle { client.fsetstat(&handle, &changes) } else { client.setstat(&path, &changes) };
        assert_eq!(refused(refusal), code::PERMISSION_DENIED);
        let seen = client.stat(&path).unwrap();
        assert_eq!((seen.size, seen.mode(), seen.times), (Some(4), 0o600, times.times), "{path}");
    }
    client.mkdir("/directory", Some(0o755)).unwrap();
    let changes = Attributes { size: Some(4), ..Attributes::permissions(0o700) };
    refused(client.setstat("/directory", &changes));
    assert_eq!(client.stat("/directory").unwrap().mode(), 0o755);
}

/// WinSCP, and whoever else keeps times, sends them at the end of each upload.
#[test]
fn row_21_a_storage_without_times_can_be_told_to_accept_them() {
    let place = Place::new();
    let timeless = ["--set", "fault=no-times", "--cache-dir", place.cache().to_str().unwrap()].map(str::to_owned);
    let timeless = || strongroom!(place, "run", guest("faulty")).args(&timeless);
    let times = Attributes::times(1_000_000_000, 1_000_000_000);
    let mut client = timeless().connect();
    assert_eq!(refused(client.setstat("/scratch", &times)), code::OP_UNSUPPORTED);
    let mut client = timeless().arg("--ignore-unsupported-attributes").connect();
    client.setstat("/scratch", &times).unwrap();
    let handle = client.open("/scratch", flag::WRITE, None).unwrap();
    client.fsetstat(&handle, &times).unwrap();
    assert_eq!(refused(client.setstat("/missing", &times)), code::NO_SUCH_FILE);
}

#[test]
fn row_21_an_upload_as_winscp_does_it() {
    in_every_storage(|client| {
        let handle = client.open("/text.filepart", flag::WRITE | flag::CREAT | flag::TRUNC, Some(0o644)).unwrap();
        client.write(&handle, 0, b"text").unwrap();
        client.close(&handle).unwrap();
        client.rename("/text.filepart", "/text").unwrap();
        client.setstat("/text", &Attributes::times(1_000_000_000, 1_000_000_001)).unwrap();
        assert_eq!(client.stat("/text").unwrap().times, Some((1_000_000_000, 1_000_000_001)));
    });
}

#[test]
fn row_22_the_unknown_is_unsupported_and_no_client_waits_for_it() {
    in_every_storage(|client| {
        for unknown in [0, 21, 99, 104, 199, 202, 255] {
            assert_eq!(code_of(&client.request(unknown, Body::new().string("x"))), code::OP_UNSUPPORTED, "{unknown}");
        }
        for name in ["", "x", "posix-rename", "posix-rename@openssh.com\0"] {
            assert_eq!(code_of(&client.extended(name, Body::new())), code::OP_UNSUPPORTED, "{name:?}");
        }
        let names = client.extended("users-groups-by-id@openssh.com", Body::new().string([0; 4]).string(b""));
        assert_eq!(code_of(&names), code::OP_UNSUPPORTED, "not advertised without --show-names");
    });
}

#[test]
fn row_25_copies_onto_the_same_handle_may_not_overlap() {
    in_every_storage(|client| {
        client.put("/file", b"0123456789").unwrap();
        let handle = client.open("/file", flag::READ | flag::WRITE, None).unwrap();
        let mut copy = |from: u64, length: u64, to: u64| {
            let body = Body::new().string(&handle).u64(from).u64(length).string(&handle).u64(to);
            code_of(&client.extended("copy-data", body))
        };
        assert_eq!(copy(0, 5, 4), code::FAILURE);
        assert_eq!(copy(0, 0, 4), code::FAILURE);
        assert_eq!(copy(0, 5, 5), code::OK);
        assert_eq!(client.read(&handle, 0, 100).unwrap(), b"0123401234");

        let to = client.open("/copy", flag::READ | flag::WRITE | flag::CREAT, None).unwrap();
        let body = Body::new().string(&handle).u64(2).u64(0).string(&to).u64(3);
        assert_eq!(code_of(&client.extended("copy-data", body)), code::OK);
        assert_eq!(client.read(&to, 0, 100).unwrap(), b"\0\0\x0023401234");
    });
}

/// In the kernel for native files, through the guest's `copying`, and by the host for a guest that has none.
#[test]
fn row_25_copies_are_made_in_the_kernel_by_the_guest_and_by_the_host() {
    let place = Place::new();
    let by_guest = strongroom!(place, "jail", place.directory("by-guest"), "--set", "native=no").umask("022");
    let bytes: Vec<u8> = (0..600_000_u32).map(|index| (index % 251) as u8).collect();
    for server in [jail(&place), by_guest, memory(&place)] {
        let mut client = server.connect();
        client.put("/file", &bytes).unwrap();
        let from = client.open("/file", flag::READ, None).unwrap();
        let to = client.open("/copy", flag::WRITE | flag::CREAT, None).unwrap();
        let body = Body::new().string(&from).u64(1).u64(0).string(&to).u64(2);
        assert_eq!(code_of(&client.extended("copy-data", body)), code::OK);
        assert!(client.get("/copy").unwrap() == [b"\0\0", &bytes[1..]].concat());
    }
    // This guest exports no `copying`.
    let mut client = strongroom!(place, "run", guest("faulty")).connect();
    assert_eq!(client.extensions["copy-data"], "1");
    let from = client.open("/hello", flag::READ, None).unwrap();
    let to = client.open("/scratch", flag::READ | flag::WRITE, None).unwrap();
    let body = Body::new().string(&from).u64(7).u64(5).string(&to).u64(0);
    assert_eq!(code_of(&client.extended("copy-data", body)), code::OK);
    assert_eq!(client.read(&to, 0, 100).unwrap(), b"world");
}

#[test]
fn row_26_stat_follows_links_and_lstat_does_not() {
    in_each_storage(|client| {
        client.put("/file", b"text").unwrap();
        client.symlink("/file", "/link").unwrap();
        client.symlink("/nowhere", "/dangling").unwrap();
        assert_eq!(client.stat("/link").unwrap().size, Some(4));
        assert!(client.lstat("/link").unwrap().is_symlink());
        assert_eq!(refused(client.stat("/dangling")), code::NO_SUCH_FILE);
        assert!(client.lstat("/dangling").unwrap().is_symlink());
        assert_eq!(client.readlink("/dangling").unwrap(), b"/nowhere");
    });
}

#[test]
fn row_27_limits_are_openssh_sizes() {
    in_every_storage(|client| {
        let Reply::Extended(bytes) = client.extended("limits@openssh.com", Body::new()) else { panic!("no limits") };
        let mut fields = Fields::new(&bytes);
        assert_eq!([fields.u64(), fields.u64(), fields.u64(), fields.u64()], [262_144, 261_120, 261_120, 1000]);
    });
}

#[test]
fn row_28_the_log_has_openssh_lines() {
    for server in every_storage() {
        assert_openssh_lines(server);
    }
}

fn assert_openssh_lines(server: &fn(&Place) -> Program) {
    let place = Place::new();
    let log = place.path("log");
    let server = server(&place).arg("-l").arg(&log).env("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22");
    let mut client = server.env("SSH_ORIGINAL_COMMAND", "internal-sftp").env("USER", "alice").connect();
    let handle = client.open("/file", flag::WRITE | flag::CREAT, Some(0o600)).unwrap();
    client.write(&handle, 0, b"12345").unwrap();
    client.close(&handle).unwrap();
    client.mkdir("/directory", Some(0o750)).unwrap();
    client.entries("/directory").unwrap();
    client.setstat("/file", &Attributes { size: Some(2), permissions: Some(0o640), ..Attributes::default() }).unwrap();
    client.rename("/file", "/renamed").unwrap();
    client.remove("/renamed").unwrap();
    refused(client.remove("/renamed"));
    client.finish();
    let log = fs::read_to_string(log).unwrap();
    for line in [
        "session opened for local user alice from [192.0.2.7]",
        "open \"/file\" flags WRITE,CREATE mode 0600",
        "close \"/file\" bytes read 0 written 5",
        "mkdir name \"/directory\" mode 0750",
        "opendir \"/directory\"",
        "set \"/file\" size 2",
        "set \"/file\" mode 0640",
        "rename old \"/file\" new \"/renamed\"",
        "remove name \"/renamed\"",
        "sent status No such file",
        "session closed for local user alice from [192.0.2.7]",
    ] {
        assert!(log.lines().any(|logged| logged.ends_with(line)), "{line}\n{log}");
    }
}

#[test]
fn owners_are_numbers_and_other_users_are_not_told_of() {
    in_every_storage(|client| {
        assert!(!client.extensions.contains_key("users-groups-by-id@openssh.com"));
        let ask = |client: &mut Client, name: &str, text: &str| client.extended(name, Body::new().string(text));
        let message = |reply: Reply| if let Reply::Status(status) = reply { status } else { panic!("{reply:?}") };
        let known = message(ask(client, "expand-path@openssh.com", "~root/x"));
        assert_eq!(known, message(ask(client, "expand-path@openssh.com", "~no-such-user-at-all/x")));
        let known = message(ask(client, "home-directory", "root"));
        assert_eq!(known, message(ask(client, "home-directory", "no-such-user-at-all")));
        for (name, text) in [("expand-path@openssh.com", "~/x/.."), ("home-directory", "")] {
            let Reply::Names(names) = ask(client, name, text) else { panic!("{name}") };
            assert_eq!(names[0].name, b"/", "{name}");
        }
    });
}

#[test]
fn with_show_names_owners_have_names() {
    for server in every_storage() {
        let place = Place::new();
        assert_owners_have_names(&mut server(&place).arg("--show-names").connect());
    }
}

fn assert_owners_have_names(client: &mut Client) {
    assert_eq!(client.extensions["users-groups-by-id@openssh.com"], "1");
    let ids = |ids: &[u32]| ids.iter().flat_map(|id| id.to_be_bytes()).collect::<Vec<u8>>();
    let body = Body::new().string(ids(&[0, 4_000_000_001])).string(ids(&[0]));
    let Reply::Extended(bytes) = client.extended("users-groups-by-id@openssh.com", body) else { panic!("no names") };
    let mut fields = Fields::new(&bytes);
    assert_eq!(fields.string(), [&b"\0\0\0\x04root\0\0\0\0"[..]].concat());
    assert_eq!(fields.string(), b"\0\0\0\x04root");
    client.put("/file", b"").unwrap();
    // A jail's has one from the start, others are nobody's until somebody says whose.
    if client.stat("/file").unwrap().owner.is_none() {
        client.setstat("/file", &Attributes::owner(0, 0)).unwrap();
    }
    let uid = client.stat("/file").unwrap().owner.unwrap().0;
    let entries = client.entries("/").unwrap();
    let line = String::from_utf8(entries.iter().find(|entry| entry.name == b"file").unwrap().longname.clone()).unwrap();
    let owner = line.split_whitespace().nth(2).unwrap();
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let account = passwd.lines().find(|account| account.split(':').nth(2) == Some(&uid.to_string()));
    let expected = account.map_or_else(|| uid.to_string(), |account| account.split(':').next().unwrap().to_owned());
    assert_eq!(owner, expected, "{line}");
}

/// As paramiko asks for them, which names a handle in `check-file`, and as others do.
#[test]
fn hashes_of_files_are_those_of_their_bytes() {
    const OF_ABC: [(&str, &str); 4] = [
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "sha512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ];
    // Of 256 times "a", and of 44 more.
    const OF_TWO_BLOCKS: &str = "81109eec5aa1a284fb5327b10e9c16b94c3c7c067634daec9716a80ea886d123";
    in_every_storage(|client| {
        client.put("/file", b"xxabcxx").unwrap();
        client.put("/blocks", &[b'a'; 300]).unwrap();
        let handle = client.open("/file", flag::READ, None).unwrap();
        let blocks = client.open("/blocks", flag::READ, None).unwrap();
        for (name, target, other) in [
            ("check-file", &handle[..], &blocks[..]),
            ("check-file-handle", &handle[..], &blocks[..]),
            ("check-file-name", &b"/file"[..], &b"/blocks"[..]),
        ] {
            for (algorithm, hash) in OF_ABC {
                let wanted = format!("crc32,{algorithm},md5");
                assert_eq!(hash_of(client, name, target, &wanted, (2, 3), 0), (algorithm.to_owned(), hash.to_owned()));
            }
            let (_, hashes) = hash_of(client, name, other, "md5", (0, 0), 256);
            assert_eq!(hashes, OF_TWO_BLOCKS, "{name}");
            let body = |algorithms: &str, block| Body::new().string(target).string(algorithms).u64(0).u64(0).u32(block);
            assert_eq!(code_of(&client.extended(name, body("sha256", 255))), code::FAILURE);
            assert_eq!(code_of(&client.extended(name, body("crc32", 0))), code::FAILURE);
        }
    });
}

/// The algorithm that was chosen, and the hashes of all blocks behind one another.
fn hash_of(
    client: &mut Client,
    name: &str,
    target: &[u8],
    algorithms: &str,
    (start, length): (u64, u64),
    block: u32,
) -> (String, String) {
    let body = Body::new().string(target).string(algorithms).u64(start).u64(length).u32(block);
    let Reply::Extended(bytes) = client.extended(name, body) else { panic!("{name} {algorithms}") };
    let mut fields = Fields::new(&bytes);
    assert_eq!(fields.string(), b"check-file");
    let algorithm = String::from_utf8(fields.string().to_vec()).unwrap();
    let hashes = &bytes[4 + "check-file".len() + 4 + algorithm.len()..];
    (algorithm, hashes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[test]
fn setid_bits_and_owners_are_the_operators_to_grant() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    client.put("/file", b"").unwrap();
    assert_eq!(refused(client.setstat("/file", &Attributes::permissions(0o4755))), code::PERMISSION_DENIED);
    let mut client = jail(&place).arg("--allow-setid").connect();
    client.setstat("/file", &Attributes::permissions(0o4755)).unwrap();
    assert_eq!(fs::metadata(place.path("jail/file")).unwrap().permissions().mode() & 0o7777, 0o4755);
}

#[test]
fn a_status_is_never_above_8() {
    in_every_storage(|client| {
        let replies = (1..=255_u8).filter(|kind| *kind != kind::INIT).map(|kind| client.request(kind, Body::new()));
        for reply in replies.collect::<Vec<_>>() {
            assert!(matches!(reply, Reply::Status(Status { code: 1..=8, .. })), "{reply:?}");
        }
    });
}
