//! What a client sees of the storage, without WebAssembly: `cargo test`.

use {{name}}::Notes;

use strongroom_guest::testing::Client;
use strongroom_guest::{ErrorCode, OpenFlags, Result};

fn client() -> Client<Notes> {
    Client::connect(&[("welcome", "hello")]).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    result.unwrap_err().code
}

#[test]
fn a_note_is_opened_read_and_closed() {
    let client = client();
    let note = client.open("/welcome.txt", OpenFlags::READ).unwrap();
    assert_eq!(note.read(0, 100).unwrap(), b"hello\n");
    note.close().unwrap();
}

#[test]
fn notes_are_written_listed_renamed_and_removed() {
    let client = client();
    client.put("/milk", "two bottles").unwrap();
    assert_eq!(client.names("/").unwrap(), ["milk", "welcome.txt"]);
    assert_eq!(client.stat("/milk").unwrap().size, Some(11));
    client.rename("/milk", "/welcome.txt", true).unwrap();
    assert_eq!(client.get("/welcome.txt").unwrap(), b"two bottles");
    client.remove("/welcome.txt").unwrap();
    assert_eq!(client.names("/").unwrap(), [""; 0]);
}

#[test]
fn a_note_is_changed_in_the_middle_and_at_its_end() {
    let client = client();
    let note = client.open("/note", OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE).unwrap();
    note.write(4, "four").unwrap();
    note.write(0, "zero").unwrap();
    let end = client.open("/note", OpenFlags::WRITE | OpenFlags::APPEND).unwrap();
    end.write(0, "!").unwrap();
    assert_eq!(note.read(0, 100).unwrap(), b"zerofour!");
    client.remove("/note").unwrap();
    assert_eq!(note.read(8, 100).unwrap(), b"!", "an open note outlives its name");
}

#[test]
fn what_cannot_be_says_why() {
    let client = client();
    let create = OpenFlags::WRITE | OpenFlags::CREATE;
    assert_eq!(code(client.open("/missing", OpenFlags::READ)), ErrorCode::NoSuchFile);
    assert_eq!(code(client.open("/", OpenFlags::READ)), ErrorCode::IsADirectory);
    assert_eq!(code(client.open("/welcome.txt/note", create)), ErrorCode::NotADirectory);
    assert_eq!(code(client.open("/welcome.txt", create | OpenFlags::EXCLUSIVE)), ErrorCode::AlreadyExists);
    assert_eq!(code(client.list("/welcome.txt")), ErrorCode::NotADirectory);
    assert_eq!(code(client.make_directory("/folder")), ErrorCode::Unsupported);
    assert_eq!(code(client.open("/huge", create).unwrap().write(1 << 40, "x")), ErrorCode::FileTooLarge);
    assert!(Client::<Notes>::connect(&[("wellcome", "a misspelt setting")]).is_err());
}
