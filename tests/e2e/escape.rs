//! Whoever is in a jail stays in it. Each test lays a canary outside, tries every way that it knows to reach it, and
//! looks at the canary afterwards. Never as root: [`Place`] refuses that.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "escape/worlds.rs"]
mod worlds;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Attributes, code, flag};
use strongroom_tests::requests::with_path;
use strongroom_tests::{Client, Place, guest, strongroom, tools};
use worlds::{Border, Exchange, WORLDS, World};

const SECRET: &[u8] = b"the canary sings";

/// A jail with a canary beside it.
struct Cage {
    place: Place,
    before: Canary,
}

#[derive(Debug, PartialEq, Eq)]
struct Canary {
    contents: Vec<u8>,
    mode: u32,
    modified: (i64, i64),
    links: u64,
    folder: Vec<PathBuf>,
}

impl Cage {
    fn new() -> Self {
        let place = Place::new();
        place.directory("jail/inside");
        place.file("outside/canary", SECRET);
        // A neighbour whose path begins as the jail's does (CVE-2026-23942).
        place.file("jail10/canary", SECRET);
        fs::set_permissions(place.path("outside/canary"), fs::Permissions::from_mode(0o666)).unwrap();
        let before = Canary::look(&place);
        Self { place, before }
    }

    fn outside(&self) -> PathBuf {
        self.place.path("outside")
    }

    fn jail(&self) -> PathBuf {
        self.place.path("jail")
    }

    /// Without the confinement of the process, which would hide what the jail alone lets through.
    fn connect(&self, setting: &str) -> Client {
        strongroom!(self.place, "jail", self.jail(), "--set", setting, "--no-os-sandbox").connect()
    }

    #[track_caller]
    fn assert_untouched(&self) {
        assert_eq!(Canary::look(&self.place), self.before);
        assert_eq!(fs::read(self.place.path("jail10/canary")).unwrap(), SECRET);
    }
}

impl Canary {
    fn look(place: &Place) -> Self {
        let path = place.path("outside/canary");
        let found = fs::symlink_metadata(&path).unwrap();
        let mut folder: Vec<PathBuf> =
            fs::read_dir(place.path("outside")).unwrap().map(|entry| entry.unwrap().path()).collect();
        folder.sort();
        Self {
            contents: fs::read(&path).unwrap(),
            mode: found.mode(),
            modified: (found.mtime(), found.mtime_nsec()),
            links: found.nlink(),
            folder,
        }
    }
}

/// Tries everything on a path that would lead outside if it led anywhere.
fn attack(client: &mut Client, path: &str) {
    let contents = client.get(path);
    assert!(contents.as_deref() != Ok(SECRET), "{path} was read");
    for flags in [
        flag::READ,
        flag::WRITE,
        flag::WRITE | flag::CREAT,
        flag::WRITE | flag::TRUNC,
        flag::WRITE | flag::CREAT | flag::EXCL,
        flag::WRITE | flag::APPEND,
        flag::WRITE | flag::CREAT | flag::TRUNC,
    ] {
        if let Ok(handle) = client.open(path, flags, Some(0o666)) {
            let _ = client.write(&handle, 0, b"pecked");
            let _ = client.fsetstat(&handle, &Attributes::permissions(0o600));
            let _ = client.fsetstat(&handle, &Attributes::size(0));
            client.close(&handle).unwrap();
        }
    }
    // 0777 and not less, because what leads to the jail itself is rightly changed.
    for changes in [Attributes::permissions(0o777), Attributes::size(0), Attributes::times(1, 1)] {
        let _ = client.setstat(path, &changes);
        let _ = client.lsetstat(path, &changes);
    }
    let _ = client.entries(path);
    let _ = client.statvfs(path);
    let _ = client.mkdir(format!("{path}/new"), None);
    let _ = client.symlink("x", format!("{path}/new-link"));
    let _ = client.put(format!("{path}/new-file"), b"x");
    let _ = client.hardlink(path, "/stolen");
    assert!(client.get("/stolen").as_deref() != Ok(SECRET), "{path} was linked");
    let _ = client.remove("/stolen");
    let _ = client.rename(path, "/moved");
    assert!(client.get("/moved").as_deref() != Ok(SECRET), "{path} was moved");
    let _ = client.posix_rename("/moved", path);
    let _ = client.remove(path);
    let _ = client.rmdir(path);
}

