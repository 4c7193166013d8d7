//! `--dir HOST[:GUEST][:ro]`.

use crate::sandbox::{Access, DirectoryGrant};
use crate::storage::StoragePath;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use thiserror::Error;

/// A grant of a directory that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum DirectoryError {
    #[error("no directory is named before the first colon")]
    NoHost,
    #[error("the name for the guest begins with '/' and has no '.', '..', '//' or '/' at its end")]
    Guest,
    #[error(
        "what follows a directory is :GUEST, which begins with '/', or :ro, or :GUEST:ro; a colon in a path is \\:"
    )]
    Parts,
}

/// A colon that belongs to a path is written `\:`; any other backslash is itself. GUEST is "/" unless given.
pub(super) fn directory(text: &OsStr) -> Result<DirectoryGrant, DirectoryError> {
    let mut parts = split(text.as_bytes()).into_iter();
    let host = parts.next().filter(|host| !host.is_empty()).ok_or(DirectoryError::NoHost)?;
    let (guest, access) = match (parts.next(), parts.next(), parts.next()) {
        (None, _, _) => (None, Access::ReadWrite),
        (Some(last), None, _) if last == b"ro" => (None, Access::ReadOnly),
        (Some(guest), None, _) => (Some(guest), Access::ReadWrite),
        (Some(guest), Some(last), None) if last == b"ro" => (Some(guest), Access::ReadOnly),
        _ => return Err(DirectoryError::Parts),
    };
    let guest = match guest {
        Some(name) => guest_path(name)?,
        None => StoragePath::root().into_string(),
    };
    Ok(DirectoryGrant { host: PathBuf::from(OsString::from_vec(host)), guest, access })
}

fn guest_path(name: Vec<u8>) -> Result<String, DirectoryError> {
    if name.first() != Some(&b'/') {
        return Err(DirectoryError::Parts);
    }
    let name = String::from_utf8(name).map_err(|_| DirectoryError::Guest)?;
    StoragePath::from_normal(name).map(StoragePath::into_string).map_err(|_| DirectoryError::Guest)
}

fn split(text: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if bytes.next_if_eq(&b':').is_some() => part.push(b':'),
            b':' => parts.push(std::mem::take(&mut part)),
            byte => part.push(byte),
        }
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Result<(String, String, Access), DirectoryError> {
        directory(OsStr::new(text))
            .map(|grant| (grant.host.into_os_string().into_string().unwrap(), grant.guest, grant.access))
    }

    fn granted(host: &str, guest: &str, access: Access) -> Result<(String, String, Access), DirectoryError> {
        Ok((host.to_owned(), guest.to_owned(), access))
    }

    #[test]
    fn what_can_be_left_out() {
        assert_eq!(grant("/srv/bob"), granted("/srv/bob", "/", Access::ReadWrite));
        assert_eq!(grant("."), granted(".", "/", Access::ReadWrite));
        assert_eq!(grant("/srv/bob:ro"), granted("/srv/bob", "/", Access::ReadOnly));
        assert_eq!(grant("/srv/bob:/data"), granted("/srv/bob", "/data", Access::ReadWrite));
        assert_eq!(grant("/srv/bob:/data/x:ro"), granted("/srv/bob", "/data/x", Access::ReadOnly));
        assert_eq!(grant("/srv/bob:/ro"), granted("/srv/bob", "/ro", Access::ReadWrite));
    }

    #[test]
    fn an_escaped_colon_is_part_of_a_path() {
        assert_eq!(grant(r"/srv/a\:ro"), granted("/srv/a:ro", "/", Access::ReadWrite));
        assert_eq!(grant(r"/srv/a\:b:/c\:d:ro"), granted("/srv/a:b", "/c:d", Access::ReadOnly));
        assert_eq!(grant(r"/srv/a\b"), granted(r"/srv/a\b", "/", Access::ReadWrite));
    }

    #[test]
    fn a_name_of_the_host_need_not_be_utf8() {
        let grant = directory(OsStr::from_bytes(b"/srv/caf\xe9:ro")).unwrap();
        assert_eq!(grant.host.as_os_str().as_bytes(), b"/srv/caf\xe9");
    }

    #[test]
    fn what_is_refused() {
        for (text, error) in [
            ("", DirectoryError::NoHost),
            (":/data", DirectoryError::NoHost),
            ("/srv:data", DirectoryError::Parts),
            ("/srv:", DirectoryError::Parts),
            ("/srv::ro", DirectoryError::Parts),
            ("/srv:/data:rw", DirectoryError::Parts),
            ("/srv:ro:/data", DirectoryError::Parts),
            ("/srv:/data:ro:ro", DirectoryError::Parts),
            ("/srv:/data/", DirectoryError::Guest),
            ("/srv:/data/../etc", DirectoryError::Guest),
        ] {
            assert_eq!(grant(text), Err(error), "{text}");
        }
    }
}
