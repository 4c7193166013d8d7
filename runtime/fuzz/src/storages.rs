//! What storages might answer, as a fuzzer's bytes choose it. What the sandbox lets no storage say is left out.

use crate::storage::*;
use crate::strain::any_answer;
use arbitrary::{Result, Unstructured};

const CODES: [ErrorCode; 24] = [
    ErrorCode::NoSuchFile,
    ErrorCode::NotADirectory,
    ErrorCode::Loop,
    ErrorCode::PermissionDenied,
    ErrorCode::ReadOnly,
    ErrorCode::InvalidArgument,
    ErrorCode::NameTooLong,
    ErrorCode::Unsupported,
    ErrorCode::AlreadyExists,
    ErrorCode::IsADirectory,
    ErrorCode::NotEmpty,
    ErrorCode::NoSpace,
    ErrorCode::QuotaExceeded,
    ErrorCode::FileTooLarge,
    ErrorCode::TooManyLinks,
    ErrorCode::TooManyOpen,
    ErrorCode::CrossDevice,
    ErrorCode::Busy,
    ErrorCode::Conflict,
    ErrorCode::Corrupt,
    ErrorCode::Unavailable,
    ErrorCode::TimedOut,
    ErrorCode::NotAuthenticated,
    ErrorCode::Failure,
];

const KINDS: [FileKind; 8] = [
    FileKind::Regular,
    FileKind::Directory,
    FileKind::Symlink,
    FileKind::Fifo,
    FileKind::CharacterDevice,
    FileKind::BlockDevice,
    FileKind::Socket,
    FileKind::Other,
];

pub fn any_error(choices: &mut Unstructured<'_>) -> Result<Error> {
    Ok(Error {
        code: *choices.choose(&CODES)?,
        message: choices.arbitrary()?,
        detail: if choices.arbitrary()? { Some(choices.arbitrary()?) } else { None },
    })
}

/// An answer of the call's kind with anything in it, or one of another kind. Never [`Answer::Done`] to what opens:
/// nothing is open then.
pub fn odd_answer(choices: &mut Unstructured<'_>, call: &Call<'_>) -> Result<std::result::Result<Answer, Error>> {
    let other = choices.int_in_range(0..=15u8)?;
    if (1..=8).contains(&other) {
        return Ok(any_answer(other));
    }
    Ok(Ok(match call {
        Call::Open { .. } | Call::OpenDirectory { .. } => return any_error(choices).map(Err),
        Call::Stat { .. } | Call::FileStat { .. } => Answer::Attributes(any_attributes(choices)?),
        Call::RealPath { path } => {
            let text: String = choices.arbitrary()?;
            Answer::Path(StoragePath::resolve(path, &text).unwrap_or_else(StoragePath::root))
        }
        Call::ReadLink { .. } => Answer::Target(choices.arbitrary::<String>()?.replace('\0', "|")),
        Call::Usage { .. } | Call::FileUsage { .. } => Answer::Usage(any_usage(choices)?),
        Call::Read { .. } => Answer::Data(vec![b'x'; choices.int_in_range(0..=700usize)?]),
        Call::Copy { .. } => Answer::Copied(choices.arbitrary()?),
        Call::ReadDirectory { .. } => Answer::Entries(any_entries(choices)?),
        _ => Answer::Done,
    }))
}

fn any_entries(choices: &mut Unstructured<'_>) -> Result<Vec<DirectoryEntry>> {
    let count = choices.int_in_range(0..=6u8)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let name = choices.arbitrary::<String>()?.replace('/', "|");
        if let Ok(name) = Name::new(name) {
            entries.push(DirectoryEntry { name, attributes: any_attributes(choices)? });
        }
    }
    Ok(entries)
}

fn any_attributes(choices: &mut Unstructured<'_>) -> Result<Attributes> {
    Ok(Attributes {
        kind: *choices.choose(&KINDS)?,
        size: choices.arbitrary()?,
        permissions: choices.arbitrary::<Option<u16>>()?.map(|mode| mode & 0o7777),
        uid: choices.arbitrary()?,
        gid: choices.arbitrary()?,
        user: choices.arbitrary()?,
        group: choices.arbitrary()?,
        accessed: any_time(choices)?,
        modified: any_time(choices)?,
        link_count: choices.arbitrary()?,
        extended: match choices.int_in_range(0..=15u8)? {
            0 => vec![("large".to_owned(), vec![0; 40_000])],
            _ => choices.arbitrary()?,
        },
    })
}

/// Of the last months, so that long names show the time of day, or of any year.
fn any_time(choices: &mut Unstructured<'_>) -> Result<Option<Timestamp>> {
    let near = crate::rig::NOW - i64::from(choices.arbitrary::<u32>()? >> 6);
    Ok(match choices.int_in_range(0..=3u8)? {
        0 => None,
        1 => Some(Timestamp { seconds: choices.arbitrary()?, nanoseconds: 0 }),
        _ => Some(Timestamp { seconds: near, nanoseconds: 999_999_999 }),
    })
}

fn any_usage(choices: &mut Unstructured<'_>) -> Result<Usage> {
    Ok(Usage {
        block_size: choices.arbitrary()?,
        fragment_size: choices.arbitrary()?,
        blocks: choices.arbitrary()?,
        read_only: choices.arbitrary()?,
        no_setuid: choices.arbitrary()?,
        name_max: choices.arbitrary()?,
        ..Usage::default()
    })
}