#[test]
fn dots_lead_nowhere() {
    for setting in ["native=yes", "native=no"] {
        let cage = Cage::new();
        let mut client = cage.connect(setting);
        for path in [
            "../outside/canary",
            "/../outside/canary",
            "/inside/../../outside/canary",
            "/../jail10/canary",
            "/inside/./../.././outside/canary",
            "//..//..//outside/canary",
            "../jail10/canary",
            "/../outside",
            "/..",
        ] {
            attack(&mut client, path);
        }
        cage.assert_untouched();
    }
}

#[test]
fn host_paths_are_paths_of_the_jail() {
    let cage = Cage::new();
    let mut client = cage.connect("native=yes");
    let canary = cage.outside().join("canary");
    assert_eq!(refused(client.get(canary.to_str().unwrap())), code::NO_SUCH_FILE);
    attack(&mut client, canary.to_str().unwrap());
    assert_eq!(refused(client.get("/etc/passwd")), code::NO_SUCH_FILE);
    assert_eq!(refused(client.get("/proc/self/environ")), code::NO_SUCH_FILE);
    cage.assert_untouched();
}

#[test]
fn links_that_leave_lead_nowhere() {
    for setting in ["native=yes", "native=no"] {
        let cage = Cage::new();
        let outside = cage.outside();
        let outside = outside.to_str().unwrap();
        let targets = [
            format!("{outside}/canary"),
            outside.to_owned(),
            "../outside/canary".to_owned(),
            "../../outside/canary".to_owned(),
            "../outside".to_owned(),
            "../jail10".to_owned(),
            "/".to_owned(),
            "/proc/self/root".to_owned(),
            "/proc/self/cwd".to_owned(),
            format!("/proc/self/root{outside}/canary"),
        ];
        let mut client = cage.connect(setting);
        for (index, target) in targets.iter().enumerate() {
            // Links that were there before, and links that the client made itself.
            symlink(target, cage.jail().join(format!("inside/there-{index}"))).unwrap();
            client.symlink(target, format!("/inside/made-{index}")).unwrap();
            for link in ["there", "made"].map(|kind| format!("/inside/{kind}-{index}")) {
                for below in ["", "/", "/.", "/canary", "/outside/canary", "/canary/"] {
                    attack_below(&mut client, &format!("{link}{below}"));
                }
            }
        }
        cage.assert_untouched();
    }
}

#[test]
fn answers_tell_no_path_of_the_host() {
    for setting in ["native=yes", "native=no"] {
        let cage = Cage::new();
        let mut client = cage.connect(setting);
        for (link, target, real) in [
            ("/absolute", "/inside", "/inside"),
            ("/root", "/", "/"),
            ("/inside/up", "../..", "/"),
            ("/inside/around", "../inside/../inside", "/inside"),
        ] {
            client.symlink(target, link).unwrap();
            assert_eq!(client.readlink(link).unwrap(), target.as_bytes());
            assert_eq!(client.realpath(link).unwrap(), real.as_bytes());
        }
        let host = cage.place.path("").to_str().unwrap().trim_end_matches('/').to_owned();
        let refusals = [
            client.get("/nowhere").unwrap_err(),
            client.rmdir("/inside").unwrap_err(),
            client.mkdir("/inside", None).unwrap_err(),
            client.rename("/absolute", "/nowhere/x").unwrap_err(),
            client.readlink("/inside").unwrap_err(),
            client.opendir("/nowhere").unwrap_err(),
            client.realpath("/nowhere/x").unwrap_err(),
            client.symlink("x", "/root").unwrap_err(),
        ];
        for refusal in refusals {
            assert!(!refusal.message.contains(&host) && !refusal.message.contains("/tmp"), "{refusal:?}");
        }
        cage.assert_untouched();
    }
}

