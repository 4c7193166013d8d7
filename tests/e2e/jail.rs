//! The jail as a file system: what clients ask for is what is on disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Attributes, code, flag};
use strongroom_tests::{Client, Place, strongroom};

const WAYS: [&str; 2] = ["native=yes", "native=no"];

/// A session in each way that the jail moves bytes, with the directory on disk.
fn in_jails(test: impl Fn(&mut Client, &Path)) {
    for way in WAYS {
        let place = Place::new();
        let directory = place.directory("jail");
        let mut client = strongroom!(place, "jail", &directory, "--set", way).connect();
        test(&mut client, &directory);
        assert!(client.finish().0.success());
    }
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_file_asked_for_as_0600_is_never_wider() {
    for way in WAYS {
        let place = Place::new();
        let directory = place.directory("jail");
        let mut client = strongroom!(place, "jail", &directory, "-u", "0", "--set", way).connect();
        let watcher = Watcher::start(directory.clone());
        for index in 0..2_000 {
            let path = format!("/{}", index % 50);
            let handle = client.open(&path, flag::WRITE | flag::CREAT | flag::EXCL, Some(0o600)).unwrap();
            client.close(&handle).unwrap();
            if index % 50 == 49 {
                for index in 0..50 {
                    client.remove(format!("/{index}")).unwrap();
                }
            }
        }
        let (looks, wider) = watcher.stop();
        assert!(looks > 100, "the watcher saw {looks} files");
        assert_eq!(wider, 0, "of {looks} looks ({way})");
    }
}

/// Nobody could run what was just put if the server still had it open for writing.
#[test]
fn a_program_that_was_put_can_be_run_once_it_is_closed() {
    let program = fs::read("/bin/true").unwrap();
    in_jails(|client, directory| {
        for name in ["one", "two", "three"] {
            client.put(name, &program).unwrap();
            client.setstat(name, &Attributes::permissions(0o755)).unwrap();
            assert!(Command::new(directory.join(name)).status().unwrap().success());
        }
    });
}

/// Looks at the permissions of everything in a directory, as often as it can.
struct Watcher {
    ended: Arc<AtomicBool>,
    looks: Arc<AtomicU64>,
    thread: thread::JoinHandle<u64>,
}

impl Watcher {
    fn start(directory: PathBuf) -> Self {
        let (ended, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = thread::spawn({
            let (ended, looks) = (Arc::clone(&ended), Arc::clone(&looks));
            move || {
                let mut wider = 0;
                while !ended.load(Ordering::Relaxed) {
                    for index in 0..50 {
                        let Ok(found) = fs::symlink_metadata(directory.join(index.to_string())) else { continue };
                        looks.fetch_add(1, Ordering::Relaxed);
                        wider += u64::from(found.mode() & 0o7777 & !0o600 != 0);
                    }
                }
                wider
            }
        });
        Self { ended, looks, thread }
    }

    fn stop(self) -> (u64, u64) {
        self.ended.store(true, Ordering::Relaxed);
        let wider = self.thread.join().unwrap();
        (self.looks.load(Ordering::Relaxed), wider)
    }
}

#[test]
fn permissions_and_times_on_disk_are_what_was_set() {
    in_jails(|client, directory| {
        client.put("/file", b"x").unwrap();
        client.setstat("/file", &Attributes::permissions(0o100_615)).unwrap();
        assert_eq!(mode(directory.join("file")), 0o615);
        client.setstat("/file", &Attributes::times(1_000_000_001, 1_000_000_002)).unwrap();
        let found = fs::metadata(directory.join("file")).unwrap();
        assert_eq!((found.atime(), found.mtime()), (1_000_000_001, 1_000_000_002));
        let handle = client.open("/file", flag::WRITE, None).unwrap();
        client.fsetstat(&handle, &Attributes::permissions(0o600)).unwrap();
        client.fsetstat(&handle, &Attributes::times(5, 4_000_000_000)).unwrap();
        client.close(&handle).unwrap();
        let found = fs::metadata(directory.join("file")).unwrap();
        assert_eq!((found.mode() & 0o7777, found.atime(), found.mtime()), (0o600, 5, 4_000_000_000));
        client.mkdir("/directory", Some(0o711)).unwrap();
        assert_eq!(mode(directory.join("directory")), 0o711);
    });
}

#[test]
fn setuid_and_setgid_are_set_only_if_granted() {
    in_jails(|client, directory| {
        client.put("/file", b"x").unwrap();
        assert_eq!(refused(client.setstat("/file", &Attributes::permissions(0o4755))), code::PERMISSION_DENIED);
        assert_eq!(refused(client.open("/set", flag::WRITE | flag::CREAT, Some(0o4755))), code::PERMISSION_DENIED);
        assert_eq!(mode(directory.join("file")) & 0o6000, 0);
        assert!(!directory.join("set").exists());
    });
    let place = Place::new();
    let directory = place.directory("jail");
    let mut client = strongroom!(place, "jail", &directory, "--allow-setid").connect();
    client.put("/file", b"x").unwrap();
    client.setstat("/file", &Attributes::permissions(0o4755)).unwrap();
    assert_eq!(mode(directory.join("file")), 0o4755);
}

#[test]
fn owners_are_shown_as_numbers_and_changed_only_if_granted() {
    in_jails(|client, directory| {
        client.put("/file", b"x").unwrap();
        let found = fs::metadata(directory.join("file")).unwrap();
        assert_eq!(client.stat("/file").unwrap().owner, Some((found.uid(), found.gid())));
        let root = Attributes::owner(0, 0);
        assert_eq!(refused(client.setstat("/file", &root)), code::PERMISSION_DENIED);
        let entries = client.entries("/").unwrap();
        let entry = entries.iter().find(|entry| entry.name == b"file").unwrap();
        let words: Vec<String> =
            String::from_utf8_lossy(&entry.longname).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words[..2], ["-rw-r--r--", "1"]);
        assert_eq!(words[2..5], [found.uid().to_string(), found.gid().to_string(), "1".to_owned()]);
        assert_eq!(words[8], "file");
    });
}

#[test]
fn names_that_are_not_utf8_are_the_same_bytes_on_disk() {
    in_jails(|client, directory| {
        // The last is a character that the contract's escaping uses itself.
        for name in [&b"caf\xe9"[..], b"\xff\xfe", b"\xc3", "\u{EFC3}".as_bytes(), "ü\u{EF80}\u{EFFF}".as_bytes()] {
            let path = [b"/", name].concat();
            client.put(&path, name).unwrap();
            assert_eq!(fs::read(directory.join(OsStr::from_bytes(name))).unwrap(), name);
            let entries = client.entries("/").unwrap();
            assert!(entries.iter().any(|entry| entry.name == name), "{name:?}");
            let link = [b"/link-", name].concat();
            client.symlink(name, &link).unwrap();
            assert_eq!(client.readlink(&link).unwrap(), name);
            let target = fs::read_link(directory.join(OsStr::from_bytes(&link[1..]))).unwrap();
            assert_eq!(target.into_os_string().into_vec(), name);
            assert_eq!(client.get(&link).unwrap(), name);
            client.rename(&path, [&path[..], b"-renamed"].concat()).unwrap();
            client.remove([&path[..], b"-renamed"].concat()).unwrap();
            client.remove(&link).unwrap();
        }
        assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
    });
}

#[test]
fn a_directory_of_thousands_is_listed_whole() {
    in_jails(|client, directory| {
        for index in 0..3_000 {
            fs::write(directory.join(format!("{index:04} with a name that is not short at all")), "").unwrap();
        }
        let entries = client.entries("/").unwrap();
        let names: std::collections::BTreeSet<&[u8]> = entries.iter().map(|entry| entry.name.as_slice()).collect();
        assert_eq!((entries.len(), names.len()), (3_002, 3_002));
        let handle = client.opendir("/").unwrap();
        while client.readdir(&handle).is_ok() {}
        assert_eq!(refused(client.readdir(&handle)), code::EOF, "again and again");
    });
}

#[test]
fn hard_links_are_one_file() {
    in_jails(|client, directory| {
        client.put("/file", b"one").unwrap();
        client.hardlink("/file", "/link").unwrap();
        let inode = |name: &str| fs::metadata(directory.join(name)).unwrap().ino();
        assert_eq!(inode("file"), inode("link"));
        client.symlink("file", "/symlink").unwrap();
        client.hardlink("/symlink", "/symlink2").unwrap();
        assert_eq!(client.readlink("/symlink2").unwrap(), b"file", "a link itself is linked, not what it names");
    });
}

#[test]
fn what_the_kernel_refuses_is_permission_denied() {
    in_jails(|client, directory| {
        let closed = directory.join("closed");
        fs::create_dir(&closed).unwrap();
        fs::write(closed.join("file"), "").unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        assert_eq!(refused(client.get("/closed/file")), code::PERMISSION_DENIED);
        assert_eq!(refused(client.opendir("/closed")), code::PERMISSION_DENIED);
        assert_eq!(refused(client.put("/closed/new", b"")), code::PERMISSION_DENIED);
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    });
}

#[test]
fn files_beyond_four_gibibytes_are_read_and_written_where_asked() {
    in_jails(|client, directory| {
        let handle = client.open("/sparse", flag::READ | flag::WRITE | flag::CREAT, None).unwrap();
        let far = (5 << 30) + 3;
        client.write(&handle, far, b"far").unwrap();
        client.write(&handle, 1, b"near").unwrap();
        assert_eq!(client.read(&handle, far, 10).unwrap(), b"far");
        assert_eq!(client.read(&handle, far - 2, 10).unwrap(), b"\0\0far");
        assert_eq!(client.fstat(&handle).unwrap().size, Some(far + 3));
        client.close(&handle).unwrap();
        let found = fs::metadata(directory.join("sparse")).unwrap();
        assert!(found.len() == far + 3 && found.blocks() < 1 << 12, "{} blocks", found.blocks());
    });
}

#[test]
fn append_from_two_sides_loses_nothing() {
    let place = Place::new();
    let directory = place.directory("jail");
    let mut clients = WAYS.map(|way| strongroom!(place, "jail", &directory, "--set", way).connect());
    let append = flag::WRITE | flag::APPEND | flag::CREAT;
    let handles: Vec<Vec<u8>> = clients.iter_mut().map(|client| client.open("/log", append, None).unwrap()).collect();
    for round in 0..100 {
        for (index, client) in clients.iter_mut().enumerate() {
            client.write(&handles[index], 0, format!("{index} {round:03}\n").as_bytes()).unwrap();
        }
    }
    let log = fs::read_to_string(directory.join("log")).unwrap();
    assert_eq!(log.lines().count(), 200);
    for index in 0..2 {
        let own: Vec<&str> = log.lines().filter(|line| line.starts_with(&index.to_string())).collect();
        assert_eq!(own, (0..100).map(|round| format!("{index} {round:03}")).collect::<Vec<_>>());
    }
}

#[test]
fn links_are_followed_as_in_a_chroot() {
    in_jails(|client, directory| {
        fs::create_dir_all(directory.join("etc/sub")).unwrap();
        fs::write(directory.join("etc/passwd"), "the jail's own").unwrap();
        for (target, name) in [
            ("/etc/passwd", "absolute"),
            ("../../../../etc/passwd", "upwards"),
            ("/../etc/./passwd", "crooked"),
            ("absolute", "twice"),
            ("etc/sub/../passwd", "down-and-up"),
        ] {
            symlink(target, directory.join(name)).unwrap();
            assert_eq!(client.get(format!("/{name}")).unwrap(), b"the jail's own", "{name}");
            assert_eq!(client.readlink(format!("/{name}")).unwrap(), target.as_bytes(), "as it is kept");
            assert_eq!(client.realpath(format!("/{name}")).unwrap(), b"/etc/passwd", "{name}");
        }
    });
}
