//! A jail with one link out of it, and worlds that differ in nothing but what lies where the link would lead. Whoever is in the
//! jail is answered alike in all of them, or is told of what is outside.

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use strongroom_tests::packet::{Body, kind};
use strongroom_tests::requests::{Request, with_path};
use strongroom_tests::{Client, Place};

/// What is outside, by both its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    Nothing,
    File,
    Directory,
    Tree,
}

pub const WORLDS: [World; 4] = [World::Nothing, World::File, World::Directory, World::Tree];

/// A jail, and the places outside to which its link leads.
pub struct Border {
    pub place: Place,
}

/// What was asked, and the answer byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub request: String,
    pub asked: String,
    answer: (u8, Vec<u8>),
}

impl Border {
    pub fn new() -> Self {
        let place = Place::new();
        place.directory("jail");
        place.directory("outside");
        Self { place }
    }

    pub fn jail(&self) -> PathBuf {
        self.place.path("jail")
    }

    /// What lies outside, of which a request may change nothing.
    pub fn outside(&self) -> [PathBuf; 3] {
        ["outside", "outside/thing", "beside"].map(|name| self.place.path(name))
    }

    /// Targets of a link in a directory of the jail: by '..', by absolute paths, and by the kernel's own links.
    pub fn targets(&self) -> Vec<String> {
        let absolute = self.place.path("outside/thing").to_str().unwrap().to_owned();
        vec![
            "../../outside/thing".to_owned(),
            "../../beside".to_owned(),
            absolute.clone(),
            self.place.path("beside").to_str().unwrap().to_owned(),
            format!("{}{absolute}", "../".repeat(30)),
            format!("/proc/self/root{absolute}"),
            "/proc/self/cwd/../outside/thing".to_owned(),
        ]
    }

    /// Makes a world.
    pub fn lay_outside(&self, world: World) {
        for name in ["outside/thing", "beside"] {
            let path = self.place.path(name);
            remove(&path);
            match world {
                World::Nothing => {}
                World::File => fs::write(&path, "outside").unwrap(),
                World::Directory => drop(self.place.file(Path::new(name).join("below"), "outside")),
                World::Tree => drop(self.place.file(Path::new(name).join("below/deeper"), "outside")),
            }
        }
    }

    /// Makes the jail what it was before any request, with times that are always the same.
    fn lay_jail(&self, target: &str) {
        for entry in fs::read_dir(self.jail()).unwrap() {
            remove(&entry.unwrap().path());
        }
        let own = self.place.file("jail/own", "own");
        let inside = self.place.directory("jail/inside");
        let link = inside.join("link");
        symlink(target, &link).unwrap();
        let time = Timespec { tv_sec: 1_000_000_000, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        for path in [own, link, inside] {
            utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
        }
    }

    /// Every request on the link and below it, each in a jail that is as new. `jail` is the client's path of it, and
    /// `before_each` is done before each request.
    pub fn ask_everything(&self, client: &mut Client, jail: &str, before_each: impl Fn()) -> Vec<Exchange> {
        let (own, new) = (format!("{jail}/own"), format!("{jail}/new"));
        let mut exchanges = Vec::new();
        for target in self.targets() {
            for below in ["", "/below", "/below/deeper"] {
                let path = format!("{jail}/inside/link{below}");
                for request in with_path(&path, &own, &new) {
                    before_each();
                    self.lay_jail(&target);
                    let answer = answer(client, &request);
                    let asked = format!("{} {path}, where link is {target:?}", request.name);
                    exchanges.push(Exchange { request: request.name, asked, answer });
                }
            }
        }
        exchanges
    }
}

/// Handles are closed, and all are as good as another.
fn answer(client: &mut Client, request: &Request) -> (u8, Vec<u8>) {
    let (kind, body) = request.answer(client);
    if kind != kind::HANDLE {
        return (kind, body);
    }
    client.request(kind::CLOSE, Body::new().raw(&body));
    (kind, Vec::new())
}

/// Whatever is there, also where a request has taken its permissions.
fn remove(path: &Path) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    if found.is_dir() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            remove(&entry.unwrap().path());
        }
        fs::remove_dir(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}