/// As `attack`, but a link itself stays for the next try.
fn attack_below(client: &mut Client, path: &str) {
    assert!(client.get(path).as_deref() != Ok(SECRET), "{path} was read");
    if let Ok(handle) = client.open(path, flag::WRITE | flag::CREAT | flag::TRUNC, None) {
        client.write(&handle, 0, b"pecked").unwrap();
        client.close(&handle).unwrap();
    }
    // 0777 and not less, because what leads to the jail itself is rightly changed.
    let _ = client.setstat(path, &Attributes::permissions(0o777));
    let _ = client.entries(path);
    let _ = client.mkdir(format!("{path}/new"), None);
    let _ = client.put(format!("{path}/new-file"), b"x");
    let _ = client.hardlink(path, "/stolen");
    assert!(client.get("/stolen").as_deref() != Ok(SECRET), "{path} was linked");
    let _ = client.remove("/stolen");
}

#[test]
fn a_link_of_a_link_that_leaves_leads_nowhere() {
    let cage = Cage::new();
    let mut client = cage.connect("native=yes");
    client.symlink(cage.outside().to_str().unwrap(), "/first").unwrap();
    client.symlink("first", "/second").unwrap();
    client.symlink("/second/../outside", "/third").unwrap();
    for path in ["/first/canary", "/second/canary", "/third/canary", "/second/../outside/canary"] {
        attack_below(&mut client, path);
    }
    assert_eq!(client.realpath("/third/..").unwrap(), b"/");
    cage.assert_untouched();
}

#[test]
fn answers_are_the_same_for_what_is_outside_and_what_is_nowhere() {
    let border = Border::new();
    let options: [&[&str]; 3] =
        [&["native=yes", "--no-os-sandbox"], &["native=no", "--no-os-sandbox"], &["native=yes"]];
    for options in options {
        let answers = |world: World| {
            border.lay_outside(world);
            let before = border.outside().map(|path| look(&path));
            let server = strongroom!(border.place, "jail", border.jail(), "--set").args(options);
            let exchanges = border.ask_everything(&mut server.connect(), "", || {});
            assert_eq!(border.outside().map(|path| look(&path)), before, "{options:?}: outside was touched");
            exchanges
        };
        let nothing = answers(World::Nothing);
        for world in WORLDS {
            let told: Vec<(Exchange, Exchange)> =
                answers(world).into_iter().zip(nothing.clone()).filter(|(here, there)| here != there).collect();
            assert!(told.is_empty(), "{options:?}: {} answers tell of a {world:?}: {:?}", told.len(), told[0]);
        }
    }
}

/// The proof that the test before would notice: to whom all of it is granted, each of those requests tells of it.
#[test]
fn each_request_that_is_answered_alike_tells_of_what_is_there_where_it_is_granted() {
    let border = Border::new();
    let answers = |world: World| {
        let granted = border.place.path("");
        let server = strongroom!(border.place, "jail", &granted, "--no-os-sandbox", "--allow-unsafe-grant");
        border.ask_everything(&mut server.connect(), "/jail", || border.lay_outside(world))
    };
    let nothing = answers(World::Nothing);
    let telling: BTreeSet<String> = WORLDS
        .into_iter()
        .flat_map(|world| answers(world).into_iter().zip(nothing.clone()).filter(|(here, there)| here != there))
        .map(|(here, _)| here.request)
        .collect();
    let all = with_path("/", "/", "/").into_iter().map(|request| request.name);
    // A target is kept as it is sent, and looked for by nobody.
    let expected: BTreeSet<String> = all.filter(|name| name != "symlink with the target").collect();
    assert_eq!(telling, expected);
}

