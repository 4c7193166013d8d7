//! The storage contract in plain Rust: what a storage can be asked and what it can answer.
//!
//! It is the one vocabulary that the protocol (`sftp`) and the sandbox (`sandbox`) share, so that neither
//! imports the other. The meaning of each type and operation is written down in `wit/`; here stand only the
//! checked forms, in which a path is normalised and a name is one component by construction.

mod escape;
mod path;

pub use escape::{escape, unescape};
pub use path::{InvalidName, InvalidPath, Name, StoragePath};

use bitflags::bitflags;

/// Why an operation failed; `types.error-code` of the contract, case by case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    NoSuchFile,
    NotADirectory,
    Loop,
    PermissionDenied,
    ReadOnly,
    InvalidArgument,
    NameTooLong,
    Unsupported,
    AlreadyExists,
    IsADirectory,
    NotEmpty,
    NoSpace,
    QuotaExceeded,
    FileTooLarge,
    TooManyLinks,
    TooManyOpen,
    CrossDevice,
    Busy,
    Conflict,
    Corrupt,
    Unavailable,
    TimedOut,
    NotAuthenticated,
    Failure,
}

/// A failed operation: one text for the client, another for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub code: ErrorCode,
    /// Shown to the client; empty for the host's own words.
    pub message: String,
    /// For the operator's log only.
    pub detail: Option<String>,
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: String::new(), detail: None }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FileKind {
    Regular,
    Directory,
    Symlink,
    Fifo,
    CharacterDevice,
    BlockDevice,
    Socket,
    #[default]
    Other,
}

/// Since 1970-01-01T00:00:00Z; `nanoseconds` is below 1,000,000,000 and counts forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    pub seconds: i64,
    pub nanoseconds: u32,
}

/// What a storage says of a file; what it does not keep is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    pub kind: FileKind,
    /// Bytes; of a symbolic link, of its target.
    pub size: Option<u64>,
    /// The twelve bits 0o7777.
    pub permissions: Option<u16>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub user: Option<String>,
    pub group: Option<String>,
    pub accessed: Option<Timestamp>,
    pub modified: Option<Timestamp>,
    pub link_count: Option<u64>,
    pub extended: Vec<(String, Vec<u8>)>,
}

/// What a client asked to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeChanges {
    pub size: Option<u64>,
    pub permissions: Option<u16>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub accessed: Option<Timestamp>,
    pub modified: Option<Timestamp>,
    pub extended: Vec<(String, Vec<u8>)>,
}

bitflags! {
    /// `types.open-flags`. `APPEND` and `TRUNCATE` come only with `WRITE`, `EXCLUSIVE` only with `CREATE`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OpenFlags: u8 {
        const READ = 1;
        const WRITE = 1 << 1;
        const APPEND = 1 << 2;
        const CREATE = 1 << 3;
        const TRUNCATE = 1 << 4;
        const EXCLUSIVE = 1 << 5;
    }

    /// `types.features`: what this session can do beyond the operations that every storage has.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Features: u16 {
        const SYMLINKS = 1;
        const HARD_LINKS = 1 << 1;
        const ATOMIC_REPLACE = 1 << 2;
        const SYNC = 1 << 3;
        const USAGE = 1 << 4;
        const PERMISSIONS = 1 << 5;
        const OWNERSHIP = 1 << 6;
        const TIMES = 1 << 7;
        const EXTENDED_ATTRIBUTES = 1 << 8;
        const RANDOM_WRITE = 1 << 9;
        const ATOMIC_UPLOAD = 1 << 10;
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    pub name: Name,
    pub attributes: Attributes,
}

/// Of a file system, as statvfs@openssh.com carries it (`types.usage`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub block_size: u64,
    pub fragment_size: u64,
    pub blocks: u64,
    pub blocks_free: u64,
    pub blocks_available: u64,
    pub files: u64,
    pub files_free: u64,
    pub files_available: u64,
    pub filesystem_id: u64,
    pub read_only: bool,
    pub no_setuid: bool,
    pub name_max: u64,
}

