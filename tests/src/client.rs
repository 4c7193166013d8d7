//! A raw SFTP client over a child's standard input and output: what it sends is what a test says, and nothing is
//! repeated, gathered or forgiven.

use crate::packet::{Attributes, Body, Entry, Fields, code, flag, kind};
use crate::process::Process;
use rustix::process::Signal;
use std::collections::{BTreeMap, HashMap};
use std::process::ExitStatus;

/// A STATUS packet other than success, or the success that was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub code: u32,
    pub message: String,
}

/// What came back for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Status(Status),
    Handle(Vec<u8>),
    Data(Vec<u8>),
    Names(Vec<Entry>),
    Attributes(Attributes),
    Extended(Vec<u8>),
}

type Answer<T> = Result<T, Status>;

/// One session. The server is killed when it is dropped.
#[derive(Debug)]
pub struct Client {
    process: Process,
    received: Vec<u8>,
    early: HashMap<u32, Reply>,
    next_id: u32,
    /// The extensions that VERSION named.
    pub extensions: BTreeMap<String, String>,
}

impl Client {
    pub(crate) fn new(process: Process) -> Self {
        Self { process, received: Vec::new(), early: HashMap::new(), next_id: 0, extensions: BTreeMap::new() }
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    pub fn initialise(&mut self) {
        self.send_bytes(Body::new().u32(3).packet(kind::INIT));
        let Some((type_byte, body)) = self.receive_packet() else {
            let errors = self.process.errors();
            panic!("the server ended instead of sending VERSION: {errors}");
        };
        assert_eq!(type_byte, kind::VERSION);
        let mut fields = Fields::new(&body);
        assert_eq!(fields.u32(), 3, "the version");
        while !fields.is_empty() {
            let text = |bytes| String::from_utf8(bytes).expect("names of extensions are text");
            let (name, value) = (text(fields.string()), text(fields.string()));
            self.extensions.insert(name, value);
        }
    }

    pub fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.process.send(bytes);
    }

