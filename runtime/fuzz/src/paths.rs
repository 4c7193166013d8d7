//! Paths and names: any bytes become a path in normal form, the one that is computed here in another way, and names come
//! back byte for byte.

use crate::storage::{Name, StoragePath, escape, unescape};
use strongroom::vis::Vis;

pub fn run(input: &[u8]) {
    names_come_back(input);
    text_is_read_one_way(input);
    line_of_log(input);
    let Some((&at, rest)) = input.split_first() else { return };
    let (base, path) = rest.split_at(rest.len().min(usize::from(at)));
    resolves(base, path);
}

fn names_come_back(bytes: &[u8]) {
    let text = escape(bytes);
    assert_eq!(unescape(&text), bytes);
    for separator in [b'/', 0, b'.'] {
        let count = bytes.iter().filter(|byte| **byte == separator).count();
        assert_eq!(text.bytes().filter(|byte| *byte == separator).count(), count);
    }
}

/// What a storage says is a string of its own making: nothing that was no separator becomes one.
fn text_is_read_one_way(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let bytes = unescape(text);
    assert_eq!(unescape(&escape(&bytes)), bytes);
    let is_name = !matches!(text, "" | "." | "..") && !text.contains(['/', '\0']);
    assert_eq!(Name::new(text.to_owned()).is_ok(), is_name);
    if is_name {
        assert!(!matches!(bytes.as_ref(), b"" | b"." | b"..") && !bytes.contains(&b'/') && !bytes.contains(&0));
    }
    if let Ok(path) = StoragePath::from_normal(text.to_owned()) {
        assert_eq!(normal("", text), path.as_str());
    }
}

fn resolves(base: &[u8], path: &[u8]) {
    let (base, path) = (escape(base), escape(path));
    let Some(base) = StoragePath::resolve(&StoragePath::root(), &base) else {
        assert!(base.contains('\0'));
        return;
    };
    let Some(resolved) = StoragePath::resolve(&base, &path) else {
        assert!(path.contains('\0'));
        return;
    };
    assert!(!path.contains('\0'));
    assert_eq!(resolved.as_str(), normal(base.as_str(), &path));
    assert_eq!(StoragePath::from_normal(resolved.as_str().to_owned()).as_ref(), Ok(&resolved));
    assert_eq!(StoragePath::resolve(&base, resolved.as_str()).as_ref(), Some(&resolved));
    assert_eq!(StoragePath::resolve(&resolved, "").as_ref(), Some(&resolved));
    let components = resolved.as_str().split('/').filter(|component| !component.is_empty());
    for component in components {
        assert!(Name::new(component.to_owned()).is_ok());
    }
}

fn normal(base: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") };
    let mut components = Vec::new();
    for component in whole.split('/') {
        if component == ".." {
            components.pop();
        } else if !component.is_empty() && component != "." {
            components.push(component);
        }
    }
    format!("/{}", components.join("/"))
}

/// What is shown of a name can be read back, and ends neither its quotes nor its line.
fn line_of_log(bytes: &[u8]) {
    let shown = Vis(bytes).to_string();
    assert!(shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    let mut back = Vec::new();
    let mut rest = shown.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        assert_ne!(byte, b'"');
        rest = after;
        if byte != b'\\' {
            back.push(byte);
        } else if let Some((&quoted @ (b'\\' | b'"'), after)) = rest.split_first() {
            back.push(quoted);
            rest = after;
        } else {
            let (digits, after) = rest.split_at(3);
            back.push(digits.iter().fold(0, |number, digit| number * 8 + (digit - b'0')));
            rest = after;
        }
    }
    assert_eq!(back, bytes);
}
