//! SFTP packets, made by hand, to a component that `strongroom` runs.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use std::env;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The longest reply, as OpenSSH's clients take it.
const REPLY_MAX: usize = 256 << 10;

const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const WRITE: u8 = 6;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const EOF: u32 = 1;

/// A session with a component, through `strongroom` and as raw as you like. It ends when it is dropped.
///
/// The program is the one that the environment variable `STRONGROOM` names, or `strongroom` in the `PATH`.
///
/// ```no_run
/// use strongroom_guest::testing::{Packet, Served};
///
/// let mut served = Served::start("hello", &["--set", "greeting=hello"]);
/// let file = served.open("/hello", 1).unwrap();
/// assert_eq!(served.read(&file, 0, 5).unwrap(), b"hello");
/// served.close(&file).unwrap();
/// assert_eq!(served.list("/").unwrap(), [".", "..", "hello"]);
///
/// // SSH_FXP_STAT is answered by SSH_FXP_ATTRS.
/// let reply = served.request(Packet::new(17).string("/hello"));
/// assert_eq!(reply.type_byte, 105);
/// ```
#[derive(Debug)]
pub struct Served {
    child: Child,
    requests: Option<ChildStdin>,
    replies: ChildStdout,
    next_id: u32,
}

/// A request: its type and its fields, one after another. The id is put in when it is sent.
#[derive(Clone, Debug)]
pub struct Packet {
    type_byte: u8,
    fields: Vec<u8>,
}

/// A reply: its type and what follows the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// As `SSH_FXP_STATUS`, 101.
    pub type_byte: u8,
    /// The fields.
    pub fields: Vec<u8>,
}

/// The code of a STATUS that is not success, and its text.
type Status = (u32, String);

impl Served {
    /// Serves the component of the crate `name`, which `cargo build --release --target wasm32-wasip2` has left in the folder
    /// of the running test, with further arguments of `strongroom run`.
    ///
    /// # Panics
    ///
    /// If the component or the program is not there, or does not answer.
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        Self::start_file(&component(name), arguments)
    }

    /// Serves the component in `file`.
    ///
    /// # Panics
    ///
    /// As [`Served::start`].
    pub fn start_file(file: &Path, arguments: &[&str]) -> Self {
        let program = env::var_os("STRONGROOM").unwrap_or_else(|| OsString::from("strongroom"));
        let mut command = Command::new(&program);
        command.arg("run").arg(file).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| fail(&format!("{}: {error}; set STRONGROOM", program.display())));
        let (Some(mut requests), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            fail("a child without pipes")
        };
        // INIT has no id, but the version in its place.
        let init = Packet::new(1).with_id(3);
        requests.write_all(&init).unwrap_or_else(|error| fail(&format!("INIT was not taken: {error}")));
        let mut served = Self { child, requests: Some(requests), replies, next_id: 0 };
        let (version, _) = served.receive();
        assert_eq!(version.type_byte, 2, "VERSION answers INIT");
        served
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Panics
    ///
    /// If the server ends instead.
    pub fn request(&mut self, packet: Packet) -> Reply {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        self.send(&packet.with_id(id));
        let (reply, of) = self.receive();
        assert_eq!(of, id, "the reply is to the request");
        reply
    }

    /// Opens a file with the flags of SFTP: 1 to read, 2 to write, 8 to create, 16 to truncate. Gives its handle.
    ///
    /// # Errors
    ///
    /// The STATUS that came instead.
    pub fn open(&mut self, path: &str, flags: u32) -> Result<Vec<u8>, Status> {
        string_of(self.request(Packet::new(OPEN).string(path).u32(flags).u32(0)), HANDLE)
    }

    /// Up to `length` bytes; none at the end.
    ///
    /// # Errors
    ///
    /// The STATUS that came instead.
    pub fn read(&mut self, handle: &[u8], offset: u64, length: u32) -> Result<Vec<u8>, Status> {
        let data = self.request(Packet::new(READ).string(handle).u64(offset).u32(length));
        unless_end(string_of(data, DATA))
    }

    /// Writes.
    ///
    /// # Errors
    ///
    /// The STATUS, if it is not success.
    pub fn write(&mut self, handle: &[u8], offset: u64, data: &[u8]) -> Result<(), Status> {
        done(self.request(Packet::new(WRITE).string(handle).u64(offset).string(data)))
    }

    /// Closes a file or a directory.
    ///
    /// # Errors
    ///
    /// The STATUS, if it is not success.
    pub fn close(&mut self, handle: &[u8]) -> Result<(), Status> {
        done(self.request(Packet::new(CLOSE).string(handle)))
    }

    /// The names in a directory, in order, with '.' and '..'.
    ///
    /// # Errors
    ///
    /// The STATUS that came instead.
    pub fn list(&mut self, path: &str) -> Result<Vec<String>, Status> {
        let handle = string_of(self.request(Packet::new(OPENDIR).string(path)), HANDLE)?;
        let mut names = vec![];
        loop {
            let reply = self.request(Packet::new(READDIR).string(&handle));
            let more =
                unless_end(if reply.type_byte == NAME { Ok(entries(&reply.fields)) } else { Err(status(&reply)) })?;
            if more.is_empty() {
                break;
            }
            names.extend(more);
        }
        self.close(&handle)?;
        names.sort();
        Ok(names)
    }

    fn send(&mut self, bytes: &[u8]) {
        let requests = self.requests.as_mut().unwrap_or_else(|| fail("sent after the end"));
        requests.write_all(bytes).unwrap_or_else(|error| fail(&format!("the server is gone: {error}")));
    }

    /// The next reply and the id that it answers.
    fn receive(&mut self) -> (Reply, u32) {
        let length = self.receive_exactly(4);
        let length = Fields(&length).u32() as usize;
        assert!((5..=REPLY_MAX).contains(&length), "a reply of {length} bytes");
        let packet = self.receive_exactly(length);
        let mut fields = Fields(&packet);
        let (type_byte, id) = (fields.byte(), fields.u32());
        (Reply { type_byte, fields: fields.0.to_owned() }, id)
    }

    fn receive_exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let read = self.replies.read_exact(&mut bytes);
        read.unwrap_or_else(|error| fail(&format!("the server ended before it answered: {error}")));
        bytes
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The end of its input is the end of the session.
        self.requests.take();
        let _ = self.child.wait();
    }
}

