//! What the command line makes of single words, for fuzz targets outside this package. A word that is refused is `None`.

use super::start_directory::Values;
use super::{directory, forced_command, pair, start_directory, units};
use crate::sandbox::DirectoryGrant;
use std::ffi::OsStr;
use std::time::Duration;

/// `--dir`.
pub fn directory_grant(text: &OsStr) -> Option<DirectoryGrant> {
    directory::directory(text).ok()
}

/// `--env` and `--set`. A value that begins with '@' has a file read.
pub fn setting(text: &str) -> Option<(String, String)> {
    pair::pair(text).ok()
}

/// Bytes.
pub fn size(text: &str) -> Option<usize> {
    units::size(text).ok()
}

pub fn duration(text: &str) -> Option<Duration> {
    units::duration(text).ok()
}

/// `-u`.
pub fn umask(text: &str) -> Option<u16> {
    units::umask(text).ok()
}

/// `-d`, for a user of this name with a home directory of that name.
pub fn start_directory(template: &OsStr, user: &[u8], home_name: Option<&[u8]>) -> Option<String> {
    start_directory::start_directory(template, &Account { user, home_name }).ok()
}

/// Whether a client whose `SSH_ORIGINAL_COMMAND` this is gets a session.
pub fn is_served(command: &OsStr) -> bool {
    forced_command::names_server(command)
}

struct Account<'a> {
    user: &'a [u8],
    home_name: Option<&'a [u8]>,
}

impl Values for Account<'_> {
    fn user(&self) -> Option<Vec<u8>> {
        Some(self.user.to_vec())
    }

    fn home_name(&self) -> Option<Vec<u8>> {
        self.home_name.map(<[u8]>::to_vec)
    }
}
