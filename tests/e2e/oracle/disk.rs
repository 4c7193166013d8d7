//! The directories that are served, as the test makes, empties and opens them beside the servers.

use super::facts;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode of ours");
}

pub fn empty(directory: &Path) {
    for entry in fs::read_dir(directory).expect("a directory of ours") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.is_symlink() {
            set_mode(&path, 0o700);
            empty(&path);
            fs::remove_dir(&path).expect("an empty directory of ours");
        } else {
            fs::remove_file(&path).expect("a file of ours");
        }
    }
}

/// Gives links below `directory` the targets that they have in a jail.
pub fn put_inside(root: &Path, directory: &Path) {
    for entry in fs::read_dir(directory).expect("a directory of ours").flatten() {
        let path = entry.path();
        if let Ok(target) = fs::read_link(&path) {
            let inside = facts::inside(root, target.as_os_str().as_bytes());
            fs::remove_file(&path).expect("a link of ours");
            symlink(OsStr::from_bytes(inside), &path).expect("a link of ours");
        } else if path.is_dir() {
            put_inside(root, &path);
        }
    }
}

/// Lets the test read what it closed.
pub fn open_up(directory: &Path) {
    let mode = fs::symlink_metadata(directory).expect("a directory of ours").permissions().mode();
    set_mode(directory, mode & 0o7777 | 0o700);
    for entry in fs::read_dir(directory).expect("a directory of ours").flatten() {
        let path = entry.path();
        let metadata = fs::symlink_metadata(&path).expect("metadata");
        if metadata.is_dir() {
            open_up(&path);
        } else if metadata.is_file() {
            set_mode(&path, metadata.permissions().mode() & 0o7777 | 0o600);
        }
    }
}