/// What is known of a path and of all that is below it.
fn look(path: &Path) -> Vec<String> {
    let Ok(found) = fs::symlink_metadata(path) else { return Vec::new() };
    // Looking into a directory is what changes its time of access.
    let accessed = (!found.is_dir()).then(|| (found.atime(), found.atime_nsec()));
    let modified = (found.mtime(), found.mtime_nsec());
    let known = format!("{} {:o} {accessed:?} {modified:?} {}", path.display(), found.mode(), found.len());
    let entries = fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
    let below = entries.filter(|_| found.is_dir()).flat_map(|entry| look(&entry));
    let mut lines: Vec<String> = std::iter::once(known).chain(below).collect();
    lines.sort();
    lines
}

#[test]
fn a_handle_acts_on_its_file_and_not_on_a_path() {
    let cage = Cage::new();
    let mut client = cage.connect("native=yes");
    client.put("/file", b"own").unwrap();
    let handle = client.open("/file", flag::READ | flag::WRITE, None).unwrap();
    fs::rename(cage.jail().join("file"), cage.jail().join("elsewhere")).unwrap();
    symlink(cage.outside().join("canary"), cage.jail().join("file")).unwrap();
    client.fsetstat(&handle, &Attributes::permissions(0o600)).unwrap();
    client.fsetstat(&handle, &Attributes::size(1)).unwrap();
    client.fsetstat(&handle, &Attributes::times(1, 1)).unwrap();
    client.write(&handle, 1, b"ther").unwrap();
    assert_eq!(fs::read(cage.jail().join("elsewhere")).unwrap(), b"other");
    cage.assert_untouched();
}

#[test]
fn the_root_itself_stays_where_it_is() {
    let cage = Cage::new();
    let mut client = cage.connect("native=yes");
    for path in ["/", ".", "/..", "/inside/.."] {
        assert!(client.rmdir(path).is_err(), "{path}");
        assert!(client.remove(path).is_err(), "{path}");
        assert!(client.rename(path, "/inside/root").is_err(), "{path}");
        assert!(client.posix_rename("/inside", path).is_err(), "{path}");
        assert!(client.symlink("x", path).is_err(), "{path}");
    }
    assert!(cage.jail().join("inside").is_dir());
    cage.assert_untouched();
}

#[test]
fn a_fifo_or_a_device_is_not_opened_and_hangs_nobody() {
    let cage = Cage::new();
    tools::tool(&cage.place, "mkfifo").arg(cage.jail().join("fifo")).succeed();
    let socket = std::os::unix::net::UnixListener::bind(cage.jail().join("socket")).unwrap();
    for setting in ["native=yes", "native=no"] {
        let mut client = cage.connect(setting);
        for path in ["/fifo", "/socket"] {
            for flags in [flag::READ, flag::WRITE, flag::READ | flag::WRITE, flag::WRITE | flag::TRUNC] {
                assert!(client.open(path, flags, None).is_err(), "{path} with flags {flags}");
            }
            assert!(client.setstat(path, &Attributes::size(0)).is_err(), "{path}");
            client.lstat(path).unwrap();
        }
        assert_eq!(client.list("/").unwrap(), ["fifo", "inside", "socket"]);
    }
    drop(socket);
}

/// A guest that passes paths on, with a directory to read and one to write.
fn read_only(cage: &Cage) -> Client {
    fs::write(cage.jail().join("file"), "kept").unwrap();
    fs::set_permissions(cage.jail().join("file"), fs::Permissions::from_mode(0o664)).unwrap();
    let granted = format!("{}:ro", cage.jail().display());
    let cache = cage.place.cache();
    strongroom!(cage.place, "run", guest("hide"), "--dir", granted, "--cache-dir", cache, "--no-os-sandbox").connect()
}

