//! The contract's types as wasmtime lifts them, turned into the checked ones of [`crate::storage`] and back. What a
//! guest says that the contract forbids ends here, as a text for [`super::Fault::Contract`].

use super::bindings::types as wit;
use crate::storage::{
    AttributeChanges, Attributes, Client, DirectoryEntry, Ending, Error, ErrorCode, Features, FileKind, Name,
    OpenFlags, StoragePath, Timestamp, Usage,
};

pub fn error(error: wit::Error) -> Error {
    Error { code: error_code(error.code), message: error.message, detail: error.detail }
}

pub fn attributes(attributes: wit::Attributes) -> Result<Attributes, String> {
    Ok(Attributes {
        kind: kind(attributes.kind),
        size: attributes.size,
        permissions: attributes.permissions.map(|bits| bits & 0o7777),
        uid: attributes.uid,
        gid: attributes.gid,
        user: attributes.user,
        group: attributes.group,
        accessed: attributes.accessed.map(timestamp).transpose()?,
        modified: attributes.modified.map(timestamp).transpose()?,
        link_count: attributes.link_count,
        extended: attributes.extended,
    })
}

pub fn entries(entries: Vec<wit::DirectoryEntry>, max: u32) -> Result<Vec<DirectoryEntry>, String> {
    if entries.len() > max as usize {
        return Err(format!("{} entries where {max} were asked for", entries.len()));
    }
    entries.into_iter().map(entry).collect()
}

fn entry(entry: wit::DirectoryEntry) -> Result<DirectoryEntry, String> {
    let name = Name::new(entry.name).map_err(|invalid| invalid.to_string())?;
    Ok(DirectoryEntry { name, attributes: attributes(entry.attributes)? })
}

pub fn path(path: String) -> Result<StoragePath, String> {
    StoragePath::from_normal(path).map_err(|invalid| invalid.to_string())
}

pub fn target(target: String) -> Result<String, String> {
    if target.contains('\0') { Err("a link's target with NUL".to_owned()) } else { Ok(target) }
}

pub fn data(data: Vec<u8>, length: u32) -> Result<Vec<u8>, String> {
    if data.len() > length as usize {
        return Err(format!("{} bytes where {length} were asked for", data.len()));
    }
    Ok(data)
}

pub fn usage(usage: wit::Usage) -> Usage {
    Usage {
        block_size: usage.block_size,
        fragment_size: usage.fragment_size,
        blocks: usage.blocks,
        blocks_free: usage.blocks_free,
        blocks_available: usage.blocks_available,
        files: usage.files,
        files_free: usage.files_free,
        files_available: usage.files_available,
        filesystem_id: usage.filesystem_id,
        read_only: usage.read_only,
        no_setuid: usage.no_setuid,
        name_max: usage.name_max,
    }
}

pub fn features(features: wit::Features) -> Features {
    let pairs = [
        (wit::Features::SYMLINKS, Features::SYMLINKS),
        (wit::Features::HARD_LINKS, Features::HARD_LINKS),
        (wit::Features::ATOMIC_REPLACE, Features::ATOMIC_REPLACE),
        (wit::Features::SYNC, Features::SYNC),
        (wit::Features::USAGE, Features::USAGE),
        (wit::Features::PERMISSIONS, Features::PERMISSIONS),
        (wit::Features::OWNERSHIP, Features::OWNERSHIP),
        (wit::Features::TIMES, Features::TIMES),
        (wit::Features::EXTENDED_ATTRIBUTES, Features::EXTENDED_ATTRIBUTES),
        (wit::Features::RANDOM_WRITE, Features::RANDOM_WRITE),
        (wit::Features::ATOMIC_UPLOAD, Features::ATOMIC_UPLOAD),
    ];
    pairs.into_iter().filter(|(theirs, _)| features.contains(*theirs)).map(|(_, ours)| ours).collect()
}