/// Whom a session serves (`types.client`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    pub user: String,
    /// The peer's IP address, without a port.
    pub address: Option<String>,
    pub session_id: String,
    pub notes: Vec<(String, String)>,
}

/// What `connect` answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    pub features: Features,
    /// Where relative paths start.
    pub home: StoragePath,
    /// Bytes that reads and writes are best made of; 0 for no wish.
    pub transfer_size: u32,
    pub notes: Vec<(String, String)>,
}

impl Connected {
    /// Whether files and directories may be dropped in place of being closed. A storage that publishes whole files must
    /// be told how each of them ends.
    pub fn closed_by_drop(&self) -> bool {
        !self.features.contains(Features::ATOMIC_UPLOAD)
            && self.notes.iter().any(|(name, value)| (name.as_str(), value.as_str()) == ("close", "drop"))
    }
}

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Commit,
    Discard,
}

/// Names an open file of a session; chosen by the protocol, unique while the file is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(pub u32);

/// Names an open directory of a session; chosen by the protocol, unique while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DirectoryId(pub u32);

/// One operation of a session on its storage. `data` is borrowed from the received packet where it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// Answered by [`Answer::Done`]; the file is `file` from then on.
    Open {
        file: FileId,
        path: StoragePath,
        flags: OpenFlags,
        permissions: u16,
    },
    /// Answered by [`Answer::Done`]; the directory is `directory` from then on.
    OpenDirectory {
        directory: DirectoryId,
        path: StoragePath,
    },
    Stat {
        path: StoragePath,
        follow: bool,
    },
    SetStat {
        path: StoragePath,
        follow: bool,
        changes: AttributeChanges,
    },
    RealPath {
        path: StoragePath,
    },
    MakeDirectory {
        path: StoragePath,
        permissions: u16,
    },
    RemoveDirectory {
        path: StoragePath,
    },
    Remove {
        path: StoragePath,
    },
    Rename {
        source: StoragePath,
        destination: StoragePath,
        replace: bool,
    },
    ReadLink {
        path: StoragePath,
    },
    /// `target` is as the client sent it, escaped as names are.
    Symlink {
        target: String,
        path: StoragePath,
    },
    HardLink {
        existing: StoragePath,
        path: StoragePath,
    },
    Usage {
        path: StoragePath,
    },
    Read {
        file: FileId,
        offset: u64,
        length: u32,
    },
    Write {
        file: FileId,
        offset: u64,
        data: &'a [u8],
    },
    FileStat {
        file: FileId,
    },
    FileSetStat {
        file: FileId,
        changes: AttributeChanges,
    },
    FileUsage {
        file: FileId,
    },
    FileSync {
        file: FileId,
    },
    /// Copies at most `length` bytes, to the end of `source` without one; answered by [`Answer::Copied`], which
    /// is 0 only at the end of `source`.
    Copy {
        source: FileId,
        source_offset: u64,
        length: Option<u64>,
        destination: FileId,
        destination_offset: u64,
    },
    /// The file is gone whatever the answer.
    CloseFile {
        file: FileId,
        ending: Ending,
    },
    ReadDirectory {
        directory: DirectoryId,
        max: u32,
    },
    /// The directory is gone whatever the answer.
    CloseDirectory {
        directory: DirectoryId,
    },
    /// The last call of a session.
    CloseSession,
}

/// What a storage answered to a [`Call`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Attributes(Attributes),
    Path(StoragePath),
    /// A link's target, escaped as names are.
    Target(String),
    Usage(Usage),
    Data(Vec<u8>),
    Entries(Vec<DirectoryEntry>),
    Copied(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_that_publishes_whole_files_is_always_told_how_they_end() {
        let connected = |features, value: &str| Connected {
            features,
            home: StoragePath::root(),
            transfer_size: 0,
            notes: vec![("close".to_owned(), value.to_owned())],
        };
        assert!(connected(Features::TIMES, "drop").closed_by_drop());
        assert!(!connected(Features::TIMES | Features::ATOMIC_UPLOAD, "drop").closed_by_drop());
        assert!(!connected(Features::TIMES, "call").closed_by_drop());
    }
}
