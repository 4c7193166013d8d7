//! The large and the odd: files beyond 4 GiB, names that no one should give, directories of 100,000 entries, depth,
//! many handles, times outside of what 32 bits hold. In the jail, and in memory where that makes sense.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, UNIX_EPOCH};
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Attributes, code, flag};
use strongroom_tests::{Client, Place, Program, strongroom};

const GIB: u64 = 1 << 30;

fn jail(place: &Place) -> Program {
    strongroom!(place, "jail", place.directory("jail"))
}

fn memory(place: &Place) -> Program {
    strongroom!(place, "memory")
}

fn in_each_storage(test: impl Fn(&mut Client)) {
    for server in [jail, memory] {
        let place = Place::new();
        test(&mut server(&place).connect());
    }
}

#[test]
fn a_sparse_file_of_5_gib_is_read_and_written_beyond_4_gib() {
    for native in ["yes", "no"] {
        let place = Place::new();
        let mut client = jail(&place).args(["--set", &format!("native={native}")]).connect();
        let handle = client.open("/large", flag::READ | flag::WRITE | flag::CREAT, None).unwrap();
        client.fsetstat(&handle, &Attributes::size(5 * GIB)).unwrap();
        for offset in [4 * GIB - 3, 4 * GIB + 5, 5 * GIB - 7] {
            client.write(&handle, offset, b"beyond").unwrap();
            assert_eq!(client.read(&handle, offset, 6).unwrap(), b"beyond");
        }
        assert_eq!(client.read(&handle, 4 * GIB - 5, 20).unwrap(), b"\0\0beyond\0\0beyond\0\0\0\0");
        assert_eq!(client.read(&handle, 5 * GIB - 2, 20).unwrap(), b"d\0");
        assert_eq!(refused(client.read(&handle, 5 * GIB, 20)), code::EOF);
        client.write(&handle, 6 * GIB, b"end").unwrap();
        assert_eq!(client.fstat(&handle).unwrap().size, Some(6 * GIB + 3));
        client.close(&handle).unwrap();
        let entry = client.entries("/").unwrap().into_iter().find(|entry| entry.name == b"large").unwrap();
        assert!(String::from_utf8(entry.longname).unwrap().contains("6442450947"), "sizes are told in full");
        let on_disk = fs::metadata(place.path("jail/large")).unwrap();
        assert!(on_disk.blocks() * 512 < GIB, "holes stay holes");
    }
}

#[test]
fn copy_data_reaches_beyond_4_gib() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    let handle = client.open("/from", flag::READ | flag::WRITE | flag::CREAT, None).unwrap();
    client.write(&handle, 5 * GIB, b"far away").unwrap();
    let to = client.open("/to", flag::READ | flag::WRITE | flag::CREAT, None).unwrap();
    let body = strongroom_tests::packet::Body::new().string(&handle).u64(5 * GIB).u64(0).string(&to).u64(4 * GIB + 1);
    assert!(
        matches!(client.extended("copy-data", body), strongroom_tests::Reply::Status(status) if status.code == code::OK)
    );
    assert_eq!(client.read(&to, 4 * GIB + 1, 100).unwrap(), b"far away");
}

/// Its capacity bounds what it holds, not where that lies.
#[test]
fn memory_reads_and_writes_beyond_4_gib_too() {
    let place = Place::new();
    let mut client = memory(&place).connect();
    let handle = client.open("/large", flag::READ | flag::WRITE | flag::CREAT, None).unwrap();
    for offset in [5 * GIB, 4 * GIB - 3] {
        client.write(&handle, offset, b"beyond").unwrap();
        assert_eq!(client.read(&handle, offset, 6).unwrap(), b"beyond");
    }
    assert_eq!(client.read(&handle, 5 * GIB - 2, 20).unwrap(), b"\0\0beyond");
    assert_eq!(refused(client.read(&handle, 5 * GIB + 6, 20)), code::EOF);
    assert_eq!(client.fstat(&handle).unwrap().size, Some(5 * GIB + 6));
}

