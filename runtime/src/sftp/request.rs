//! Requests as a client sent them (draft-ietf-secsh-filexfer-02, section 6, and OpenSSH's PROTOCOL, section 4): fields in
//! their types, nothing judged yet.

use super::attributes::SentAttributes;
use super::packet;
use super::policy::RequestName;
use super::wire::{Malformed, Reader};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    Open {
        path: &'a [u8],
        flags: u32,
        attributes: SentAttributes<'a>,
    },
    Close {
        handle: &'a [u8],
    },
    Read {
        handle: &'a [u8],
        offset: u64,
        length: u32,
    },
    /// `trailing` bytes of the packet follow the data.
    Write {
        handle: &'a [u8],
        offset: u64,
        data: &'a [u8],
        trailing: usize,
    },
    Stat {
        path: &'a [u8],
        follow: bool,
    },
    FileStat {
        handle: &'a [u8],
    },
    SetStat {
        path: &'a [u8],
        follow: bool,
        attributes: SentAttributes<'a>,
    },
    FileSetStat {
        handle: &'a [u8],
        attributes: SentAttributes<'a>,
    },
    OpenDirectory {
        path: &'a [u8],
    },
    ReadDirectory {
        handle: &'a [u8],
    },
    Remove {
        path: &'a [u8],
    },
    MakeDirectory {
        path: &'a [u8],
        attributes: SentAttributes<'a>,
    },
    RemoveDirectory {
        path: &'a [u8],
    },
    RealPath {
        path: &'a [u8],
    },
    Rename {
        source: &'a [u8],
        destination: &'a [u8],
        replace: bool,
    },
    ReadLink {
        path: &'a [u8],
    },
    /// In OpenSSH's order on the wire, target first; the draft has the reverse.
    Symlink {
        target: &'a [u8],
        path: &'a [u8],
    },
    Usage {
        path: &'a [u8],
    },
    FileUsage {
        handle: &'a [u8],
    },
    HardLink {
        existing: &'a [u8],
        path: &'a [u8],
    },
    Sync {
        handle: &'a [u8],
    },
    Limits,
    ExpandPath {
        path: &'a [u8],
    },
    CopyData(CopyData<'a>),
    HomeDirectory {
        user: &'a [u8],
    },
    UsersGroupsById {
        uids: &'a [u8],
        gids: &'a [u8],
    },
    CheckFile {
        target: CheckTarget<'a>,
        check: Check<'a>,
    },
}

/// `copy-data` (draft-ietf-secsh-filexfer-extensions-00, section 7); a length of 0 is to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyData<'a> {
    pub source: &'a [u8],
    pub source_offset: u64,
    pub length: u64,
    pub destination: &'a [u8],
    pub destination_offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckTarget<'a> {
    Handle(&'a [u8]),
    Path(&'a [u8]),
}

/// What `check-file-handle` and `check-file-name` ask for (draft-ietf-secsh-filexfer-extensions-00, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check<'a> {
    /// Names, separated by commas, the best liked first.
    pub algorithms: &'a [u8],
    pub offset: u64,
    /// 0 is to the end.
    pub length: u64,
    /// 0 is one hash over everything.
    pub block_size: u32,
}

/// Why a packet is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unparsed<'a> {
    Malformed,
    UnknownKind,
    UnknownExtension(&'a [u8]),
}

impl From<Malformed> for Unparsed<'_> {
    fn from(_: Malformed) -> Self {
        Unparsed::Malformed
    }
}

