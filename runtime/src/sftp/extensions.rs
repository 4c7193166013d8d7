//! Which extensions VERSION offers: those that the storage can do and the operator permits.

use super::options::Options;
use super::policy::RequestName;
use super::wire::Writer;
use crate::storage::Features;

/// Names and versions as OpenSSH's PROTOCOL has them, section 4; `check-file` as draft-ietf-secsh-filexfer-09 has it,
/// section 9.1.2, with the hashes that are known.
const EXTENSIONS: [(RequestName, &str, &str); 14] = [
    (RequestName::PosixRename, "posix-rename@openssh.com", "1"),
    (RequestName::Statvfs, "statvfs@openssh.com", "2"),
    (RequestName::Fstatvfs, "fstatvfs@openssh.com", "2"),
    (RequestName::Hardlink, "hardlink@openssh.com", "1"),
    (RequestName::Fsync, "fsync@openssh.com", "1"),
    (RequestName::Lsetstat, "lsetstat@openssh.com", "1"),
    (RequestName::Limits, "limits@openssh.com", "1"),
    (RequestName::ExpandPath, "expand-path@openssh.com", "1"),
    (RequestName::CopyData, "copy-data", "1"),
    (RequestName::HomeDirectory, "home-directory", "1"),
    (RequestName::UsersGroupsById, "users-groups-by-id@openssh.com", "1"),
    (RequestName::CheckFileHandle, "check-file", "md5,sha1,sha256,sha512"),
    (RequestName::CheckFileHandle, "check-file-handle", "md5,sha1,sha256,sha512"),
    (RequestName::CheckFileName, "check-file-name", "md5,sha1,sha256,sha512"),
];

/// Appends the extension pairs of VERSION.
pub fn write_offers(out: &mut Vec<u8>, features: Features, options: &Options) {
    for (request, name, version) in EXTENSIONS {
        if is_offered(request, features, options) {
            out.put_string(name.as_bytes());
            out.put_string(version.as_bytes());
        }
    }
}

fn is_offered(request: RequestName, features: Features, options: &Options) -> bool {
    let possible = match request {
        RequestName::UsersGroupsById => options.show_names.is_some(),
        RequestName::Lsetstat => {
            features.intersects(Features::PERMISSIONS | Features::OWNERSHIP | Features::TIMES)
                || options.ignore_unsupported_attributes
        }
        other => features.contains(needed_features(other)),
    };
    possible && options.requests.permits(request) && !(options.read_only && request.writes())
}

/// What a storage must be able to do before it is asked at all.
pub fn needed_features(request: RequestName) -> Features {
    match request {
        RequestName::Readlink | RequestName::Symlink => Features::SYMLINKS,
        RequestName::PosixRename => Features::ATOMIC_REPLACE,
        RequestName::Statvfs | RequestName::Fstatvfs => Features::USAGE,
        RequestName::Hardlink => Features::HARD_LINKS,
        RequestName::Fsync => Features::SYNC,
        _ => Features::empty(),
    }
}
