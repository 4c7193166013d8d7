//! Where one test works: a directory of its own, with a home, a cache and whatever the test makes there.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory that is gone when the test ends.
#[derive(Debug)]
pub struct Place {
    root: TempDir,
}

impl Place {
    /// Refuses to work as root: what these tests try would otherwise be allowed to succeed.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        assert!(
            !rustix::process::geteuid().is_root(),
            "end-to-end tests do not run as root; start them with tests/run, which runs them as an unprivileged user"
        );
        let place = Self { root: tempfile::tempdir().expect("a temporary directory") };
        for directory in ["home", "cache"] {
            DirBuilder::new().mode(0o700).create(place.path(directory)).expect("a directory");
        }
        place
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(name)
    }

    /// A new directory, with those above it.
    pub fn directory(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// A new file, with the directories above it.
    pub fn file(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let above = path.parent().expect("a file lies in a directory");
        fs::create_dir_all(above).unwrap_or_else(|error| panic!("{}: {error}", above.display()));
        fs::write(&path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// What a home directory is to the programs that a test starts.
    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// The compile cache.
    pub fn cache(&self) -> PathBuf {
        self.path("cache")
    }
}
