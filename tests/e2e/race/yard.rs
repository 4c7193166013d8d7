//! Where the race is run: a jail, a canary beside it, and pairs of one thing inside and one outside (or a link to it) that
//! change places.

use rustix::fs::{CWD, RenameFlags, inotify, renameat_with};
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use strongroom_tests::Place;

/// What no client may ever read.
pub const SECRET: &[u8] = b"the canary sings";

/// No file inside has this size.
pub const CANARY_BYTES: usize = 7919;

/// In every name and link target that is to be found outside only.
pub const OUTSIDE_ONLY: &str = "caged";

/// What is watched. The directory `outside` itself is where the one who swaps works.
const WATCHED: [&str; 6] = ["canary", "vault", "vault/canary", "vault/sub", "vault/sub/canary", "vault/empty"];

/// `door` is a directory or an absolute link to one outside; `file` a file or a relative link to one outside; `room` is
/// inside or moved out, with another directory in its place. Whatever has a counterpart outside has it by the same name.
pub struct Yard {
    pub place: Place,
    before: Vec<String>,
}

impl Yard {
    pub fn new() -> Self {
        let place = Place::new();
        let canary = SECRET.repeat(CANARY_BYTES / SECRET.len() + 1);
        for file in ["outside/canary", "outside/vault/canary", "outside/vault/sub/canary"] {
            let path = place.file(file, &canary[..CANARY_BYTES]);
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        }
        place.directory("outside/vault/empty");
        place.file("outside/vault/caged", SECRET);
        place.file("outside/caged", SECRET);
        symlink("caged", place.path("outside/vault/link")).unwrap();
        for folder in ["jail/door", "jail/vault"] {
            place.file(format!("{folder}/canary"), "inside");
            place.file(format!("{folder}/sub/canary"), "inside");
            place.directory(format!("{folder}/empty"));
            symlink("canary", place.path(folder).join("link")).unwrap();
        }
        place.file("jail/canary", "inside");
        place.file("jail/file", "inside");
        for room in ["jail/room", "outside/room"] {
            place.directory(room);
            symlink("..", place.path(room).join("up")).unwrap();
        }
        symlink(place.path("outside/vault"), place.path("jail/.door")).unwrap();
        symlink("../outside/canary", place.path("jail/.file")).unwrap();
        let before = state(&place);
        Self { place, before }
    }

    pub fn jail(&self) -> PathBuf {
        self.place.path("jail")
    }

    /// Lets each pair change places, in one step each. Gives how many did.
    pub fn swap(&self) -> u64 {
        let pairs = [("jail/door", "jail/.door"), ("jail/file", "jail/.file"), ("jail/room", "outside/room")];
        let swapped = pairs.into_iter().filter(|(one, other)| {
            let (one, other) = (self.place.path(one), self.place.path(other));
            renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
        });
        swapped.count() as u64
    }

    /// From now on nobody opens, reads or changes the canary unseen.
    pub fn watch(&self) -> Watch {
        let descriptor = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        for path in WATCHED {
            let path = self.place.path("outside").join(path);
            inotify::add_watch(&descriptor, path, inotify::WatchFlags::ALL_EVENTS).unwrap();
        }
        let watch = Watch { descriptor };
        fs::read(self.place.path("outside/vault/canary")).unwrap();
        assert!(!watch.events().is_empty(), "the kernel does not tell that a file was read");
        watch
    }

    #[track_caller]
    pub fn assert_untouched(&self) {
        assert_eq!(state(&self.place), self.before);
    }
}

/// The kernel's own account of what was done to the canary.
pub struct Watch {
    descriptor: OwnedFd,
}

impl Watch {
    /// What was done since the last look.
    pub fn events(&self) -> Vec<String> {
        let mut buffer = [MaybeUninit::uninit(); 64 << 10];
        let mut reader = inotify::Reader::new(&self.descriptor, &mut buffer);
        std::iter::from_fn(|| reader.next().ok().map(|event| format!("{event:?}"))).collect()
    }
}

/// Names, contents and attributes of what lies outside and never moves.
fn state(place: &Place) -> Vec<String> {
    let outside = place.path("outside");
    let mut found = Vec::new();
    for folder in ["", "vault", "vault/sub", "vault/empty"] {
        for entry in fs::read_dir(outside.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let attributes = fs::symlink_metadata(&path).unwrap();
            let contents = if attributes.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            // What is moved in and out changes; that it is there does not.
            let is_room = path.ends_with("outside/room");
            found.push(match is_room {
                true => format!("{}", path.display()),
                false => format!(
                    "{} {:o} {} {} {} {} {}",
                    path.display(),
                    attributes.mode(),
                    attributes.mtime(),
                    attributes.mtime_nsec(),
                    attributes.nlink(),
                    attributes.size(),
                    String::from_utf8_lossy(&contents)
                ),
            });
        }
    }
    found.sort();
    found
}