impl Packet {
    /// A request of this type, as `SSH_FXP_OPEN`, 3.
    pub fn new(type_byte: u8) -> Self {
        Self { type_byte, fields: vec![] }
    }

    /// A further field of 32 bits.
    pub fn u32(mut self, value: u32) -> Self {
        self.fields.extend(value.to_be_bytes());
        self
    }

    /// A further field of 64 bits.
    pub fn u64(mut self, value: u64) -> Self {
        self.fields.extend(value.to_be_bytes());
        self
    }

    /// A further field of bytes, with its length before it.
    pub fn string(self, value: impl AsRef<[u8]>) -> Self {
        let length = u32::try_from(value.as_ref().len()).unwrap_or_else(|_| fail("a string beyond 4 GiB"));
        self.u32(length).bytes(value)
    }

    /// Bytes as they are.
    pub fn bytes(mut self, value: impl AsRef<[u8]>) -> Self {
        self.fields.extend(value.as_ref());
        self
    }

    fn with_id(self, id: u32) -> Vec<u8> {
        let fields = Self { type_byte: 0, fields: vec![self.type_byte] }.u32(id).bytes(self.fields).fields;
        Self::new(0).string(fields).fields
    }
}

/// What is left of a reply.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or_else(|| fail("a reply that is cut short"));
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1).iter().fold(0, |_, byte| *byte)
    }

    fn u32(&mut self) -> u32 {
        self.take(4).iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
    }

    fn string(&mut self) -> &'a [u8] {
        let length = self.u32() as usize;
        self.take(length)
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(self.string()).into_owned()
    }

    fn skip_attributes(&mut self) {
        let flags = self.u32();
        for (flag, length) in [(1, 8), (2, 8), (4, 4), (8, 8)] {
            if flags & flag != 0 {
                self.take(length);
            }
        }
        let extended = if flags & 1 << 31 != 0 { self.u32() } else { 0 };
        for _ in 0..extended * 2 {
            self.string();
        }
    }
}

/// The names in a NAME.
fn entries(fields: &[u8]) -> Vec<String> {
    let mut fields = Fields(fields);
    let count = fields.u32();
    let entry = |_| {
        let name = fields.text();
        fields.string();
        fields.skip_attributes();
        name
    };
    (0..count).map(entry).collect()
}

fn status(reply: &Reply) -> Status {
    assert_eq!(reply.type_byte, STATUS, "neither what was asked for nor a STATUS");
    let mut fields = Fields(&reply.fields);
    (fields.u32(), fields.text())
}

fn done(reply: Reply) -> Result<(), Status> {
    match status(&reply) {
        (0, _) => Ok(()),
        status => Err(status),
    }
}

fn string_of(reply: Reply, type_byte: u8) -> Result<Vec<u8>, Status> {
    if reply.type_byte == type_byte { Ok(Fields(&reply.fields).string().to_owned()) } else { Err(status(&reply)) }
}

fn unless_end<T>(result: Result<Vec<T>, Status>) -> Result<Vec<T>, Status> {
    match result {
        Err((EOF, _)) => Ok(vec![]),
        result => result,
    }
}

/// The component beside the test that runs: `target/wasm32-wasip2/release` for `target/debug/deps`.
fn component(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap_or_else(|error| fail(&format!("this test's own path: {error}")));
    let target = test.ancestors().nth(3).unwrap_or_else(|| fail("a test that cargo did not build"));
    let file = target.join("wasm32-wasip2/release").join(name.replace('-', "_")).with_extension("wasm");
    if !file.is_file() {
        fail(&format!("{} is missing: cargo build --release --target wasm32-wasip2", file.display()));
    }
    file
}

#[track_caller]
#[expect(clippy::panic, reason = "a failed test is the only error there is")]
fn fail(why: &str) -> ! {
    panic!("{why}")
}