pub fn open_flags(flags: OpenFlags) -> wit::OpenFlags {
    let pairs = [
        (OpenFlags::READ, wit::OpenFlags::READ),
        (OpenFlags::WRITE, wit::OpenFlags::WRITE),
        (OpenFlags::APPEND, wit::OpenFlags::APPEND),
        (OpenFlags::CREATE, wit::OpenFlags::CREATE),
        (OpenFlags::TRUNCATE, wit::OpenFlags::TRUNCATE),
        (OpenFlags::EXCLUSIVE, wit::OpenFlags::EXCLUSIVE),
    ];
    let mut out = wit::OpenFlags::empty();
    for (ours, theirs) in pairs {
        if flags.contains(ours) {
            out |= theirs;
        }
    }
    out
}

pub fn changes(changes: AttributeChanges) -> wit::AttributeChanges {
    wit::AttributeChanges {
        size: changes.size,
        permissions: changes.permissions,
        uid: changes.uid,
        gid: changes.gid,
        accessed: changes.accessed.map(wit_timestamp),
        modified: changes.modified.map(wit_timestamp),
        extended: changes.extended,
    }
}

pub fn client(client: Client) -> wit::Client {
    wit::Client { user: client.user, address: client.address, session_id: client.session_id, notes: client.notes }
}

pub fn ending(ending: Ending) -> wit::Ending {
    match ending {
        Ending::Commit => wit::Ending::Commit,
        Ending::Discard => wit::Ending::Discard,
    }
}

fn timestamp(time: wit::Timestamp) -> Result<Timestamp, String> {
    if time.nanoseconds >= 1_000_000_000 {
        return Err(format!("a time with {} nanoseconds", time.nanoseconds));
    }
    Ok(Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds })
}

fn wit_timestamp(time: Timestamp) -> wit::Timestamp {
    wit::Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

fn kind(kind: wit::FileKind) -> FileKind {
    match kind {
        wit::FileKind::Regular => FileKind::Regular,
        wit::FileKind::Directory => FileKind::Directory,
        wit::FileKind::Symlink => FileKind::Symlink,
        wit::FileKind::Fifo => FileKind::Fifo,
        wit::FileKind::CharacterDevice => FileKind::CharacterDevice,
        wit::FileKind::BlockDevice => FileKind::BlockDevice,
        wit::FileKind::Socket => FileKind::Socket,
        wit::FileKind::Other => FileKind::Other,
    }
}

fn error_code(code: wit::ErrorCode) -> ErrorCode {
    match code {
        wit::ErrorCode::NoSuchFile => ErrorCode::NoSuchFile,
        wit::ErrorCode::NotADirectory => ErrorCode::NotADirectory,
        wit::ErrorCode::Loop => ErrorCode::Loop,
        wit::ErrorCode::PermissionDenied => ErrorCode::PermissionDenied,
        wit::ErrorCode::ReadOnly => ErrorCode::ReadOnly,
        wit::ErrorCode::InvalidArgument => ErrorCode::InvalidArgument,
        wit::ErrorCode::NameTooLong => ErrorCode::NameTooLong,
        wit::ErrorCode::Unsupported => ErrorCode::Unsupported,
        wit::ErrorCode::AlreadyExists => ErrorCode::AlreadyExists,
        wit::ErrorCode::IsADirectory => ErrorCode::IsADirectory,
        wit::ErrorCode::NotEmpty => ErrorCode::NotEmpty,
        wit::ErrorCode::NoSpace => ErrorCode::NoSpace,
        wit::ErrorCode::QuotaExceeded => ErrorCode::QuotaExceeded,
        wit::ErrorCode::FileTooLarge => ErrorCode::FileTooLarge,
        wit::ErrorCode::TooManyLinks => ErrorCode::TooManyLinks,
        wit::ErrorCode::TooManyOpen => ErrorCode::TooManyOpen,
        wit::ErrorCode::CrossDevice => ErrorCode::CrossDevice,
        wit::ErrorCode::Busy => ErrorCode::Busy,
        wit::ErrorCode::Conflict => ErrorCode::Conflict,
        wit::ErrorCode::Corrupt => ErrorCode::Corrupt,
        wit::ErrorCode::Unavailable => ErrorCode::Unavailable,
        wit::ErrorCode::TimedOut => ErrorCode::TimedOut,
        wit::ErrorCode::NotAuthenticated => ErrorCode::NotAuthenticated,
        wit::ErrorCode::Failure => ErrorCode::Failure,
    }
}
