//! Whether a client could rewrite what binds it: keys, compiled guests, the log or the guest itself, if these lie in
//! a directory that it may change.
//!
//! A path is followed as the kernel follows it, link by link, and each directory on the way is looked for among the
//! grants by device and inode, and so are the directories above it by way of "..": names, links and bind mounts
//! deceive no comparison of that kind. A thing that does not exist yet counts where it would be made.

use crate::sandbox::{Access, OpenDirectory};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use thiserror::Error;

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// What no client may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Protected {
    pub kind: ProtectedKind,
    pub path: PathBuf,
}

impl Protected {
    /// The file of it that lies deepest, on the way to which everything is looked at.
    fn innermost(&self) -> Cow<'_, Path> {
        match self.kind {
            // The list of keys may be a link out of .ssh.
            ProtectedKind::SshKeys => Cow::Owned(self.path.join("authorized_keys")),
            _ => Cow::Borrowed(&self.path),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProtectedKind {
    /// The directory .ssh with the list of keys in it.
    SshKeys,
    DefaultCache,
    ChosenCache,
    Log,
    Guest,
}

impl fmt::Display for ProtectedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SshKeys => "the SSH keys in",
            Self::DefaultCache | Self::ChosenCache => "the compile cache",
            Self::Log => "the log",
            Self::Guest => "the guest",
        })
    }
}

impl ProtectedKind {
    fn remedy(self) -> &'static str {
        match self {
            Self::SshKeys => "serve a directory beneath it or elsewhere",
            Self::DefaultCache => "name a cache elsewhere with --cache-dir DIR",
            Self::ChosenCache => "name another --cache-dir",
            Self::Log => "name a log elsewhere",
            Self::Guest => "move the guest elsewhere",
        }
    }
}

/// A read-write grant that contains a protected thing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: refused, because a client could change {} {} through it; {}, grant it read-only, or add --allow-unsafe-grant",
        .grant.display(), .protected.kind, .protected.path.display(), .protected.kind.remedy())]
pub(super) struct UnsafeGrant {
    grant: PathBuf,
    protected: Protected,
}

impl UnsafeGrant {
    /// What the log is told when the operator insists.
    pub(super) fn warning(&self) -> String {
        let Self { grant, protected } = self;
        format!("unsafe grant allowed: {} contains {} {}", grant.display(), protected.kind, protected.path.display())
    }
}

/// Code that lies in a directory that is granted, be it for reading only: whoever else writes there has a say in what runs
/// outside the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: refused, because the guest's code {} lies in it; move the code to where no client ever writes",
        .grant.display(), .code.display())]
pub(super) struct ServedCode {
    grant: PathBuf,
    code: PathBuf,
}

/// Whether native code lies outside every granted directory, which no option waives.
pub(super) fn check_code(grants: &[OpenDirectory], code: &Path) -> Result<(), ServedCode> {
    let holders = Holders::of(code);
    match grants.iter().find(|grant| FileIdentity::of(&*grant.file).is_ok_and(|it| holders.contains(it))) {
        Some(grant) => Err(ServedCode { grant: grant.host.clone(), code: code.to_owned() }),
        None => Ok(()),
    }
}

/// Every pair of a read-write grant and a protected thing in it; `protected` is asked only if there is such a grant.
pub(super) fn find(grants: &[OpenDirectory], protected: impl FnOnce() -> Vec<Protected>) -> Vec<UnsafeGrant> {
    let writable: Vec<(&OpenDirectory, FileIdentity)> = grants
        .iter()
        .filter(|grant| grant.access == Access::ReadWrite)
        .filter_map(|grant| Some((grant, FileIdentity::of(&*grant.file).ok()?)))
        .collect();
    if writable.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for thing in protected() {
        let holders = Holders::of(&thing.innermost());
        let unsafe_grants = writable.iter().filter(|(_, identity)| holders.contains(*identity));
        found.extend(
            unsafe_grants.map(|(grant, _)| UnsafeGrant { grant: grant.host.clone(), protected: thing.clone() }),
        );
    }
    found
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    fn of(directory: impl AsFd) -> Result<Self, Errno> {
        let stat = rustix::fs::fstat(directory)?;
        Ok(Self { device: stat.st_dev, inode: stat.st_ino })
    }
}

/// All directories from which a path can be changed: those on its way and whatever is above them.
#[derive(Default)]
struct Holders(BTreeSet<FileIdentity>);

impl Holders {
    fn of(path: &Path) -> Self {
        let mut holders = Self::default();
        // What stops the walk, as a missing name or a directory that cannot be entered, stops a client there too.
        let _ = holders.follow(path);
        holders
    }

    fn contains(&self, identity: FileIdentity) -> bool {
        self.0.contains(&identity)
    }