/// Names that file systems keep and clients stumble over.
fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "with space",
        " leading and trailing ",
        "quote\"and'quote",
        "back\\slash",
        "line\nfeed",
        "carriage\rreturn",
        "tab\tstop",
        "-rf",
        "--help",
        "...",
        "~",
        "*?[a]{b}",
        "$(command) `command` ;",
        "bell\u{7}escape\u{1b}[31m",
        "e\u{301} combining",
        "\u{e9} composed",
        "\u{202e}right to left",
        "\u{f0000}\u{10ffff} private use",
        "\u{f700}\u{f780}\u{f7ff} private use that stands for bytes elsewhere",
    ]
    .map(|name| name.as_bytes().to_vec())
    .to_vec();
    names.push(vec![b'n'; 255]);
    names.push("ü".repeat(127).into_bytes());
    names.extend(not_utf8());
    names
}

fn not_utf8() -> Vec<Vec<u8>> {
    let every_byte: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
    vec![
        b"latin \xe9".to_vec(),
        b"\xff".to_vec(),
        b"\xff\xfe".to_vec(),
        b"cut \xe2\x82".to_vec(),
        b"surrogate \xed\xa0\x80".to_vec(),
        b"overlong \xc0\xaf".to_vec(),
        every_byte,
        vec![0xff; 255],
    ]
}

#[test]
fn odd_names_are_kept_byte_for_byte() {
    in_each_storage(|client| {
        client.mkdir("/odd", None).unwrap();
        let path = |name: &[u8]| [b"/odd/", name].concat();
        for name in odd_names() {
            let answer = client.put(path(&name), &name);
            assert!(answer.is_ok(), "{}: {answer:?}", name.escape_ascii());
        }
        assert_eq!(names_of(client, "/odd"), odd_names().into_iter().collect());
        for name in odd_names() {
            let shown = name.escape_ascii();
            assert_eq!(client.get(path(&name)).unwrap(), name, "{shown}");
            assert_eq!(client.realpath(path(&name)).unwrap(), path(&name), "{shown}");
            client.symlink(&name, "/odd/link").unwrap();
            assert_eq!(client.readlink("/odd/link").unwrap(), name, "{shown}");
            assert_eq!(client.stat("/odd/link").unwrap().size, Some(name.len() as u64), "{shown}");
            client.remove("/odd/link").unwrap();
            client.rename(path(&name), "/odd/renamed").unwrap();
            assert_eq!(refused(client.stat(path(&name))), code::NO_SUCH_FILE, "{shown}");
            client.rename("/odd/renamed", path(&name)).unwrap();
            client.remove(path(&name)).unwrap();
            client.mkdir(path(&name), None).unwrap();
            client.rmdir(path(&name)).unwrap();
        }
        assert!(names_of(client, "/odd").is_empty());
    });
}

#[test]
fn odd_names_on_the_disk_are_those_that_the_client_sees() {
    let place = Place::new();
    let root = place.directory("jail");
    for name in odd_names() {
        fs::write(root.join(OsStr::from_bytes(&name)), &name).unwrap();
    }
    let mut client = jail(&place).connect();
    assert_eq!(names_of(&mut client, "/"), odd_names().into_iter().collect());
    for name in odd_names() {
        assert_eq!(client.get([b"/", name.as_slice()].concat()).unwrap(), name);
        client.remove([b"/", name.as_slice()].concat()).unwrap();
    }
    assert_eq!(fs::read_dir(root).unwrap().count(), 0);
}

#[test]
fn a_name_of_256_bytes_is_refused() {
    in_each_storage(|client| {
        assert_eq!(refused(client.put([b'n'; 256], b"")), code::BAD_MESSAGE);
        assert_eq!(refused(client.mkdir([b'n'; 256], None)), code::BAD_MESSAGE);
    });
}

fn names_of(client: &mut Client, path: &str) -> BTreeSet<Vec<u8>> {
    let names = client.entries(path).unwrap().into_iter().map(|entry| entry.name);
    names.filter(|name| name != b"." && name != b"..").collect()
}

#[test]
fn a_directory_of_100_000_entries_is_listed_whole() {
    let place = Place::new();
    let root = place.directory("jail");
    for index in 0..100_000 {
        File::create(root.join(format!("entry-{index}"))).unwrap();
    }
    assert_lists_100_000(&mut jail(&place).connect());
}

#[test]
fn a_directory_of_100_000_entries_is_listed_whole_in_memory() {
    let place = Place::new();
    let mut client = memory(&place).connect();
    for index in 0..100_000 {
        let handle = client.open(format!("/entry-{index}"), flag::WRITE | flag::CREAT, None).unwrap();
        client.close(&handle).unwrap();
    }
    assert_lists_100_000(&mut client);
}

