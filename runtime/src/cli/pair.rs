//! `KEY=VALUE` and `KEY=@FILE`, which keeps a secret out of the process list.

use std::fs::File;
use std::io::{self, Read};
use thiserror::Error;

/// More than any setting needs; it bounds what a wrong file costs.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A setting that cannot be read. No message tells a value.
#[derive(Debug, Error)]
pub(super) enum PairError {
    #[error("a setting is KEY=VALUE, or KEY=@FILE to read the value from a file")]
    Form,
    #[error("{file}: the value cannot be read ({source}); name a file that this user can read")]
    Read { file: String, source: io::Error },
    #[error("{file}: a value is at most 1 MiB long")]
    TooLong { file: String },
    #[error("{file}: a value must be UTF-8 and without NUL")]
    NotText { file: String },
}

/// A value that begins with '@' is the contents of the file that it names, less one newline at their end.
pub(super) fn pair(text: &str) -> Result<(String, String), PairError> {
    let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or(PairError::Form)?;
    let value = match value.strip_prefix('@') {
        Some(file) => contents(file)?,
        None => value.to_owned(),
    };
    Ok((key.to_owned(), value))
}

/// What a file holds, less one newline at its end.
pub(super) fn contents(file: &str) -> Result<String, PairError> {
    let bytes = read(file).map_err(|source| PairError::Read { file: file.to_owned(), source })?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(PairError::TooLong { file: file.to_owned() });
    }
    let mut value = String::from_utf8(bytes)
        .ok()
        .filter(|value| !value.contains('\0'))
        .ok_or_else(|| PairError::NotText { file: file.to_owned() })?;
    if value.ends_with('\n') {
        value.pop();
    }
    Ok(value)
}

fn read(file: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(contents: &[u8]) -> Result<(String, String), PairError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), contents).unwrap();
        pair(&format!("password=@{}", file.path().display()))
    }

    #[test]
    fn keys_and_values() {
        assert_eq!(pair("a=b").unwrap(), ("a".to_owned(), "b".to_owned()));
        assert_eq!(pair("a=b=c").unwrap(), ("a".to_owned(), "b=c".to_owned()));
        assert_eq!(pair("a=").unwrap(), ("a".to_owned(), String::new()));
        assert!(matches!(pair("a"), Err(PairError::Form)));
        assert!(matches!(pair("=b"), Err(PairError::Form)));
    }

    #[test]
    fn a_file_loses_one_newline() {
        assert_eq!(from_file(b"secret\n").unwrap().1, "secret");
        assert_eq!(from_file(b"secret\n\n").unwrap().1, "secret\n");
        assert_eq!(from_file(b"secret").unwrap().1, "secret");
        assert_eq!(from_file(b"").unwrap().1, "");
    }

    #[test]
    fn a_wrong_file_is_named_and_its_contents_are_not() {
        let message = pair("a=@/nonexistent/secret").unwrap_err().to_string();
        assert!(message.starts_with("/nonexistent/secret: "), "{message}");
        assert!(matches!(from_file(b"\xff"), Err(PairError::NotText { .. })));
        assert!(matches!(from_file(b"a\0b"), Err(PairError::NotText { .. })));
        assert!(matches!(from_file(&vec![b'x'; (1 << 20) + 1]), Err(PairError::TooLong { .. })));
        assert_eq!(from_file(&vec![b'x'; 1 << 20]).unwrap().1.len(), 1 << 20);
    }
}
