//! Where a hostile guest is let loose: what it is granted, a canary beside that, and a port that nobody may connect to.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use strongroom::sandbox::{Access, DirectoryGrant, Grants, NetworkGrants};
use strongroom_tests::{Place, Program, strongroom, tools};

pub const SECRET: &str = "the canary sings";

pub struct Scene {
    pub place: Place,
    listener: TcpListener,
    before: Vec<String>,
}

/// What a guest may cost. Tight ones are soon reached; roomy ones are for attacks that try many things in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub call: Duration,
    pub cpu: Duration,
    pub memory_bytes: usize,
}

pub const TIGHT: Limits =
    Limits { call: Duration::from_secs(1), cpu: Duration::from_millis(500), memory_bytes: 64 << 20 };
pub const ROOMY: Limits =
    Limits { call: Duration::from_secs(30), cpu: Duration::from_secs(20), memory_bytes: 64 << 20 };

/// Open files and directories of a session.
pub const MAX_HANDLES: usize = 100;

impl Scene {
    pub fn new() -> Self {
        let place = Place::new();
        place.file("granted/file", "own");
        place.file("granted/inside/canary", "inside");
        place.file("kept/file", "kept");
        place.directory("kept/folder");
        place.file("shared/file", "shared");
        place.file("outside/canary", SECRET);
        fs::set_permissions(place.path("outside/canary"), fs::Permissions::from_mode(0o666)).unwrap();
        let outside = place.path("outside");
        let link = |target: &Path, name: &str| symlink(target, place.path(name)).unwrap();
        link(Path::new("../outside"), "granted/leaves");
        link(&outside, "granted/leaves-absolute");
        link(&outside.join("canary"), "granted/leaves-to-canary");
        link(&Path::new("/proc/self/root").join(outside.strip_prefix("/").unwrap()), "granted/leaves-by-proc");
        link(Path::new("inside"), "granted/flipping");
        link(Path::new("fifo"), "granted/to-fifo");
        link(Path::new("file"), "kept/alias");
        link(&outside.join("canary"), "shared/leaves-to-canary");
        link(Path::new("../granted"), "shared/leaves");
        tools::tool(&place, "mkfifo").arg(place.path("granted/fifo")).succeed();
        fs::File::create(place.path("granted/sparse")).unwrap().set_len(1 << 40).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let before = [look(&outside), look(&place.path("kept"))].concat();
        Self { place, listener, before }
    }

    pub fn granted(&self, name: &str) -> PathBuf {
        self.place.path("granted").join(name)
    }

    pub fn shared(&self, name: &str) -> PathBuf {
        self.place.path("shared").join(name)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.place.path("log")).unwrap_or_default()
    }

    /// The executable under test, about to serve `guest` within `limits`.
    pub fn program(&self, guest: &Path, cache: &Path, settings: &[(String, String)], limits: Limits) -> Program {
        let beside = |name: &str, granted: &str| format!("{}:{granted}", self.place.path(name).display());
        let settings = settings.iter().flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")]);
        strongroom!(self.place, "run", guest, "--dir", self.place.path("granted"))
            .args(["--dir", &beside("kept", "/kept:ro"), "--dir", &beside("shared", "/shared")])
            .args(["--cache-dir".as_ref(), cache, "-l".as_ref(), &self.place.path("log")])
            .args(["--call-timeout", &format!("{}ms", limits.call.as_millis())])
            .args(["--cpu-timeout", &format!("{}ms", limits.cpu.as_millis())])
            .args(["--max-memory", &limits.memory_bytes.to_string()])
            .args(["--max-guest-log", "64K", "--max-handles", &MAX_HANDLES.to_string()])
            .args(settings)
            // What a guest must not see.
            .env("STRONGROOM_SECRET", SECRET)
    }

    /// The same grants for a guest in this process.
    pub fn grants(&self, settings: Vec<(String, String)>) -> Grants {
        let directory = |name: &str, guest: &str, access| DirectoryGrant {
            host: self.place.path(name),
            guest: guest.to_owned(),
            access,
        };
        Grants {
            directories: vec![
                directory("granted", "/", Access::ReadWrite),
                directory("kept", "/kept", Access::ReadOnly),
                directory("shared", "/shared", Access::ReadWrite),
            ],
            network: NetworkGrants::default(),
            environment: Vec::new(),
            settings,
            allow_chown: false,
            allow_setid: false,
        }
    }

    /// What the hostile guest is told.
    pub fn settings(&self, attack: &str) -> Vec<(String, String)> {
        let outside = self.place.path("outside");
        let port = self.listener.local_addr().unwrap().port().to_string();
        [("attack", attack), ("outside", outside.to_str().unwrap()), ("port", &port)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    /// What is outside of the grants and what was granted for reading is as it was, and nobody has connected.
    #[track_caller]
    pub fn assert_untouched(&self) {
        assert_eq!([look(&self.place.path("outside")), look(&self.place.path("kept"))].concat(), self.before);
        assert_eq!(fs::read_to_string(self.place.path("outside/canary")).unwrap(), SECRET);
        assert_eq!(fs::read_to_string(self.place.path("kept/file")).unwrap(), "kept");
        let accepted = self.listener.accept().map(|(_, peer)| peer);
        assert_eq!(accepted.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "somebody connected");
    }
}

/// Names, permissions, times, sizes and links of a directory and of what is in it.
fn look(directory: &Path) -> Vec<String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.push(directory.to_owned());
    paths.sort();
    let line = |path: &PathBuf| {
        let found = fs::symlink_metadata(path).unwrap();
        let times = (found.mtime(), found.mtime_nsec());
        format!("{} {:o} {times:?} {} {}", path.display(), found.mode(), found.len(), found.nlink())
    };
    paths.iter().map(line).collect()
}
