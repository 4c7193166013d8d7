//! Both ways of finding a path, held to the same promises, in a sacrificial directory with a canary beside it.

use super::PosixPolicy;
use super::attributes::{set_stat_at, stat_at};
use super::listing::Listing;
use super::paths::{self, Opened, Place};
use super::resolve::{Bounds, RelativePath, Resolver};
use crate::sandbox::bindings::types::{AttributeChanges, Attributes, FileKind, OpenFlags, Timestamp};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

const BOTH: [Resolver; 2] = [Resolver::Kernel, Resolver::ByHand];
const STRICT: PosixPolicy = PosixPolicy { allow_chown: false, allow_setid: false };

/// `outside/canary` must stay as it is; `jail` is the root.
struct Yard {
    top: tempfile::TempDir,
    root: File,
    resolver: Resolver,
}

impl Yard {
    fn new(resolver: Resolver) -> Self {
        rustix::process::umask(Mode::empty());
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("outside")).unwrap();
        fs::write(top.path().join("outside/canary"), "untouched").unwrap();
        fs::create_dir(top.path().join("jail")).unwrap();
        let root = File::open(top.path().join("jail")).unwrap();
        Self { top, root, resolver }
    }

    fn host(&self, path: &str) -> PathBuf {
        self.top.path().join("jail").join(path)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    fn open(&self, path: &str, flags: OpenFlags, permissions: u16) -> Result<Opened, Errno> {
        paths::open(self.resolver, self.fd(), RelativePath::new(path.as_bytes())?, flags, permissions, STRICT)
    }

    fn read(&self, path: &str) -> Result<String, Errno> {
        match self.open(path, OpenFlags::READ, 0)? {
            Opened::File(mut file) => {
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                Ok(text)
            }
            Opened::Directory(_) => Err(Errno::ISDIR),
        }
    }

    fn stat(&self, path: &str, follow: bool) -> Result<Attributes, Errno> {
        stat_at(self.resolver, self.fd(), RelativePath::new(path.as_bytes())?, follow)
    }

    fn set(&self, path: &str, follow: bool, changes: &AttributeChanges) -> Result<(), Errno> {
        set_stat_at(self.resolver, self.fd(), RelativePath::new(path.as_bytes())?, follow, changes, STRICT)
    }

    fn real(&self, path: &str) -> Result<String, Errno> {
        let real = self.resolver.real_path(self.fd(), RelativePath::new(path.as_bytes())?)?;
        Ok(String::from_utf8(real).unwrap())
    }

    fn place<'a>(&'a self, path: &'a str) -> Place<'a> {
        Place { root: self.fd(), path: RelativePath::new(path.as_bytes()).unwrap() }
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        let canary = fs::read_to_string(self.top.path().join("outside/canary")).unwrap();
        assert_eq!(canary, "untouched");
        assert_eq!(fs::read_dir(self.top.path().join("outside")).unwrap().count(), 1);
    }
}

fn no_changes() -> AttributeChanges {
    AttributeChanges {
        size: None,
        permissions: None,
        uid: None,
        gid: None,
        accessed: None,
        modified: None,
        extended: Vec::new(),
    }
}

#[test]
fn this_kernel_has_openat2_or_the_first_half_of_these_tests_shows_nothing() {
    assert_eq!(Resolver::of_this_kernel(), Resolver::Kernel);
}

#[test]
fn a_path_is_relative_and_without_nul() {
    assert_eq!(RelativePath::new(b"").unwrap_err(), Errno::NOENT);
    assert_eq!(RelativePath::new(b"/a").unwrap_err(), Errno::INVAL);
    assert_eq!(RelativePath::new(b"a\0").unwrap_err(), Errno::INVAL);
}