    /// Sends a request and gives its id.
    pub fn send(&mut self, type_byte: u8, body: Body) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.send_bytes(body.request(type_byte, id));
        id
    }

    /// The reply to a request, in whatever order replies come.
    #[track_caller]
    pub fn receive(&mut self, id: u32) -> Reply {
        self.receive_or_end(id).unwrap_or_else(|| {
            let errors = self.process.errors();
            panic!("the server ended before it answered; it said: {errors}");
        })
    }

    /// The same; `None` if the server ended before it answered.
    pub fn receive_or_end(&mut self, id: u32) -> Option<Reply> {
        loop {
            if let Some(reply) = self.early.remove(&id) {
                return Some(reply);
            }
            let (type_byte, body) = self.receive_packet()?;
            let mut fields = Fields::new(&body);
            let id = fields.u32();
            self.early.insert(id, reply(type_byte, fields));
        }
    }

    #[track_caller]
    pub fn request(&mut self, type_byte: u8, body: Body) -> Reply {
        let id = self.send(type_byte, body);
        self.receive(id)
    }

    /// The next packet's type and body; `None` at the end of the stream.
    pub fn receive_packet(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((length, rest)) = self.received.split_first_chunk::<4>() {
                let length = u32::from_be_bytes(*length) as usize;
                assert!((1..=1 << 20).contains(&length), "a reply of {length} bytes");
                if rest.len() >= length {
                    let packet = (rest[0], rest[1..length].to_vec());
                    self.received.drain(..4 + length);
                    return Some(packet);
                }
            }
            let Some(bytes) = self.process.receive() else {
                assert!(self.received.is_empty(), "the server ended in the middle of a packet");
                return None;
            };
            self.received.extend(bytes);
        }
    }

    #[track_caller]
    pub fn open(&mut self, path: impl AsRef<[u8]>, flags: u32, permissions: Option<u32>) -> Answer<Vec<u8>> {
        let attributes = Attributes { permissions, ..Attributes::default() };
        handle(self.request(kind::OPEN, Body::new().string(path).u32(flags).attributes(&attributes)))
    }

    #[track_caller]
    pub fn close(&mut self, handle: &[u8]) -> Answer<()> {
        done(self.request(kind::CLOSE, Body::new().string(handle)))
    }

    #[track_caller]
    pub fn read(&mut self, handle: &[u8], offset: u64, length: u32) -> Answer<Vec<u8>> {
        match self.request(kind::READ, Body::new().string(handle).u64(offset).u32(length)) {
            Reply::Data(bytes) => Ok(bytes),
            other => Err(status(other)),
        }
    }

    #[track_caller]
    pub fn write(&mut self, handle: &[u8], offset: u64, bytes: &[u8]) -> Answer<()> {
        done(self.request(kind::WRITE, Body::new().string(handle).u64(offset).string(bytes)))
    }

    #[track_caller]
    pub fn stat(&mut self, path: impl AsRef<[u8]>) -> Answer<Attributes> {
        attributes(self.request(kind::STAT, Body::new().string(path)))
    }

    #[track_caller]
    pub fn lstat(&mut self, path: impl AsRef<[u8]>) -> Answer<Attributes> {
        attributes(self.request(kind::LSTAT, Body::new().string(path)))
    }

    #[track_caller]
    pub fn fstat(&mut self, handle: &[u8]) -> Answer<Attributes> {
        attributes(self.request(kind::FSTAT, Body::new().string(handle)))
    }

    #[track_caller]
    pub fn setstat(&mut self, path: impl AsRef<[u8]>, changes: &Attributes) -> Answer<()> {
        done(self.request(kind::SETSTAT, Body::new().string(path).attributes(changes)))
    }

    #[track_caller]
    pub fn fsetstat(&mut self, handle: &[u8], changes: &Attributes) -> Answer<()> {
        done(self.request(kind::FSETSTAT, Body::new().string(handle).attributes(changes)))
    }

    #[track_caller]
    pub fn opendir(&mut self, path: impl AsRef<[u8]>) -> Answer<Vec<u8>> {
        handle(self.request(kind::OPENDIR, Body::new().string(path)))
    }

    #[track_caller]
    pub fn readdir(&mut self, handle: &[u8]) -> Answer<Vec<Entry>> {
        names(self.request(kind::READDIR, Body::new().string(handle)))
    }

    #[track_caller]
    pub fn remove(&mut self, path: impl AsRef<[u8]>) -> Answer<()> {
        done(self.request(kind::REMOVE, Body::new().string(path)))
    }

    #[track_caller]
    pub fn mkdir(&mut self, path: impl AsRef<[u8]>, permissions: Option<u32>) -> Answer<()> {
        let attributes = Attributes { permissions, ..Attributes::default() };
        done(self.request(kind::MKDIR, Body::new().string(path).attributes(&attributes)))
    }

    #[track_caller]
    pub fn rmdir(&mut self, path: impl AsRef<[u8]>) -> Answer<()> {
        done(self.request(kind::RMDIR, Body::new().string(path)))
    }

    #[track_caller]
    pub fn realpath(&mut self, path: impl AsRef<[u8]>) -> Answer<Vec<u8>> {
        one_name(self.request(kind::REALPATH, Body::new().string(path)))
    }

    #[track_caller]
    pub fn rename(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Answer<()> {
        done(self.request(kind::RENAME, Body::new().string(from).string(to)))
    }

    #[track_caller]
    pub fn readlink(&mut self, path: impl AsRef<[u8]>) -> Answer<Vec<u8>> {
        one_name(self.request(kind::READLINK, Body::new().string(path)))
    }

    /// In OpenSSH's order on the wire: the target, then the link.
    #[track_caller]
    pub fn symlink(&mut self, target: impl AsRef<[u8]>, link: impl AsRef<[u8]>) -> Answer<()> {
        done(self.request(kind::SYMLINK, Body::new().string(target).string(link)))
    }

    #[track_caller]
    pub fn extended(&mut self, name: &str, body: Body) -> Reply {
        self.request(kind::EXTENDED, Body::new().string(name).raw(body.bytes()))
    }

    #[track_caller]
    pub fn posix_rename(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Answer<()> {
        done(self.extended("posix-rename@openssh.com", Body::new().string(from).string(to)))
    }

    #[track_caller]
    pub fn hardlink(&mut self, existing: impl AsRef<[u8]>, link: impl AsRef<[u8]>) -> Answer<()> {
        done(self.extended("hardlink@openssh.com", Body::new().string(existing).string(link)))
    }

    #[track_caller]
    pub fn lsetstat(&mut self, path: impl AsRef<[u8]>, changes: &Attributes) -> Answer<()> {
        done(self.extended("lsetstat@openssh.com", Body::new().string(path).attributes(changes)))
    }

    #[track_caller]
    pub fn fsync(&mut self, handle: &[u8]) -> Answer<()> {
        done(self.extended("fsync@openssh.com", Body::new().string(handle)))
    }

    /// The eleven numbers of statvfs@openssh.com.
    #[track_caller]
    pub fn statvfs(&mut self, path: impl AsRef<[u8]>) -> Answer<[u64; 11]> {
        match self.extended("statvfs@openssh.com", Body::new().string(path)) {
            Reply::Extended(bytes) => {
                let mut fields = Fields::new(&bytes);
                let numbers = std::array::from_fn(|_| fields.u64());
                fields.end();
                Ok(numbers)
            }
            other => Err(status(other)),
        }
    }

    /// The names of a directory, sorted, without "." and "..".
    #[track_caller]
    pub fn list(&mut self, path: impl AsRef<[u8]>) -> Answer<Vec<String>> {
        let entries = self.entries(path)?;
        let names = entries.into_iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned());
        let mut names: Vec<String> = names.filter(|name| name != "." && name != "..").collect();
        names.sort();
        Ok(names)
    }

    /// All entries of a directory as they come.
    #[track_caller]
    pub fn entries(&mut self, path: impl AsRef<[u8]>) -> Answer<Vec<Entry>> {
        let handle = self.opendir(path)?;
        let mut entries = Vec::new();
        let end = loop {
            match self.readdir(&handle) {
                Ok(batch) => entries.extend(batch),
                Err(status) => break status,
            }
        };
        self.close(&handle)?;
        if end.code == code::EOF { Ok(entries) } else { Err(end) }
    }

    /// Writes a whole file, as a client that uploads does.
    #[track_caller]
    pub fn put(&mut self, path: impl AsRef<[u8]>, bytes: &[u8]) -> Answer<()> {
        let handle = self.open(path, flag::WRITE | flag::CREAT | flag::TRUNC, Some(0o644))?;
        for (index, chunk) in bytes.chunks(32 << 10).enumerate() {
            self.write(&handle, (index * (32 << 10)) as u64, chunk)?;
        }
        self.close(&handle)
    }

    /// Reads a whole file.
    #[track_caller]
    pub fn get(&mut self, path: impl AsRef<[u8]>) -> Answer<Vec<u8>> {
        let handle = self.open(path, flag::READ, None)?;
        let mut bytes = Vec::new();
        let end = loop {
            match self.read(&handle, bytes.len() as u64, 32 << 10) {
                Ok(chunk) => bytes.extend(chunk),
                Err(status) => break status,
            }
        };
        self.close(&handle)?;
        if end.code == code::EOF { Ok(bytes) } else { Err(end) }
    }

    /// Ends the input and waits for the server: its status, and what it said on standard error.
    pub fn finish(mut self) -> (ExitStatus, String) {
        self.process.end_input();
        while self.process.receive().is_some() {}
        let status = self.process.wait();
        (status, self.process.errors())
    }

    /// Sends SIGTERM and waits for the server.
    pub fn terminate(mut self) -> (ExitStatus, String) {
        self.process.signal(Signal::TERM);
        let status = self.process.wait();
        (status, self.process.errors())
    }
}

