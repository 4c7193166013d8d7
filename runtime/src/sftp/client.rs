//! The client's half of the protocol, for tests and fuzzers: it writes requests and reads replies by numbers of its own,
//! so that a mistake of the server's is no mistake of both.

use std::collections::BTreeMap;
use thiserror::Error;

/// SSH_FXF_*.
pub const READ: u32 = 1;
pub const WRITE: u32 = 2;
pub const APPEND: u32 = 4;
pub const CREATE: u32 = 8;
pub const TRUNCATE: u32 = 16;
pub const EXCLUSIVE: u32 = 32;

/// SSH_FX_*.
pub const OK: u32 = 0;
pub const EOF: u32 = 1;
pub const NO_SUCH_FILE: u32 = 2;
pub const PERMISSION_DENIED: u32 = 3;
pub const FAILURE: u32 = 4;
pub const BAD_MESSAGE: u32 = 5;
pub const OP_UNSUPPORTED: u32 = 8;

/// Attributes as they stand on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    pub size: Option<u64>,
    /// User and group.
    pub owner: Option<(u32, u32)>,
    pub permissions: Option<u32>,
    /// Of access and of modification, in seconds since 1970.
    pub times: Option<(u32, u32)>,
    pub extended: Vec<(Vec<u8>, Vec<u8>)>,
}

/// One entry of a NAME reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: Vec<u8>,
    pub long_name: Vec<u8>,
    pub attributes: Attributes,
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Version { version: u32, extensions: BTreeMap<String, String> },
    Status { code: u32, message: String, language: String },
    Handle(Vec<u8>),
    Data(Vec<u8>),
    Names(Vec<Entry>),
    Attributes(Attributes),
    Extended(Vec<u8>),
}

/// What a server said is not SFTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a packet of kind {kind} is malformed")]
pub struct Malformed {
    pub kind: u8,
}

/// A packet in the making.
#[derive(Clone, Debug)]
pub struct Packet {
    body: Vec<u8>,
}

impl Packet {
    pub fn new(kind: u8) -> Self {
        Self { body: vec![kind] }
    }

    /// A request: kind and id.
    pub fn request(kind: u8, id: u32) -> Self {
        Self::new(kind).u32(id)
    }