#[test]
fn dots_and_links_stay_in_the_root() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        fs::write(yard.host("inside"), "in").unwrap();
        fs::create_dir(yard.host("d")).unwrap();
        symlink("/inside", yard.host("d/absolute")).unwrap();
        symlink("../../../../inside", yard.host("d/up")).unwrap();
        symlink(yard.top.path().join("outside"), yard.host("host")).unwrap();
        symlink("..", yard.host("parent")).unwrap();

        assert_eq!(yard.read("d/absolute"), Ok("in".to_owned()));
        assert_eq!(yard.read("d/up"), Ok("in".to_owned()));
        assert_eq!(yard.read("../../inside"), Ok("in".to_owned()));
        assert_eq!(yard.read("parent/parent/inside"), Ok("in".to_owned()));
        assert_eq!(yard.read("host/canary"), Err(Errno::NOENT));
        assert_eq!(yard.read("../outside/canary"), Err(Errno::NOENT));
        assert_eq!(yard.read("parent/outside/canary"), Err(Errno::NOENT));
        assert_eq!(yard.stat("host/canary", true).map(|_| ()), Err(Errno::NOENT));
        assert_eq!(yard.real("d/absolute"), Ok("inside".to_owned()));
        assert_eq!(yard.real("parent/d/../d/up"), Ok("inside".to_owned()));
        assert_eq!(yard.real("host/x"), Err(Errno::NOENT));
    }
}

#[test]
fn creating_through_a_link_that_leaves_creates_inside_or_not_at_all() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        fs::create_dir_all(yard.host(&yard.top.path().to_str().unwrap()[1..])).unwrap();
        symlink(yard.top.path().join("new"), yard.host("leaves")).unwrap();
        let create = OpenFlags::WRITE | OpenFlags::CREATE;
        assert!(matches!(yard.open("leaves", create, 0o600), Ok(Opened::File(_))));
        assert!(!yard.top.path().join("new").exists());
        assert!(yard.host(&yard.top.path().to_str().unwrap()[1..]).join("new").exists());

        symlink("dangling", yard.host("link")).unwrap();
        let exclusive = create | OpenFlags::EXCLUSIVE;
        assert_eq!(yard.open("link", exclusive, 0o600).err(), Some(Errno::EXIST));
    }
}

#[test]
fn names_at_the_end_are_never_followed() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        let outside = yard.top.path().join("outside");
        symlink(&outside, yard.host("out")).unwrap();
        symlink(outside.join("canary"), yard.host("canary")).unwrap();
        let path = |text: &'static str| RelativePath::new(text.as_bytes()).unwrap();

        assert_eq!(paths::remove_directory(resolver, yard.fd(), path("out")), Err(Errno::NOTDIR));
        assert_eq!(paths::make_directory(resolver, yard.fd(), path("out"), 0o700, STRICT), Err(Errno::EXIST));
        assert!(paths::make_directory(resolver, yard.fd(), path("out/new"), 0o700, STRICT).is_err());
        assert_eq!(paths::remove(resolver, yard.fd(), path("out/canary")), Err(Errno::NOENT));
        paths::link(resolver, yard.place("canary"), yard.place("second")).unwrap();
        assert!(fs::symlink_metadata(yard.host("second")).unwrap().is_symlink());
        paths::remove(resolver, yard.fd(), path("canary")).unwrap();
        for end in ["out/.", "out/..", "out/", ".."] {
            assert!(paths::remove(resolver, yard.fd(), path(end)).is_err(), "{end}");
            assert!(paths::remove_directory(resolver, yard.fd(), path(end)).is_err(), "{end}");
        }
        assert_eq!(paths::remove_directory(resolver, yard.fd(), path(".")), Err(Errno::BUSY));
    }
}

#[test]
fn rename_without_replace_leaves_what_is_there() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        fs::write(yard.host("a"), "a").unwrap();
        fs::write(yard.host("b"), "b").unwrap();
        assert_eq!(paths::rename(resolver, yard.place("a"), yard.place("b"), false), Err(Errno::EXIST));
        assert_eq!(fs::read_to_string(yard.host("b")).unwrap(), "b");
        paths::rename(resolver, yard.place("a"), yard.place("b"), true).unwrap();
        assert_eq!(fs::read_to_string(yard.host("b")).unwrap(), "a");
        fs::create_dir(yard.host("d")).unwrap();
        assert_eq!(paths::rename(resolver, yard.place("d"), yard.place("d/in"), false), Err(Errno::INVAL));
    }
}

