//! Calls, answers and errors in the contract's own words.

use crate::storage::{Call, Ending, Error, ErrorCode, Features, FileKind, OpenFlags};
use crate::vis::Vis;

/// How much of what a guest says is shown.
const SAID_MAX_CHARACTERS: usize = 500;

/// An error as a row tells it: its code, and what it says for the log.
pub(super) fn error(error: &Error) -> String {
    let detail = error.detail.as_deref().unwrap_or(&error.message);
    if detail.is_empty() {
        code(error.code).to_owned()
    } else {
        let said: String = detail.chars().take(SAID_MAX_CHARACTERS).collect();
        let rest = if said.len() < detail.len() { "…" } else { "" };
        format!("{} ({}{rest})", code(error.code), Vis(said.as_bytes()))
    }
}

pub(super) fn codes(codes: &[ErrorCode]) -> String {
    codes.iter().map(|item| code(*item)).collect::<Vec<_>>().join(" or ")
}

pub(super) fn code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NoSuchFile => "no-such-file",
        ErrorCode::NotADirectory => "not-a-directory",
        ErrorCode::Loop => "loop",
        ErrorCode::PermissionDenied => "permission-denied",
        ErrorCode::ReadOnly => "read-only",
        ErrorCode::InvalidArgument => "invalid-argument",
        ErrorCode::NameTooLong => "name-too-long",
        ErrorCode::Unsupported => "unsupported",
        ErrorCode::AlreadyExists => "already-exists",
        ErrorCode::IsADirectory => "is-a-directory",
        ErrorCode::NotEmpty => "not-empty",
        ErrorCode::NoSpace => "no-space",
        ErrorCode::QuotaExceeded => "quota-exceeded",
        ErrorCode::FileTooLarge => "file-too-large",
        ErrorCode::TooManyLinks => "too-many-links",
        ErrorCode::TooManyOpen => "too-many-open",
        ErrorCode::CrossDevice => "cross-device",
        ErrorCode::Busy => "busy",
        ErrorCode::Conflict => "conflict",
        ErrorCode::Corrupt => "corrupt",
        ErrorCode::Unavailable => "unavailable",
        ErrorCode::TimedOut => "timed-out",
        ErrorCode::NotAuthenticated => "not-authenticated",
        ErrorCode::Failure => "failure",
    }
}

pub(super) fn kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "regular",
        FileKind::Directory => "directory",
        FileKind::Symlink => "symlink",
        FileKind::Fifo => "fifo",
        FileKind::CharacterDevice => "character-device",
        FileKind::BlockDevice => "block-device",
        FileKind::Socket => "socket",
        FileKind::Other => "other",
    }
}

/// The names of the features that are set.
pub(super) fn features(features: Features) -> Vec<&'static str> {
    let names = [
        (Features::SYMLINKS, "symlinks"),
        (Features::HARD_LINKS, "hard-links"),
        (Features::ATOMIC_REPLACE, "atomic-replace"),
        (Features::SYNC, "sync"),
        (Features::USAGE, "usage"),
        (Features::PERMISSIONS, "permissions"),
        (Features::OWNERSHIP, "ownership"),
        (Features::TIMES, "times"),
        (Features::EXTENDED_ATTRIBUTES, "extended-attributes"),
        (Features::RANDOM_WRITE, "random-write"),
        (Features::ATOMIC_UPLOAD, "atomic-upload"),
    ];
    names.into_iter().filter(|(feature, _)| features.contains(*feature)).map(|(_, name)| name).collect()
}

/// A call as a row tells it.
pub(super) fn call(call: &Call<'_>) -> String {
    match call {
        Call::Open { path, flags, .. } => format!("open {} for {}", quoted(path.as_str()), open_flags(*flags)),
        Call::OpenDirectory { path, .. } => format!("open-directory {}", quoted(path.as_str())),
        Call::Stat { path, follow: true } => format!("stat {}, links followed", quoted(path.as_str())),
        Call::Stat { path, follow: false } => format!("stat {}", quoted(path.as_str())),
        Call::SetStat { path, .. } => format!("set-stat {}", quoted(path.as_str())),
        Call::RealPath { path } => format!("real-path {}", quoted(path.as_str())),
        Call::MakeDirectory { path, .. } => format!("make-directory {}", quoted(path.as_str())),
        Call::RemoveDirectory { path } => format!("remove-directory {}", quoted(path.as_str())),
        Call::Remove { path } => format!("remove {}", quoted(path.as_str())),
        Call::Rename { source, destination, replace } => {
            let how = if *replace { "with" } else { "without" };
            format!("rename {} to {} {how} replace", quoted(source.as_str()), quoted(destination.as_str()))
        }
        Call::ReadLink { path } => format!("read-link {}", quoted(path.as_str())),
        Call::Symlink { target, path } => format!("symlink {} to {}", quoted(path.as_str()), quoted(target)),
        Call::HardLink { existing, path } => {
            format!("hard-link {} to {}", quoted(path.as_str()), quoted(existing.as_str()))
        }
        Call::Usage { path } => format!("usage {}", quoted(path.as_str())),
        Call::Read { offset, length, .. } => format!("file.read of {length} bytes at {offset}"),
        Call::Write { offset, data, .. } => format!("file.write of {} bytes at {offset}", data.len()),
        Call::FileStat { .. } => "file.stat".to_owned(),
        Call::FileSetStat { .. } => "file.set-stat".to_owned(),
        Call::FileUsage { .. } => "file.usage".to_owned(),
        Call::FileSync { .. } => "file.sync".to_owned(),
        Call::Copy { .. } => "copy-range".to_owned(),
        Call::CloseFile { ending: Ending::Commit, .. } => "file.close with commit".to_owned(),
        Call::CloseFile { ending: Ending::Discard, .. } => "file.close with discard".to_owned(),
        Call::ReadDirectory { max, .. } => format!("directory.read of {max}"),
        Call::CloseDirectory { .. } => "directory.close".to_owned(),
        Call::CloseSession => "session.close".to_owned(),
    }
}

fn open_flags(flags: OpenFlags) -> String {
    let names = [
        (OpenFlags::READ, "read"),
        (OpenFlags::WRITE, "write"),
        (OpenFlags::APPEND, "append"),
        (OpenFlags::CREATE, "create"),
        (OpenFlags::TRUNCATE, "truncate"),
        (OpenFlags::EXCLUSIVE, "exclusive"),
    ];
    names.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| name).collect::<Vec<_>>().join("+")
}

/// A name or path with what a terminal must not be sent made visible.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", Vis(text.as_bytes()))
}