/// The code of a refusal; that it was none fails the test.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(answer: Answer<T>) -> u32 {
    match answer {
        Ok(value) => panic!("this was to be refused, and was answered by {value:?}"),
        Err(status) => status.code,
    }
}

fn reply(type_byte: u8, mut fields: Fields<'_>) -> Reply {
    let reply = match type_byte {
        kind::STATUS => {
            let code = fields.u32();
            assert!(code <= code::OP_UNSUPPORTED, "version 3 has no status {code}");
            let message = String::from_utf8(fields.string()).expect("a message is UTF-8");
            fields.string();
            Reply::Status(Status { code, message })
        }
        kind::HANDLE => {
            let handle = fields.string();
            assert!((1..=256).contains(&handle.len()), "a handle is at most 256 bytes");
            Reply::Handle(handle)
        }
        kind::DATA => Reply::Data(fields.string()),
        kind::NAME => {
            let count = fields.u32();
            Reply::Names((0..count).map(|_| fields.entry()).collect())
        }
        kind::ATTRS => Reply::Attributes(fields.attributes()),
        kind::EXTENDED_REPLY => return Reply::Extended(fields.rest().to_vec()),
        other => panic!("a reply of type {other}"),
    };
    fields.end();
    reply
}

#[track_caller]
fn status(reply: Reply) -> Status {
    match reply {
        Reply::Status(status) if status.code != code::OK => status,
        other => panic!("an answer of this kind fits no such request: {other:?}"),
    }
}

#[track_caller]
fn done(reply: Reply) -> Answer<()> {
    match reply {
        Reply::Status(Status { code: code::OK, .. }) => Ok(()),
        other => Err(status(other)),
    }
}

#[track_caller]
fn handle(reply: Reply) -> Answer<Vec<u8>> {
    match reply {
        Reply::Handle(handle) => Ok(handle),
        other => Err(status(other)),
    }
}

#[track_caller]
fn names(reply: Reply) -> Answer<Vec<Entry>> {
    match reply {
        Reply::Names(names) => Ok(names),
        other => Err(status(other)),
    }
}

#[track_caller]
fn one_name(reply: Reply) -> Answer<Vec<u8>> {
    let mut names = names(reply)?;
    assert_eq!(names.len(), 1, "one name");
    let entry = names.remove(0);
    assert_eq!(entry.attributes, Attributes::default(), "no attributes");
    Ok(entry.name)
}

#[track_caller]
fn attributes(reply: Reply) -> Answer<Attributes> {
    match reply {
        Reply::Attributes(attributes) => Ok(attributes),
        other => Err(status(other)),
    }
}