    /// EXTENDED.
    pub fn extended(id: u32, name: &str) -> Self {
        Self::request(200, id).string(name.as_bytes())
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.body.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn u64(mut self, value: u64) -> Self {
        self.body.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn string(self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.u32(length).raw(bytes)
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.body.extend_from_slice(bytes);
        self
    }

    pub fn attributes(self, attributes: &Attributes) -> Self {
        let flag = |present: bool, bit: u32| if present { bit } else { 0 };
        let flags = flag(attributes.size.is_some(), 1)
            | flag(attributes.owner.is_some(), 2)
            | flag(attributes.permissions.is_some(), 4)
            | flag(attributes.times.is_some(), 8)
            | flag(!attributes.extended.is_empty(), 0x8000_0000);
        let mut packet = self.u32(flags);
        if let Some(size) = attributes.size {
            packet = packet.u64(size);
        }
        if let Some((uid, gid)) = attributes.owner {
            packet = packet.u32(uid).u32(gid);
        }
        if let Some(permissions) = attributes.permissions {
            packet = packet.u32(permissions);
        }
        if let Some((accessed, modified)) = attributes.times {
            packet = packet.u32(accessed).u32(modified);
        }
        if !attributes.extended.is_empty() {
            packet = packet.u32(u32::try_from(attributes.extended.len()).unwrap_or(u32::MAX));
            for (name, value) in &attributes.extended {
                packet = packet.string(name).string(value);
            }
        }
        packet
    }

    /// The packet with its length before it.
    pub fn finish(self) -> Vec<u8> {
        let length = u32::try_from(self.body.len()).unwrap_or(u32::MAX);
        [length.to_be_bytes().as_slice(), &self.body].concat()
    }
}

pub fn init(version: u32) -> Vec<u8> {
    Packet::new(1).u32(version).finish()
}

pub fn open(id: u32, path: &[u8], flags: u32, attributes: &Attributes) -> Vec<u8> {
    Packet::request(3, id).string(path).u32(flags).attributes(attributes).finish()
}

pub fn close(id: u32, handle: &[u8]) -> Vec<u8> {
    Packet::request(4, id).string(handle).finish()
}

pub fn read(id: u32, handle: &[u8], offset: u64, length: u32) -> Vec<u8> {
    Packet::request(5, id).string(handle).u64(offset).u32(length).finish()
}

pub fn write(id: u32, handle: &[u8], offset: u64, data: &[u8]) -> Vec<u8> {
    Packet::request(6, id).string(handle).u64(offset).string(data).finish()
}

pub fn lstat(id: u32, path: &[u8]) -> Vec<u8> {
    Packet::request(7, id).string(path).finish()
}

pub fn fstat(id: u32, handle: &[u8]) -> Vec<u8> {
    Packet::request(8, id).string(handle).finish()
}

pub fn setstat(id: u32, path: &[u8], attributes: &Attributes) -> Vec<u8> {
    Packet::request(9, id).string(path).attributes(attributes).finish()
}

pub fn fsetstat(id: u32, handle: &[u8], attributes: &Attributes) -> Vec<u8> {
    Packet::request(10, id).string(handle).attributes(attributes).finish()
}

pub fn opendir(id: u32, path: &[u8]) -> Vec<u8> {
    Packet::request(11, id).string(path).finish()
}

pub fn readdir(id: u32, handle: &[u8]) -> Vec<u8> {
    Packet::request(12, id).string(handle).finish()
}

pub fn remove(id: u32, path: &[u8]) -> Vec<u8> {
    Packet::request(13, id).string(path).finish()
}

pub fn mkdir(id: u32, path: &[u8], attributes: &Attributes) -> Vec<u8> {
    Packet::request(14, id).string(path).attributes(attributes).finish()
}

pub fn rmdir(id: u32, path: &[u8]) -> Vec<u8> {
    Packet::request(15, id).string(path).finish()
}

pub fn realpath(id: u32, path: &[u8]) -> Vec<u8> {
    Packet::request(16, id).string(path).finish()
}

pub fn stat(id: u32, path: &[u8]) -> Vec<u8> {
    Packet::request(17, id).string(path).finish()
}

pub fn rename(id: u32, source: &[u8], destination: &[u8]) -> Vec<u8> {
    Packet::request(18, id).string(source).string(destination).finish()
}

pub fn readlink(id: u32, path: &[u8]) -> Vec<u8> {
    Packet::request(19, id).string(path).finish()
}

/// In OpenSSH's order.
pub fn symlink(id: u32, target: &[u8], path: &[u8]) -> Vec<u8> {
    Packet::request(20, id).string(target).string(path).finish()
}

/// Takes replies out of received bytes.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole reply and the id of its request; VERSION has none.
    pub fn next_reply(&mut self) -> Result<Option<(Option<u32>, Reply)>, Malformed> {
        let Some(field) = self.bytes.first_chunk::<4>() else { return Ok(None) };
        let end = usize::try_from(u32::from_be_bytes(*field)).unwrap_or(usize::MAX).saturating_add(4);
        let Some(body) = self.bytes.get(4..end) else { return Ok(None) };
        let kind = body.first().copied().unwrap_or_default();
        let reply = Fields { rest: body.get(1..).unwrap_or_default() }.reply(kind).ok_or(Malformed { kind })?;
        self.bytes.drain(..end);
        Ok(Some(reply))
    }

    /// No half reply is left.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Takes fields off a body.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    pub rest: &'a [u8],
}

impl Fields<'_> {
    pub fn u32(&mut self) -> Option<u32> {
        let (field, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(u32::from_be_bytes(*field))
    }

    pub fn u64(&mut self) -> Option<u64> {
        let (field, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(u64::from_be_bytes(*field))
    }

    pub fn string(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (string, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(string.to_vec())
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.string()?).ok()
    }

    fn reply(mut self, kind: u8) -> Option<(Option<u32>, Reply)> {
        let number = self.u32()?;
        if kind == 2 {
            return Some((None, self.version(number)?));
        }
        let reply = match kind {
            101 => Reply::Status { code: self.u32()?, message: self.text()?, language: self.text()? },
            102 => Reply::Handle(self.string()?),
            103 => Reply::Data(self.string()?),
            104 => Reply::Names(self.names()?),
            105 => Reply::Attributes(self.attributes()?),
            201 => Reply::Extended(std::mem::take(&mut self.rest).to_vec()),
            _ => return None,
        };
        self.rest.is_empty().then_some((Some(number), reply))
    }

    fn version(&mut self, version: u32) -> Option<Reply> {
        let mut extensions = BTreeMap::new();
        while !self.rest.is_empty() {
            extensions.insert(self.text()?, self.text()?);
        }
        Some(Reply::Version { version, extensions })
    }

    fn names(&mut self) -> Option<Vec<Entry>> {
        (0..self.u32()?)
            .map(|_| Some(Entry { name: self.string()?, long_name: self.string()?, attributes: self.attributes()? }))
            .collect()
    }

    fn attributes(&mut self) -> Option<Attributes> {
        let flags = self.u32()?;
        let mut attributes = Attributes::default();
        if flags & 1 != 0 {
            attributes.size = Some(self.u64()?);
        }
        if flags & 2 != 0 {
            attributes.owner = Some((self.u32()?, self.u32()?));
        }
        if flags & 4 != 0 {
            attributes.permissions = Some(self.u32()?);
        }
        if flags & 8 != 0 {
            attributes.times = Some((self.u32()?, self.u32()?));
        }
        if flags & 0x8000_0000 != 0 {
            for _ in 0..self.u32()? {
                attributes.extended.push((self.string()?, self.string()?));
            }
        }
        Some(attributes)
    }
}
