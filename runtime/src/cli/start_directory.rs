//! The template of `-d`: `%u` is the user, `%d` the last component of the home directory, `%%` a percent sign.

use crate::storage::{Name, escape};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use thiserror::Error;

/// What the template can name. OpenSSH's `%d` is the whole home directory; in a storage, which begins at its own
/// root, only the directory's name means something.
pub(super) trait Values {
    fn user(&self) -> Option<Vec<u8>>;
    fn home_name(&self) -> Option<Vec<u8>>;
}

/// A start directory that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum TemplateError {
    #[error("in -d, '%' is followed by u, d or %; write %% for a percent sign")]
    UnknownKey,
    #[error("in -d, %{key} is not one name: {value:?} is empty, '.' or '..', or holds '/'; write the directory out")]
    NotAComponent { key: char, value: String },
    #[error("in -d, %{key} is not known: this user has no entry in passwd; write the directory out")]
    NoValue { key: char },
}

/// The start directory, its names escaped as the storage contract has it.
pub(super) fn start_directory(template: &OsStr, values: &dyn Values) -> Result<String, TemplateError> {
    let template = escape(template.as_bytes());
    let mut out = String::with_capacity(template.len());
    let mut rest = template.as_ref();
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let mut characters = after.chars();
        match characters.next() {
            Some('%') => out.push('%'),
            Some('u') => out.push_str(&component('u', values.user())?),
            Some('d') => out.push_str(&component('d', values.home_name())?),
            _ => return Err(TemplateError::UnknownKey),
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    Ok(out)
}

fn component(key: char, value: Option<Vec<u8>>) -> Result<String, TemplateError> {
    let value = value.ok_or(TemplateError::NoValue { key })?;
    let value = escape(&value).into_owned();
    match Name::new(value.clone()) {
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(_) => Err(TemplateError::NotAComponent { key, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Alice(&'static [u8], &'static [u8]);

    impl Values for Alice {
        fn user(&self) -> Option<Vec<u8>> {
            Some(self.0.to_vec())
        }

        fn home_name(&self) -> Option<Vec<u8>> {
            Some(self.1.to_vec())
        }
    }

    fn made(template: &str) -> Result<String, TemplateError> {
        start_directory(OsStr::new(template), &Alice(b"alice", b"home-of-alice"))
    }

    #[test]
    fn values_are_put_in() {
        assert_eq!(made("/users/%u/%d/x"), Ok("/users/alice/home-of-alice/x".to_owned()));
        assert_eq!(made("100%%/%%u"), Ok("100%/%u".to_owned()));
        assert_eq!(made("plain"), Ok("plain".to_owned()));
        assert_eq!(start_directory(OsStr::from_bytes(b"/caf\xe9"), &Alice(b"a", b"b")), Ok("/caf\u{EFE9}".to_owned()));
    }

    #[test]
    fn a_value_is_one_component() {
        for value in [b"..".as_slice(), b".", b"", b"a/b", b"../etc"] {
            let error = start_directory(OsStr::new("/%u"), &Alice(Box::leak(value.into()), b"home")).unwrap_err();
            assert!(matches!(error, TemplateError::NotAComponent { key: 'u', .. }), "{error}");
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert_eq!(made("/%h"), Err(TemplateError::UnknownKey));
        assert_eq!(made("/50%"), Err(TemplateError::UnknownKey));
    }
}