impl<'a> Request<'a> {
    /// From the kind of a packet and what follows its request id. Bytes after the last field are ignored, as OpenSSH
    /// does.
    pub fn parse(kind: u8, reader: &mut Reader<'a>) -> Result<Self, Unparsed<'a>> {
        Ok(match kind {
            packet::OPEN => Request::Open {
                path: reader.string()?,
                flags: reader.u32()?,
                attributes: SentAttributes::parse(reader)?,
            },
            packet::CLOSE => Request::Close { handle: reader.string()? },
            packet::READ => Request::Read { handle: reader.string()?, offset: reader.u64()?, length: reader.u32()? },
            packet::WRITE => {
                let (handle, offset, data) = (reader.string()?, reader.u64()?, reader.string()?);
                Request::Write { handle, offset, data, trailing: reader.rest().len() }
            }
            packet::LSTAT => Request::Stat { path: reader.string()?, follow: false },
            packet::STAT => Request::Stat { path: reader.string()?, follow: true },
            packet::FSTAT => Request::FileStat { handle: reader.string()? },
            packet::SETSTAT => Self::parse_set_stat(reader, true)?,
            packet::FSETSTAT => {
                Request::FileSetStat { handle: reader.string()?, attributes: SentAttributes::parse(reader)? }
            }
            packet::OPENDIR => Request::OpenDirectory { path: reader.string()? },
            packet::READDIR => Request::ReadDirectory { handle: reader.string()? },
            packet::REMOVE => Request::Remove { path: reader.string()? },
            packet::MKDIR => {
                Request::MakeDirectory { path: reader.string()?, attributes: SentAttributes::parse(reader)? }
            }
            packet::RMDIR => Request::RemoveDirectory { path: reader.string()? },
            packet::REALPATH => Request::RealPath { path: reader.string()? },
            packet::RENAME => Self::parse_rename(reader, false)?,
            packet::READLINK => Request::ReadLink { path: reader.string()? },
            packet::SYMLINK => Request::Symlink { target: reader.string()?, path: reader.string()? },
            packet::EXTENDED => {
                let name = reader.string()?;
                return Self::parse_extended(name, reader);
            }
            _ => return Err(Unparsed::UnknownKind),
        })
    }

    fn parse_extended(name: &'a [u8], reader: &mut Reader<'a>) -> Result<Self, Unparsed<'a>> {
        Ok(match name {
            b"posix-rename@openssh.com" => Self::parse_rename(reader, true)?,
            b"statvfs@openssh.com" => Request::Usage { path: reader.string()? },
            b"fstatvfs@openssh.com" => Request::FileUsage { handle: reader.string()? },
            b"hardlink@openssh.com" => Request::HardLink { existing: reader.string()?, path: reader.string()? },
            b"fsync@openssh.com" => Request::Sync { handle: reader.string()? },
            b"lsetstat@openssh.com" => Self::parse_set_stat(reader, false)?,
            b"limits@openssh.com" => Request::Limits,
            b"expand-path@openssh.com" => Request::ExpandPath { path: reader.string()? },
            b"copy-data" => Request::CopyData(CopyData {
                source: reader.string()?,
                source_offset: reader.u64()?,
                length: reader.u64()?,
                destination: reader.string()?,
                destination_offset: reader.u64()?,
            }),
            b"home-directory" => Request::HomeDirectory { user: reader.string()? },
            b"users-groups-by-id@openssh.com" => {
                Request::UsersGroupsById { uids: reader.string()?, gids: reader.string()? }
            }
            // paramiko leaves the second half of the name out.
            b"check-file-handle" | b"check-file" => {
                Request::CheckFile { target: CheckTarget::Handle(reader.string()?), check: Check::parse(reader)? }
            }
            b"check-file-name" => {
                Request::CheckFile { target: CheckTarget::Path(reader.string()?), check: Check::parse(reader)? }
            }
            _ => return Err(Unparsed::UnknownExtension(name)),
        })
    }

    fn parse_rename(reader: &mut Reader<'a>, replace: bool) -> Result<Self, Malformed> {
        Ok(Request::Rename { source: reader.string()?, destination: reader.string()?, replace })
    }

    fn parse_set_stat(reader: &mut Reader<'a>, follow: bool) -> Result<Self, Malformed> {
        Ok(Request::SetStat { path: reader.string()?, follow, attributes: SentAttributes::parse(reader)? })
    }

    pub fn name(&self) -> RequestName {
        match self {
            Request::Open { .. } => RequestName::Open,
            Request::Close { .. } => RequestName::Close,
            Request::Read { .. } => RequestName::Read,
            Request::Write { .. } => RequestName::Write,
            Request::Stat { follow: true, .. } => RequestName::Stat,
            Request::Stat { follow: false, .. } => RequestName::Lstat,
            Request::FileStat { .. } => RequestName::Fstat,
            Request::SetStat { follow: true, .. } => RequestName::Setstat,
            Request::SetStat { follow: false, .. } => RequestName::Lsetstat,
            Request::FileSetStat { .. } => RequestName::Fsetstat,
            Request::OpenDirectory { .. } => RequestName::Opendir,
            Request::ReadDirectory { .. } => RequestName::Readdir,
            Request::Remove { .. } => RequestName::Remove,
            Request::MakeDirectory { .. } => RequestName::Mkdir,
            Request::RemoveDirectory { .. } => RequestName::Rmdir,
            Request::RealPath { .. } => RequestName::Realpath,
            Request::Rename { replace: false, .. } => RequestName::Rename,
            Request::Rename { replace: true, .. } => RequestName::PosixRename,
            Request::ReadLink { .. } => RequestName::Readlink,
            Request::Symlink { .. } => RequestName::Symlink,
            Request::Usage { .. } => RequestName::Statvfs,
            Request::FileUsage { .. } => RequestName::Fstatvfs,
            Request::HardLink { .. } => RequestName::Hardlink,
            Request::Sync { .. } => RequestName::Fsync,
            Request::Limits => RequestName::Limits,
            Request::ExpandPath { .. } => RequestName::ExpandPath,
            Request::CopyData(_) => RequestName::CopyData,
            Request::HomeDirectory { .. } => RequestName::HomeDirectory,
            Request::UsersGroupsById { .. } => RequestName::UsersGroupsById,
            Request::CheckFile { target: CheckTarget::Handle(_), .. } => RequestName::CheckFileHandle,
            Request::CheckFile { target: CheckTarget::Path(_), .. } => RequestName::CheckFileName,
        }
    }
}

impl<'a> Check<'a> {
    fn parse(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            algorithms: reader.string()?,
            offset: reader.u64()?,
            length: reader.u64()?,
            block_size: reader.u32()?,
        })
    }
}
