//! SFTP version 3 as a client writes and reads it, independent of the server's own codec.

/// Packet types of draft-ietf-secsh-filexfer-02, section 3.
pub mod kind {
    pub const INIT: u8 = 1;
    pub const VERSION: u8 = 2;
    pub const OPEN: u8 = 3;
    pub const CLOSE: u8 = 4;
    pub const READ: u8 = 5;
    pub const WRITE: u8 = 6;
    pub const LSTAT: u8 = 7;
    pub const FSTAT: u8 = 8;
    pub const SETSTAT: u8 = 9;
    pub const FSETSTAT: u8 = 10;
    pub const OPENDIR: u8 = 11;
    pub const READDIR: u8 = 12;
    pub const REMOVE: u8 = 13;
    pub const MKDIR: u8 = 14;
    pub const RMDIR: u8 = 15;
    pub const REALPATH: u8 = 16;
    pub const STAT: u8 = 17;
    pub const RENAME: u8 = 18;
    pub const READLINK: u8 = 19;
    pub const SYMLINK: u8 = 20;
    pub const STATUS: u8 = 101;
    pub const HANDLE: u8 = 102;
    pub const DATA: u8 = 103;
    pub const NAME: u8 = 104;
    pub const ATTRS: u8 = 105;
    pub const EXTENDED: u8 = 200;
    pub const EXTENDED_REPLY: u8 = 201;
}

/// SSH_FXF_*, section 6.3.
pub mod flag {
    pub const READ: u32 = 1;
    pub const WRITE: u32 = 2;
    pub const APPEND: u32 = 4;
    pub const CREAT: u32 = 8;
    pub const TRUNC: u32 = 16;
    pub const EXCL: u32 = 32;
}

/// SSH_FX_*, section 7.
pub mod code {
    pub const OK: u32 = 0;
    pub const EOF: u32 = 1;
    pub const NO_SUCH_FILE: u32 = 2;
    pub const PERMISSION_DENIED: u32 = 3;
    pub const FAILURE: u32 = 4;
    pub const BAD_MESSAGE: u32 = 5;
    pub const OP_UNSUPPORTED: u32 = 8;
}

/// Attributes as section 5 has them; `None` is a flag that is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    pub size: Option<u64>,
    pub owner: Option<(u32, u32)>,
    pub permissions: Option<u32>,
    /// Access, then modification.
    pub times: Option<(u32, u32)>,
    pub extended: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Attributes {
    pub fn permissions(permissions: u32) -> Self {
        Self { permissions: Some(permissions), ..Self::default() }
    }

    pub fn size(size: u64) -> Self {
        Self { size: Some(size), ..Self::default() }
    }

    pub fn times(accessed: u32, modified: u32) -> Self {
        Self { times: Some((accessed, modified)), ..Self::default() }
    }

    pub fn owner(user: u32, group: u32) -> Self {
        Self { owner: Some((user, group)), ..Self::default() }
    }

    /// The twelve bits below the kind.
    pub fn mode(&self) -> u32 {
        self.permissions.expect("attributes with permissions") & 0o7777
    }

    pub fn is_directory(&self) -> bool {
        self.permissions.is_some_and(|bits| bits & 0o170_000 == 0o040_000)
    }

    pub fn is_symlink(&self) -> bool {
        self.permissions.is_some_and(|bits| bits & 0o170_000 == 0o120_000)
    }
}

/// One name of a NAME packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: Vec<u8>,
    pub longname: Vec<u8>,
    pub attributes: Attributes,
}

/// A packet's body in the making.
#[derive(Clone, Debug, Default)]
pub struct Body(Vec<u8>);

impl Body {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn string(self, bytes: impl AsRef<[u8]>) -> Self {
        let length = u32::try_from(bytes.as_ref().len()).expect("a string below 4 GiB");
        self.u32(length).raw(bytes)
    }

    /// These bytes, as they are.
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend(bytes.as_ref());
        self
    }

    pub fn attributes(self, attributes: &Attributes) -> Self {
        let Attributes { size, owner, permissions, times, extended } = attributes;
        let mut flags = 0;
        flags |= if size.is_some() { 1 } else { 0 };
        flags |= if owner.is_some() { 2 } else { 0 };
        flags |= if permissions.is_some() { 4 } else { 0 };
        flags |= if times.is_some() { 8 } else { 0 };
        flags |= if extended.is_empty() { 0 } else { 0x8000_0000 };
        let mut body = self.u32(flags);
        if let Some(size) = size {
            body = body.u64(*size);
        }
        if let Some((user, group)) = owner {
            body = body.u32(*user).u32(*group);
        }
        if let Some(permissions) = permissions {
            body = body.u32(*permissions);
        }
        if let Some((accessed, modified)) = times {
            body = body.u32(*accessed).u32(*modified);
        }
        if !extended.is_empty() {
            body = body.u32(extended.len() as u32);
            for (name, value) in extended {
                body = body.string(name).string(value);
            }
        }
        body
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The whole packet: length, type, body.
    pub fn packet(self, kind: u8) -> Vec<u8> {
        let length = u32::try_from(self.0.len() + 1).expect("a packet below 4 GiB");
        let mut packet = length.to_be_bytes().to_vec();
        packet.push(kind);
        packet.extend(self.0);
        packet
    }

    /// The whole packet of a request: length, type, id, body.
    pub fn request(self, kind: u8, id: u32) -> Vec<u8> {
        Body::new().u32(id).raw(self.0).packet(kind)
    }
}

/// A packet's body that is taken apart. What is missing in it fails the test.
#[derive(Clone, Debug)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().expect("four bytes"))
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.take(8).try_into().expect("eight bytes"))
    }

    pub fn string(&mut self) -> Vec<u8> {
        let length = self.u32() as usize;
        self.take(length).to_vec()
    }

    pub fn attributes(&mut self) -> Attributes {
        let flags = self.u32();
        let has = |bit: u32| flags & bit != 0;
        let size = has(1).then(|| self.u64());
        let owner = has(2).then(|| (self.u32(), self.u32()));
        let permissions = has(4).then(|| self.u32());
        let times = has(8).then(|| (self.u32(), self.u32()));
        let extended = if has(0x8000_0000) {
            let count = self.u32();
            (0..count).map(|_| (self.string(), self.string())).collect()
        } else {
            Vec::new()
        };
        Attributes { size, owner, permissions, times, extended }
    }

    pub fn entry(&mut self) -> Entry {
        Entry { name: self.string(), longname: self.string(), attributes: self.attributes() }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Everything was taken: a server sends nothing after the last field.
    #[track_caller]
    pub fn end(self) {
        assert!(self.0.is_empty(), "{} bytes after the last field", self.0.len());
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        assert!(count <= self.0.len(), "a field of {count} bytes where {} are left", self.0.len());
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }
}