    fn follow(&mut self, path: &Path) -> Result<(), Errno> {
        let absolute = std::path::absolute(path).map_err(|_| Errno::NOENT)?;
        let mut at = open(CWD, Path::new("/"))?;
        self.add_with_parents(&at)?;
        let mut ahead = steps(&absolute);
        let mut links = 0;
        while let Some(step) = ahead.pop_front() {
            match kind(&at, &step)? {
                FileType::Symlink if links < MAX_LINKS => {
                    links += 1;
                    let target =
                        PathBuf::from(OsString::from_vec(rustix::fs::readlinkat(&at, &step, Vec::new())?.into_bytes()));
                    if target.is_absolute() {
                        at = open(CWD, Path::new("/"))?;
                    }
                    let mut through = steps(&target);
                    through.append(&mut ahead);
                    ahead = through;
                }
                FileType::Directory => {
                    at = open(&at, Path::new(&step))?;
                    self.add_with_parents(&at)?;
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    fn add_with_parents(&mut self, directory: &OwnedFd) -> Result<(), Errno> {
        let mut identity = FileIdentity::of(directory)?;
        let mut above: Option<OwnedFd> = None;
        while self.0.insert(identity) {
            let parent = open(above.as_ref().unwrap_or(directory), Path::new(".."))?;
            identity = FileIdentity::of(&parent)?;
            above = Some(parent);
        }
        Ok(())
    }
}

fn open(at: impl rustix::fd::AsFd, path: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(at, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn kind(at: &OwnedFd, name: &OsString) -> Result<FileType, Errno> {
    let stat = rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

fn steps(path: &Path) -> VecDeque<OsString> {
    let names = path.components().filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir));
    names.map(|component| component.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::DirectoryGrant;
    use std::fs;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    struct House(TempDir);

    impl House {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("home/alice/.ssh/sub")).unwrap();
            fs::create_dir_all(folder.path().join("home/alice/files")).unwrap();
            fs::create_dir_all(folder.path().join("srv/data")).unwrap();
            Self(folder)
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn is_unsafe(&self, grant: &str, protected: &str) -> bool {
            self.finds(grant, protected, Access::ReadWrite)
        }

        fn finds(&self, grant: &str, protected: &str, access: Access) -> bool {
            let grant = DirectoryGrant { host: self.path(grant), guest: "/".to_owned(), access }.open().unwrap();
            let protected = Protected { kind: ProtectedKind::SshKeys, path: self.path(protected) };
            !find(&[grant], || vec![protected]).is_empty()
        }
    }

    #[test]
    fn a_grant_that_contains_it_is_found() {
        let house = House::new();
        for grant in ["home/alice", "home", "", "home/alice/.ssh", "home/alice/files/.."] {
            assert!(house.is_unsafe(grant, "home/alice/.ssh"), "{grant}");
        }
    }

    #[test]
    fn a_grant_inside_or_beside_is_not() {
        let house = House::new();
        for grant in ["home/alice/.ssh/sub", "home/alice/files", "srv"] {
            assert!(!house.is_unsafe(grant, "home/alice/.ssh"), "{grant}");
        }
    }

    #[test]
    fn a_read_only_grant_is_not() {
        let house = House::new();
        assert!(!house.finds("home/alice", "home/alice/.ssh", Access::ReadOnly));
    }

    #[test]
    fn what_does_not_exist_counts_where_it_would_be() {
        let house = House::new();
        assert!(house.is_unsafe("home/alice", "home/alice/.cache/strongroom"));
        assert!(house.is_unsafe("srv", "srv/log"));
        assert!(!house.is_unsafe("srv/data", "srv/log"));
    }

    #[test]
    fn a_file_counts_where_it_lies() {
        let house = House::new();
        fs::write(house.path("srv/guest.wasm"), b"").unwrap();
        assert!(house.is_unsafe("srv", "srv/guest.wasm"));
        assert!(!house.is_unsafe("srv/data", "srv/guest.wasm"));
    }

    #[test]
    fn links_on_the_way_count_at_both_ends() {
        let house = House::new();
        symlink(house.path("home/alice/.ssh"), house.path("srv/keys")).unwrap();
        symlink("../srv/keys", house.path("home/link")).unwrap();
        assert!(house.is_unsafe("srv", "home/link"), "who may change srv decides where the link leads");
        assert!(house.is_unsafe("home/alice", "home/link"));
        assert!(!house.is_unsafe("srv/data", "home/link"));
        symlink(house.path("home/alice"), house.path("srv/data/granted")).unwrap();
        assert!(house.is_unsafe("srv/data/granted", "home/alice/.ssh"), "a grant by way of a link");
    }

    #[test]
    fn keys_count_where_their_list_lies_too() {
        let house = House::new();
        symlink(house.path("srv/keys"), house.path("home/alice/.ssh/authorized_keys")).unwrap();
        assert!(house.is_unsafe("srv", "home/alice/.ssh"));
        assert!(house.is_unsafe("home/alice/.ssh", "home/alice/.ssh"));
        assert!(!house.is_unsafe("srv/data", "home/alice/.ssh"));
    }

    #[test]
    fn a_loop_of_links_ends() {
        let house = House::new();
        symlink("loop", house.path("srv/loop")).unwrap();
        assert!(house.is_unsafe("srv", "srv/loop/log"));
        assert!(!house.is_unsafe("srv/data", "srv/loop/log"));
    }

    #[test]
    fn the_refusal_names_thing_reason_and_remedy() {
        let house = House::new();
        let grant = DirectoryGrant { host: house.path("home"), guest: "/".to_owned(), access: Access::ReadWrite };
        let cache = Protected { kind: ProtectedKind::DefaultCache, path: house.path("home/alice/.cache/strongroom") };
        let found = find(&[grant.open().unwrap()], || vec![cache]);
        let message = found.first().unwrap().to_string();
        assert!(message.starts_with(&format!("{}: refused", house.path("home").display())), "{message}");
        assert!(message.contains("--cache-dir DIR") && message.contains(".cache/strongroom"), "{message}");
        assert!(!message.contains('\n'));
    }
}
