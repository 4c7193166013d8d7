//! The storage in the process of the test.

use simple::{CAPACITY, Simple};
use strongroom_guest::testing::Client;
use strongroom_guest::{AttributeChanges, ErrorCode, FileKind, OpenFlags, Result, Timestamp};

fn client() -> Client<Simple> {
    Client::connect(&[]).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    result.unwrap_err().code
}

#[test]
fn open_read_close() {
    let client = client();
    client.put("/services", "ssh 22/tcp\n").unwrap();
    let file = client.open("services", OpenFlags::READ).unwrap();
    assert_eq!(file.read(0, 100).unwrap(), b"ssh 22/tcp\n");
    file.close().unwrap();
}

#[test]
fn a_file_is_written_anywhere_appended_to_and_cut() {
    let client = client();
    let file = client.open("/f", OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE).unwrap();
    file.write(3, "def").unwrap();
    file.write(0, "abc").unwrap();
    let appending = client.open("/f", OpenFlags::WRITE | OpenFlags::APPEND).unwrap();
    appending.write(0, "ghi").unwrap();
    assert_eq!(file.read(1, 100).unwrap(), b"bcdefghi");
    file.set_stat(AttributeChanges { size: Some(2), ..AttributeChanges::NONE }).unwrap();
    file.sync().unwrap();
    assert_eq!(client.get("/f").unwrap(), b"ab");
    client.remove("/f").unwrap();
    assert_eq!(file.read(0, 100).unwrap(), b"ab", "open without a name");
    assert_eq!(code(client.open("/f", OpenFlags::READ)), ErrorCode::NoSuchFile);
}

#[test]
fn opening_creates_truncates_and_excludes() {
    let client = client();
    let exclusive = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    client.open("/f", exclusive).unwrap().close().unwrap();
    assert_eq!(code(client.open("/f", exclusive)), ErrorCode::AlreadyExists);
    client.symlink("nowhere", "/dangling").unwrap();
    assert_eq!(code(client.open("/dangling", exclusive)), ErrorCode::AlreadyExists);
    assert_eq!(code(client.open("/missing/f", exclusive)), ErrorCode::NoSuchFile);
    assert_eq!(code(client.open("/f/f", exclusive)), ErrorCode::NotADirectory);
    assert_eq!(code(client.open("/", OpenFlags::READ)), ErrorCode::IsADirectory);
    client.put("/f", "long").unwrap();
    client.put("/f", "s").unwrap();
    assert_eq!(client.get("/f").unwrap(), b"s");
}

#[test]
fn directories_are_made_listed_and_removed() {
    let client = client();
    client.make_directory("/d").unwrap();
    for name in ["one", "two", "three", "four"] {
        client.put(&format!("/d/{name}"), "").unwrap();
    }
    assert_eq!(client.names("/d").unwrap(), ["four", "one", "three", "two"]);
    assert_eq!(client.names("/").unwrap(), ["d"]);
    assert_eq!(code(client.make_directory("/d")), ErrorCode::AlreadyExists);
    assert_eq!(code(client.remove("/d")), ErrorCode::IsADirectory);
    assert_eq!(code(client.remove_directory("/d")), ErrorCode::NotEmpty);
    assert_eq!(code(client.remove_directory("/d/one")), ErrorCode::NotADirectory);
    assert_eq!(code(client.list("/d/one")), ErrorCode::NotADirectory);
    for name in client.names("/d").unwrap() {
        client.remove(&format!("/d/{name}")).unwrap();
    }
    client.remove_directory("/d").unwrap();
    assert_eq!(client.names("/").unwrap(), [""; 0]);
}

#[test]
fn renaming_moves_what_is_inside_and_replaces_only_if_it_may() {
    let client = client();
    client.make_directory("/a").unwrap();
    client.make_directory("/ab").unwrap();
    client.put("/a/f", "f").unwrap();
    client.rename("/a", "/z", false).unwrap();
    assert_eq!(client.names("/").unwrap(), ["ab", "z"]);
    assert_eq!(client.get("/z/f").unwrap(), b"f");
    client.put("/g", "g").unwrap();
    assert_eq!(code(client.rename("/g", "/z/f", false)), ErrorCode::AlreadyExists);
    client.rename("/g", "/z/f", true).unwrap();
    assert_eq!(client.get("/z/f").unwrap(), b"g");
    assert_eq!(code(client.rename("/z", "/z/inside", false)), ErrorCode::InvalidArgument);
    assert_eq!(code(client.rename("/ab", "/z", true)), ErrorCode::NotEmpty);
    assert_eq!(code(client.rename("/missing", "/m", false)), ErrorCode::NoSuchFile);
}

#[test]
fn links_are_followed_kept_and_counted_as_one_file() {
    let client = client();
    client.make_directory("/d").unwrap();
    client.put("/d/f", "f").unwrap();
    client.symlink("../d", "/d/self").unwrap();
    assert_eq!(client.real_path("/d/self/self/f").unwrap(), "/d/f");
    assert_eq!(client.real_path("/d/self/new").unwrap(), "/d/new");
    assert_eq!(client.read_link("/d/self").unwrap(), "../d");
    assert_eq!(client.stat_link("/d/self").unwrap().kind, FileKind::Symlink);
    assert_eq!(client.stat("/d/self").unwrap().kind, FileKind::Directory);
    assert_eq!(code(client.read_link("/d/f")), ErrorCode::InvalidArgument);
    client.symlink("loop", "/loop").unwrap();
    assert_eq!(code(client.stat("/loop")), ErrorCode::Loop);
    client.hard_link("/d/f", "/g").unwrap();
    client.put("/g", "both").unwrap();
    assert_eq!(client.get("/d/f").unwrap(), b"both");
    assert_eq!(code(client.hard_link("/d", "/e")), ErrorCode::PermissionDenied);
}

#[test]
fn attributes_are_kept() {
    let client = client();
    client.put("/f", "f").unwrap();
    let modified = Some(Timestamp::from_seconds(1));
    let changes = AttributeChanges { permissions: Some(0o600), modified, uid: Some(7), ..AttributeChanges::NONE };
    client.set_stat("/f", changes).unwrap();
    let kept = client.stat("/f").unwrap();
    assert_eq!((kept.permissions, kept.modified, kept.uid, kept.size), (Some(0o600), modified, Some(7), Some(1)));
    assert_eq!(code(client.set_stat("/missing", AttributeChanges::NONE)), ErrorCode::NoSuchFile);
    let cut = AttributeChanges { size: Some(0), ..AttributeChanges::NONE };
    assert_eq!(code(client.set_stat("/", cut)), ErrorCode::IsADirectory);
}

#[test]
fn what_is_free_is_counted_and_held_to() {
    let client = client();
    let free = |client: &Client<Simple>| client.usage("/").unwrap().blocks_free * 4096;
    client.put("/f", vec![0; 1 << 20]).unwrap();
    assert_eq!(free(&client), CAPACITY - (1 << 20));
    let file = client.open("/f", OpenFlags::WRITE).unwrap();
    assert_eq!(code(file.write(CAPACITY, "x")), ErrorCode::NoSpace);
    assert_eq!(code(file.write(u64::MAX, "x")), ErrorCode::FileTooLarge);
    file.close().unwrap();
    client.remove("/f").unwrap();
    assert_eq!(free(&client), CAPACITY);
}