#[test]
fn a_read_only_grant_holds_for_every_operation() {
    let cage = Cage::new();
    let mut client = read_only(&cage);
    let before = state(&cage.jail());
    for flags in [
        flag::WRITE,
        flag::READ | flag::WRITE,
        flag::WRITE | flag::TRUNC,
        flag::WRITE | flag::APPEND,
        flag::WRITE | flag::CREAT,
        flag::READ | flag::CREAT,
        flag::WRITE | flag::CREAT | flag::TRUNC,
    ] {
        // A file that is there may be opened for reading with CREAT; nothing may be made or changed by it.
        if let Ok(handle) = client.open("/file", flags, Some(0o666)) {
            assert!(client.write(&handle, 0, b"x").is_err(), "flags {flags}");
            client.close(&handle).unwrap();
        }
        assert_eq!(refused(client.open("/new", flags | flag::CREAT, None)), code::PERMISSION_DENIED, "flags {flags}");
        assert_eq!(refused(client.open("/inside/new", flags | flag::CREAT, None)), code::PERMISSION_DENIED);
    }
    let handle = client.open("/file", flag::READ, None).unwrap();
    for changes in
        [Attributes::permissions(0o600), Attributes::times(1, 1), Attributes::size(0), Attributes::owner(1, 1)]
    {
        assert_eq!(refused(client.setstat("/file", &changes)), code::PERMISSION_DENIED, "{changes:?}");
        // A link has no size to set, whoever asks: OpenSSH's process_extended_lsetstat.
        let of_link = if changes.size.is_some() { code::BAD_MESSAGE } else { code::PERMISSION_DENIED };
        assert_eq!(refused(client.lsetstat("/file", &changes)), of_link, "{changes:?}");
        // The kernel would let a descriptor that reads change permissions and times; ftruncate of one is EINVAL.
        let of_handle = if changes.size.is_some() { code::BAD_MESSAGE } else { code::PERMISSION_DENIED };
        assert_eq!(refused(client.fsetstat(&handle, &changes)), of_handle, "{changes:?}");
        assert_eq!(refused(client.setstat("/inside", &changes)), code::PERMISSION_DENIED, "{changes:?}");
    }
    assert_eq!(refused(client.write(&handle, 0, b"x")), code::NO_SUCH_FILE, "EBADF, as on all that only read");
    assert_eq!(refused(client.hardlink("/file", "/link")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.symlink("file", "/link")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.rename("/file", "/moved")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.posix_rename("/file", "/moved")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.remove("/file")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.mkdir("/new", None)), code::PERMISSION_DENIED);
    assert_eq!(refused(client.rmdir("/inside")), code::PERMISSION_DENIED);
    assert_eq!(client.get("/file").unwrap(), b"kept");
    assert_eq!(state(&cage.jail()), before);
}

/// Names, permissions, times, sizes and links of what is in a directory.
fn state(directory: &Path) -> Vec<String> {
    let mut lines: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            format!(
                "{} {:o} {} {} {} {}",
                path.display(),
                found.mode(),
                found.mtime(),
                found.mtime_nsec(),
                found.len(),
                found.nlink()
            )
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_directory_moved_out_of_the_jail_takes_nobody_along() {
    let cage = Cage::new();
    fs::create_dir_all(cage.jail().join("inside/deep")).unwrap();
    let mut client = cage.connect("native=yes");
    let handle = client.opendir("/inside/deep").unwrap();
    fs::rename(cage.jail().join("inside"), cage.outside().join("taken")).unwrap();
    assert_eq!(refused(client.get("/inside/../canary")), code::NO_SUCH_FILE);
    assert_eq!(refused(client.get("/inside/deep/../../canary")), code::NO_SUCH_FILE);
    let _ = client.readdir(&handle);
    client.close(&handle).unwrap();
    fs::rename(cage.outside().join("taken"), cage.jail().join("inside")).unwrap();
    cage.assert_untouched();
}