fn assert_lists_100_000(client: &mut Client) {
    let entries = client.entries("/").unwrap();
    assert_eq!(entries.len(), 100_002);
    let names: BTreeSet<Vec<u8>> = entries.into_iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), 100_002);
    assert!((0..100_000).all(|index| names.contains(format!("entry-{index}").as_bytes())));
}

#[test]
fn a_tree_may_be_200_deep() {
    in_each_storage(|client| {
        let mut path = String::new();
        for depth in 0..200 {
            path.push_str(&format!("/level-{depth}"));
            client.mkdir(&path, None).unwrap();
        }
        client.put(format!("{path}/file"), b"deep").unwrap();
        assert_eq!(client.get(format!("{path}/file")).unwrap(), b"deep");
        assert_eq!(client.realpath(format!("{path}/file")).unwrap(), format!("{path}/file").as_bytes());
        client.rename(format!("{path}/file"), "/top").unwrap();
        assert_eq!(client.get("/top").unwrap(), b"deep");
        while !path.is_empty() {
            client.rmdir(&path).unwrap();
            path.truncate(path.rfind('/').unwrap());
        }
    });
}

#[test]
fn a_thousand_handles_are_open_at_once_and_one_more_is_a_failure() {
    in_each_storage(|client| {
        let flags = flag::READ | flag::WRITE | flag::CREAT;
        let handles: Vec<Vec<u8>> =
            (0..999).map(|index| client.open(format!("/file-{index}"), flags, None).unwrap()).collect();
        let directory = client.opendir("/").unwrap();
        assert_eq!(refused(client.open("/file-0", flag::READ, None)), code::FAILURE);
        assert_eq!(refused(client.opendir("/")), code::FAILURE);
        for (index, handle) in handles.iter().enumerate() {
            client.write(handle, 0, index.to_string().as_bytes()).unwrap();
        }
        for (index, handle) in handles.iter().enumerate() {
            assert_eq!(client.read(handle, 0, 10).unwrap(), index.to_string().as_bytes());
        }
        client.close(&directory).unwrap();
        let one_more = client.open("/file-0", flag::READ, None).unwrap();
        assert_eq!(client.read(&one_more, 0, 10).unwrap(), b"0");
        for handle in handles {
            client.close(&handle).unwrap();
        }
    });
}

#[test]
fn times_that_32_bits_do_not_hold_are_clamped() {
    let place = Place::new();
    let file = place.file("jail/file", b"");
    let set = |seconds: i64| {
        let magnitude = Duration::from_secs(seconds.unsigned_abs());
        let time = if seconds < 0 { UNIX_EPOCH - magnitude } else { UNIX_EPOCH + magnitude };
        let times = FileTimes::new().set_accessed(time).set_modified(time);
        File::options().write(true).open(&file).unwrap().set_times(times).unwrap();
        fs::metadata(&file).unwrap().mtime() == seconds
    };
    let mut client = jail(&place).connect();
    let mut held = 0;
    for (seconds, told) in [
        (-1, 0),
        (-1_000_000_000, 0),
        (0, 0),
        (0x7fff_ffff, 0x7fff_ffff),
        (0x8000_0000, 0x8000_0000),
        (0xffff_ffff, u32::MAX),
        (0x1_0000_0000, u32::MAX),
        (0x1_8000_0000, u32::MAX),
    ] {
        // A file system without room for such a time has clamped it already.
        if !set(seconds) {
            continue;
        }
        held += 1;
        assert_eq!(client.stat("/file").unwrap().times, Some((told, told)), "{seconds}");
        let entries = client.entries("/").unwrap();
        let entry = entries.iter().find(|entry| entry.name == b"file").unwrap();
        assert_eq!(entry.attributes.times, Some((told, told)), "{seconds}");
    }
    assert!(held >= 5, "the file system of the tests holds only {held} of these times");
}

#[test]
fn times_after_2038_are_set_as_sent() {
    in_each_storage(|client| {
        client.put("/file", b"").unwrap();
        for seconds in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
            client.setstat("/file", &Attributes::times(seconds, seconds)).unwrap();
            assert_eq!(client.stat("/file").unwrap().times, Some((seconds, seconds)));
        }
    });
}