#[test]
fn a_new_file_has_its_permissions_from_the_first_moment() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        for permissions in [0o600, 0o400, 0o000, 0o666, 0o751] {
            let name = format!("f{permissions:o}");
            let create = OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
            assert!(matches!(yard.open(&name, create, permissions), Ok(Opened::File(_))));
            assert_eq!(fs::metadata(yard.host(&name)).unwrap().mode() & 0o7777, u32::from(permissions));
        }
        let create = OpenFlags::WRITE | OpenFlags::CREATE;
        assert_eq!(yard.open("setuid", create, 0o4755).err(), Some(Errno::PERM));
        assert!(!yard.host("setuid").exists());
    }
}

#[test]
fn what_is_neither_a_file_nor_a_directory_is_not_opened_and_not_waited_for() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        rustix::fs::mkfifoat(yard.fd(), "fifo", Mode::from_raw_mode(0o600)).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(yard.host("socket")).unwrap();
        assert_eq!(yard.open("fifo", OpenFlags::READ, 0).err(), Some(Errno::INVAL));
        assert!(yard.open("fifo", OpenFlags::WRITE, 0).is_err());
        assert!(yard.open("socket", OpenFlags::READ, 0).is_err());
        let size = AttributeChanges { size: Some(0), ..no_changes() };
        assert_eq!(yard.set("fifo", true, &size), Err(Errno::INVAL));
        let mode = AttributeChanges { permissions: Some(0o640), ..no_changes() };
        yard.set("fifo", true, &mode).unwrap();
        assert_eq!(yard.stat("fifo", true).unwrap().kind, FileKind::Fifo);
        assert_eq!(yard.stat("fifo", true).unwrap().permissions, Some(0o640));
    }
}

#[test]
fn attributes_change_on_the_file_that_was_found() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        fs::write(yard.host("f"), "hello").unwrap();
        fs::set_permissions(yard.host("f"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("f", yard.host("l")).unwrap();
        let old = Timestamp { seconds: -5, nanoseconds: 7 };
        let new = Timestamp { seconds: 5_000_000_000, nanoseconds: 999_999_999 };
        let all = AttributeChanges {
            size: Some(2),
            permissions: Some(0o640),
            accessed: Some(new),
            modified: Some(old),
            ..no_changes()
        };
        yard.set("l", true, &all).unwrap();
        let found = yard.stat("f", false).unwrap();
        assert_eq!((found.size, found.permissions), (Some(2), Some(0o640)));
        assert_eq!(found.modified.map(|time| (time.seconds, time.nanoseconds)), Some((-5, 7)));
        assert_eq!(found.accessed.map(|time| time.seconds), Some(5_000_000_000));

        let times = AttributeChanges { modified: Some(old), ..no_changes() };
        yard.set("l", false, &times).unwrap();
        let link = yard.stat("l", false).unwrap();
        assert_eq!(link.modified.map(|time| time.seconds), Some(-5));
        assert_eq!(link.kind, FileKind::Symlink);
        let mode = AttributeChanges { permissions: Some(0o600), ..no_changes() };
        assert_eq!(yard.set("l", false, &mode), Err(Errno::IO));
        assert_eq!(yard.set("missing", true, &no_changes()), Err(Errno::NOENT));
        assert_eq!(yard.set("f", true, &no_changes()), Ok(()));

        let setuid = AttributeChanges { permissions: Some(0o4755), ..no_changes() };
        assert_eq!(yard.set("f", true, &setuid), Err(Errno::PERM));
        let owner = AttributeChanges { uid: Some(found.uid.unwrap() + 1), ..no_changes() };
        assert_eq!(yard.set("f", true, &owner), Err(Errno::PERM));
        let same = AttributeChanges { uid: found.uid, gid: found.gid, ..no_changes() };
        assert_eq!(yard.set("f", true, &same), Ok(()));
    }
}

#[test]
fn a_file_that_nobody_may_read_can_be_made_readable() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        fs::write(yard.host("f"), "").unwrap();
        fs::set_permissions(yard.host("f"), fs::Permissions::from_mode(0o000)).unwrap();
        yard.set("f", true, &AttributeChanges { permissions: Some(0o644), ..no_changes() }).unwrap();
        assert_eq!(yard.stat("f", true).unwrap().permissions, Some(0o644));
    }
}

