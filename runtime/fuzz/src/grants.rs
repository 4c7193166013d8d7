//! What operators write and what sshd hands on: grants of directories, settings, numbers, start directories, lists of
//! requests, commands. What is taken means what can be written again.

use crate::sftp::RequestPolicy;
use crate::storage::{StoragePath, escape};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use strongroom::cli::testing as cli;
use strongroom::sandbox::{Access, DirectoryGrant};

pub fn run(input: &[u8]) {
    let Some((&choice, bytes)) = input.split_first() else { return };
    match choice % 5 {
        0 => directory_grant(bytes),
        1 => start_directory(bytes),
        2 => command(bytes),
        3 => std::str::from_utf8(bytes).map_or((), numbers),
        _ => std::str::from_utf8(bytes).map_or((), lists),
    }
}

fn directory_grant(bytes: &[u8]) {
    let Some(grant) = cli::directory_grant(OsStr::from_bytes(bytes)) else { return };
    let host = grant.host.as_os_str().as_bytes();
    assert!(!host.is_empty());
    let guest = StoragePath::from_normal(grant.guest.clone()).expect("a name for the guest in normal form");
    assert_eq!(guest.as_str(), grant.guest);
    assert!(grant.access == Access::ReadWrite || bytes.ends_with(b":ro"));
    if let Some(written) = write_grant(&grant) {
        assert_eq!(cli::directory_grant(OsStr::from_bytes(&written)).as_ref(), Some(&grant));
    }
}

/// A path that ends in a backslash cannot stand before a colon.
fn write_grant(grant: &DirectoryGrant) -> Option<Vec<u8>> {
    let mut out = escape_colons(grant.host.as_os_str().as_bytes());
    if grant.guest != "/" {
        out = [before_colon(out)?, b":".to_vec(), escape_colons(grant.guest.as_bytes())].concat();
    }
    if grant.access == Access::ReadOnly {
        out = [before_colon(out)?, b":ro".to_vec()].concat();
    }
    Some(out)
}

fn before_colon(path: Vec<u8>) -> Option<Vec<u8>> {
    (!path.ends_with(b"\\")).then_some(path)
}

fn escape_colons(path: &[u8]) -> Vec<u8> {
    path.iter().flat_map(|byte| if *byte == b':' { b"\\:".to_vec() } else { vec![*byte] }).collect()
}

/// A user's name and a home directory's are one component, whatever they are, or there is no start directory.
fn start_directory(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let (template, user, home) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    let Some(start) = cli::start_directory(OsStr::from_bytes(template), user, home) else { return };
    let slashes = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'/').count();
    assert_eq!(slashes(start.as_bytes()), slashes(template), "{start}");
    let has_key = |key: &[u8]| template.windows(2).any(|pair| pair == key);
    if !has_key(b"%%") && has_key(b"%u") {
        assert!(!matches!(user, b"" | b"." | b"..") && start.contains(escape(user).as_ref()));
    }
    if !template.contains(&b'%') {
        assert_eq!(start, escape(template));
    }
}

fn command(bytes: &[u8]) {
    if cli::is_served(OsStr::from_bytes(bytes)) {
        let first = bytes.split(u8::is_ascii_whitespace).find(|word| !word.is_empty()).unwrap_or_default();
        let text = String::from_utf8_lossy(first);
        let servers = ["internal-sftp", "sftp-server", "strongroom"];
        assert!(servers.iter().any(|server| text.trim_end_matches('"').ends_with(server)), "{text}");
    }
}

fn numbers(text: &str) {
    if let Some(bytes) = cli::size(text) {
        assert!(bytes > 0);
        assert_eq!(cli::size(&bytes.to_string()), Some(bytes));
    }
    if let Some(duration) = cli::duration(text) {
        assert!(!duration.is_zero());
        assert!(text.starts_with(|first: char| first.is_ascii_digit()));
    }
    if let Some(umask) = cli::umask(text) {
        assert!(umask <= 0o777);
        assert_eq!(cli::umask(&format!("{umask:03o}")), Some(umask));
    }
}

fn lists(text: &str) {
    // A value that begins with '@' would have a file read.
    if !text.contains("=@")
        && let Some((key, value)) = cli::setting(text)
    {
        assert!(!key.is_empty() && !key.contains('='));
        assert_eq!(format!("{key}={value}"), text);
    }
    if RequestPolicy::parse(Some(text), Some(text)).is_ok() {
        let names: Vec<&str> = RequestPolicy::names().collect();
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        assert!(words.into_iter().all(|word| names.contains(&word)));
    }
}
