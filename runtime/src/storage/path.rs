//! Paths and names in their checked forms. A path is normalised once, lexically, here and nowhere else: the guest
//! sees the result, and nothing after this file interprets '.' or '..'.

use std::fmt;
use thiserror::Error;

/// An absolute path without '.', '..', empty components, a trailing '/' or NUL. The root is "/".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoragePath(String);

/// A path that a storage gave is not in normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the path is not absolute and normalised")]
pub struct InvalidPath;

/// A name that a storage gave is no single component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the name is empty, '.' or '..', or holds '/' or NUL")]
pub struct InvalidName;

impl StoragePath {
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// What a client means by `path`: relative ones start at `base`, and '..' at the root stays there.
    /// `None` if it holds NUL.
    pub fn resolve(base: &StoragePath, path: &str) -> Option<Self> {
        if path.contains('\0') {
            return None;
        }
        if path.starts_with('/') && is_normal(path) {
            return Some(Self(path.to_owned()));
        }
        let start = if path.starts_with('/') { "" } else { base.as_str() };
        let mut out = String::with_capacity(start.len() + path.len() + 1);
        for component in start.split('/').chain(path.split('/')) {
            match component {
                "" | "." => {}
                ".." => out.truncate(out.rfind('/').unwrap_or(0)),
                name => {
                    out.push('/');
                    out.push_str(name);
                }
            }
        }
        if out.is_empty() {
            out.push('/');
        }
        Some(Self(out))
    }

    /// A path that must be in normal form already, as a storage's answers must.
    pub fn from_normal(path: String) -> Result<Self, InvalidPath> {
        if is_normal(&path) { Ok(Self(path)) } else { Err(InvalidPath) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }

    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }
}

impl fmt::Display for StoragePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One component of a path: not empty, not '.' or '..', without '/' and NUL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    pub fn new(name: String) -> Result<Self, InvalidName> {
        if is_component(&name) { Ok(Self(name)) } else { Err(InvalidName) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_component(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.bytes().any(|byte| byte == b'/' || byte == 0)
}

fn is_normal(path: &str) -> bool {
    match path.strip_prefix('/') {
        Some("") => true,
        Some(rest) => rest.split('/').all(is_component),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resolved(base: &str, path: &str) -> String {
        let base = StoragePath::from_normal(base.to_owned()).unwrap();
        StoragePath::resolve(&base, path).unwrap().into_string()
    }

    #[test]
    fn clients_paths() {
        assert_eq!(resolved("/home", ""), "/home");
        assert_eq!(resolved("/home", "."), "/home");
        assert_eq!(resolved("/home", "a//b/./c/"), "/home/a/b/c");
        assert_eq!(resolved("/home", ".."), "/");
        assert_eq!(resolved("/home", "/../.."), "/");
        assert_eq!(resolved("/", "../../etc/passwd"), "/etc/passwd");
        assert_eq!(resolved("/a/b", "/x/../y"), "/y");
        assert_eq!(resolved("/a", "..."), "/a/...");
    }

    #[test]
    fn nul_is_no_path() {
        assert_eq!(StoragePath::resolve(&StoragePath::root(), "a\0b"), None);
    }

    #[test]
    fn a_storage_answers_in_normal_form_or_not_at_all() {
        for bad in ["", "a", "/a/", "//", "/a//b", "/a/../b", "/.", "/a\0"] {
            assert!(StoragePath::from_normal(bad.to_owned()).is_err(), "{bad:?}");
        }
        for bad in ["", ".", "..", "a/b", "/", "a\0"] {
            assert!(Name::new(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn resolving_gives_normal_form_and_is_idempotent(base in "(/[a-z.]{1,3}){0,4}", path in "[a-c./]{0,24}") {
            let base = StoragePath::resolve(&StoragePath::root(), &base).unwrap();
            let once = StoragePath::resolve(&base, &path).unwrap();
            prop_assert!(StoragePath::from_normal(once.as_str().to_owned()).is_ok());
            prop_assert_eq!(StoragePath::resolve(&base, once.as_str()).unwrap(), once);
        }
    }
}