#[test]
fn loops_and_missing_parts_have_their_own_errors() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        symlink("b", yard.host("a")).unwrap();
        symlink("a", yard.host("b")).unwrap();
        fs::write(yard.host("f"), "").unwrap();
        assert_eq!(yard.read("a"), Err(Errno::LOOP));
        assert_eq!(yard.read("f/x"), Err(Errno::NOTDIR));
        assert_eq!(yard.read("m/x"), Err(Errno::NOENT));
        assert_eq!(yard.real("missing"), Ok("missing".to_owned()));
        assert_eq!(yard.real("missing/x"), Err(Errno::NOENT));
        assert_eq!(yard.real("f/x"), Err(Errno::NOTDIR));
        assert_eq!(yard.real("f"), Ok("f".to_owned()));
        assert_eq!(yard.real("."), Ok(String::new()));
        assert!(yard.read(&"x".repeat(300)).is_err());
        assert_eq!(yard.stat("a", true).map(|_| ()), Err(Errno::LOOP));
    }
}

#[test]
fn links_of_proc_are_not_followed() {
    let root = File::open("/proc/self").unwrap();
    for resolver in BOTH {
        let path = RelativePath::new(b"root/etc").unwrap();
        assert!(stat_at(resolver, root.as_fd(), path, true).is_err());
    }
}

#[test]
fn a_listing_has_each_name_once_byte_for_byte() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        let mut expected: Vec<Vec<u8>> = (0..2500).map(|number| format!("file-{number}").into_bytes()).collect();
        expected.push(b"latin-\xe9".to_vec());
        for name in &expected {
            File::create(yard.host("").join(std::ffi::OsStr::from_bytes(name))).unwrap().write_all(b"x").unwrap();
        }
        let mut listing = Listing::open(resolver, yard.fd(), RelativePath::new(b".").unwrap()).unwrap();
        let mut found = Vec::new();
        loop {
            let batch = listing.read(100).unwrap();
            assert!(batch.len() <= 100);
            if batch.is_empty() {
                break;
            }
            for entry in batch {
                assert_eq!(entry.attributes.size, Some(1));
                found.push(crate::storage::unescape(&entry.name).into_owned());
            }
        }
        assert!(listing.read(100).unwrap().is_empty(), "the end is told again and again");
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(
            Listing::open(resolver, yard.fd(), RelativePath::new(b"file-1").unwrap()).err(),
            Some(Errno::NOTDIR)
        );
    }
}

#[test]
fn a_directory_that_cannot_be_searched_is_listed_by_name() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        fs::create_dir(yard.host("d")).unwrap();
        fs::write(yard.host("d/f"), "").unwrap();
        fs::set_permissions(yard.host("d"), fs::Permissions::from_mode(0o444)).unwrap();
        let found = Listing::open(resolver, yard.fd(), RelativePath::new(b"d").unwrap()).and_then(|mut l| l.read(10));
        fs::set_permissions(yard.host("d"), fs::Permissions::from_mode(0o755)).unwrap();
        let found = found.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].attributes.kind), ("f", FileKind::Regular));
    }
}

#[test]
fn within_the_bounds_of_wasi_no_step_leads_out() {
    for resolver in BOTH {
        let yard = Yard::new(resolver);
        fs::write(yard.host("file"), "own").unwrap();
        fs::create_dir(yard.host("inside")).unwrap();
        symlink("../outside", yard.host("leaves")).unwrap();
        symlink("/file", yard.host("absolute")).unwrap();
        symlink("inside/../file", yard.host("stays")).unwrap();
        let open = |path: &str| {
            let path = RelativePath::new(path.as_bytes())?;
            resolver.open_within(yard.fd(), path, OFlags::RDONLY, Mode::empty(), Bounds::Beneath)
        };
        for path in ["..", "../outside/canary", "inside/../../outside/canary", "leaves", "leaves/canary", "absolute"] {
            assert_eq!(open(path).err(), Some(Errno::PERM), "{resolver:?} {path}");
            let path = format!("{path}/new");
            let parent =
                resolver.parent_within(yard.fd(), RelativePath::new(path.as_bytes()).unwrap(), Bounds::Beneath);
            assert_eq!(parent.err(), Some(Errno::PERM), "{resolver:?} {path}");
        }
        for path in ["file", "inside/../file", "stays", "inside/..", "."] {
            assert!(open(path).is_ok(), "{resolver:?} {path}");
        }
    }
}
