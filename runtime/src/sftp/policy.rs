//! Which requests an operator lets a client make, by the names that OpenSSH's sftp-server gives them (`-p`, `-P`, `-Q`).

use thiserror::Error;

/// A kind of request, as an operator names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestName {
    Open,
    Close,
    Read,
    Write,
    Lstat,
    Fstat,
    Setstat,
    Fsetstat,
    Opendir,
    Readdir,
    Remove,
    Mkdir,
    Rmdir,
    Realpath,
    Stat,
    Rename,
    Readlink,
    Symlink,
    PosixRename,
    Statvfs,
    Fstatvfs,
    Hardlink,
    Fsync,
    Lsetstat,
    Limits,
    ExpandPath,
    CopyData,
    HomeDirectory,
    UsersGroupsById,
    CheckFileHandle,
    CheckFileName,
}

/// Names in the order of [`RequestName`]; the last two are not OpenSSH's.
const NAMES: [(RequestName, &str); 31] = [
    (RequestName::Open, "open"),
    (RequestName::Close, "close"),
    (RequestName::Read, "read"),
    (RequestName::Write, "write"),
    (RequestName::Lstat, "lstat"),
    (RequestName::Fstat, "fstat"),
    (RequestName::Setstat, "setstat"),
    (RequestName::Fsetstat, "fsetstat"),
    (RequestName::Opendir, "opendir"),
    (RequestName::Readdir, "readdir"),
    (RequestName::Remove, "remove"),
    (RequestName::Mkdir, "mkdir"),
    (RequestName::Rmdir, "rmdir"),
    (RequestName::Realpath, "realpath"),
    (RequestName::Stat, "stat"),
    (RequestName::Rename, "rename"),
    (RequestName::Readlink, "readlink"),
    (RequestName::Symlink, "symlink"),
    (RequestName::PosixRename, "posix-rename"),
    (RequestName::Statvfs, "statvfs"),
    (RequestName::Fstatvfs, "fstatvfs"),
    (RequestName::Hardlink, "hardlink"),
    (RequestName::Fsync, "fsync"),
    (RequestName::Lsetstat, "lsetstat"),
    (RequestName::Limits, "limits"),
    (RequestName::ExpandPath, "expand-path"),
    (RequestName::CopyData, "copy-data"),
    (RequestName::HomeDirectory, "home-directory"),
    (RequestName::UsersGroupsById, "users-groups-by-id"),
    (RequestName::CheckFileHandle, "check-file-handle"),
    (RequestName::CheckFileName, "check-file-name"),
];

impl RequestName {
    pub(super) fn as_str(self) -> &'static str {
        NAMES.iter().find(|(name, _)| *name == self).map_or("", |(_, text)| text)
    }

    /// Whether it changes the storage. OPEN does or does not by its flags, and is judged there.
    pub(super) fn writes(self) -> bool {
        use RequestName::*;
        matches!(
            self,
            Write
                | Setstat
                | Fsetstat
                | Remove
                | Mkdir
                | Rmdir
                | Rename
                | Symlink
                | PosixRename
                | Hardlink
                | Fsync
                | Lsetstat
                | CopyData
        )
    }

    /// What a client could use this request in place of: who may not read may not have hashes either.
    fn implied(self) -> &'static [RequestName] {
        match self {
            RequestName::CheckFileHandle => &[RequestName::Read],
            RequestName::CheckFileName => &[RequestName::Open, RequestName::Read],
            _ => &[],
        }
    }

    fn bit(self) -> u64 {
        1 << (self as u32)
    }
}

/// A list of requests holds a name that no request has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no request \"{0}\"; -Q requests lists them")]
pub struct UnknownRequest(pub String);

/// The requests that a session serves. A refused one is answered by PERMISSION_DENIED, and a refused extension is not
/// offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPolicy {
    allowed: Option<u64>,
    denied: u64,
}

impl RequestPolicy {
    /// Everything is served.
    pub fn permit_all() -> Self {
        Self { allowed: None, denied: 0 }
    }

    /// From lists of names, separated by commas: only what is allowed (everything without a list), less what is denied.
    pub fn parse(allowed: Option<&str>, denied: Option<&str>) -> Result<Self, UnknownRequest> {
        Ok(Self { allowed: allowed.map(parse_list).transpose()?, denied: denied.map_or(Ok(0), parse_list)? })
    }

    /// The names of all requests, in OpenSSH's order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, text)| *text)
    }

    pub(super) fn permits(&self, request: RequestName) -> bool {
        self.refuses(request).is_none()
    }

    /// By which of the lists, if it is refused, in the words of OpenSSH's log.
    pub(super) fn refuses(&self, request: RequestName) -> Option<&'static str> {
        self.refuses_itself(request)
            .or_else(|| request.implied().iter().find_map(|implied| self.refuses_itself(*implied)))
    }

    fn refuses_itself(&self, request: RequestName) -> Option<&'static str> {
        if self.denied & request.bit() != 0 {
            return Some("denylisted");
        }
        self.allowed.is_some_and(|allowed| allowed & request.bit() == 0).then_some("non-allowlisted")
    }
}

fn parse_list(list: &str) -> Result<u64, UnknownRequest> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .try_fold(0, |bits, name| Ok(bits | parse_name(name)?))
}

fn parse_name(name: &str) -> Result<u64, UnknownRequest> {
    let found = NAMES.iter().find(|(_, text)| *text == name);
    found.map(|(request, _)| request.bit()).ok_or_else(|| UnknownRequest(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deny_wins() {
        let policy = RequestPolicy::parse(Some("open, read,remove"), Some("remove")).unwrap();
        assert!(policy.permits(RequestName::Read));
        assert!(!policy.permits(RequestName::Remove));
        assert!(!policy.permits(RequestName::Write));
        assert!(RequestPolicy::permit_all().permits(RequestName::Write));
        assert_eq!(policy.refuses(RequestName::Remove), Some("denylisted"));
        assert_eq!(policy.refuses(RequestName::Write), Some("non-allowlisted"));
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert_eq!(RequestPolicy::parse(None, Some("unlink")), Err(UnknownRequest("unlink".into())));
    }

    #[test]
    fn hashes_need_what_reading_needs() {
        let policy = RequestPolicy::parse(None, Some("read")).unwrap();
        assert!(!policy.permits(RequestName::CheckFileHandle));
        assert!(!policy.permits(RequestName::CheckFileName));
        let policy = RequestPolicy::parse(None, Some("open")).unwrap();
        assert!(policy.permits(RequestName::CheckFileHandle));
        assert!(!policy.permits(RequestName::CheckFileName));
    }

    #[test]
    fn the_table_is_in_order() {
        for (position, (name, text)) in NAMES.iter().enumerate() {
            assert_eq!(*name as usize, position);
            assert_eq!(name.as_str(), *text);
        }
        assert_eq!(RequestPolicy::names().count(), NAMES.len());
    }
}
