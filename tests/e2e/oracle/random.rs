//! Requests from a seed, in a small tree where they meet often.

use super::disk::open_up;
use super::pair::Pair;
use super::request::Request;
use super::script::make_tree;
use std::path::Path;
use strongroom_tests::packet::{Attributes, kind};
use strongroom_tests::tree::Noise;

/// Handles that are open at once.
const MAX_OPEN: usize = 12;

/// Absolute ones begin at the served directory; what "..", in the wrong place, leads out of it for is not asked.
const TARGETS: [&str; 14] =
    ["a", "b/c", "missing", ".", "c", "a/b/c", "/a", "/directory", "/", "/link/b", "..", "../a", "../../b", "/c/../a"];

const NAMES: [&str; 13] =
    ["a", "b", "c", "a", "b", "c", "file", "twin", "link", "directory", "link-to-directory", "loop", ".."];

/// What a storage keeps is what requests are about.
pub struct Kept {
    modes: &'static [u32],
    creation_modes: &'static [Option<u32>],
    owners: bool,
    make_tree: fn(&Path),
}

/// All that a disk has.
pub const ON_DISK: Kept = Kept {
    modes: &[0o755, 0o700, 0o644, 0o600, 0o555, 0o000, 0o1777],
    creation_modes: &[None, Some(0o600), Some(0o755), Some(0o444)],
    owners: true,
    make_tree,
};

/// Memory has no owners, and its permissions hold nobody back: so these hold nobody back on the disk either.
pub const IN_MEMORY: Kept = Kept {
    modes: &[0o755, 0o700, 0o711, 0o777, 0o1777],
    creation_modes: &[None, Some(0o600), Some(0o755), Some(0o640)],
    owners: false,
    make_tree: |root| {
        make_tree(root);
        open_up(root);
    },
};

struct Random<'a> {
    noise: Noise,
    handles: Vec<usize>,
    kept: &'a Kept,
}

/// Puts `count` requests to both; the first answers that differ without leave end it, and are told.
pub fn run(pair: &mut Pair, kept: &Kept, seed: u64, count: usize) -> Result<(), String> {
    pair.rebuild(kept.make_tree);
    let mut random = Random { noise: Noise::new(seed), handles: Vec::new(), kept };
    let mut history = Vec::new();
    for _ in 0..count {
        let request = random.request(pair);
        // A root that cannot be searched is the script's: a path of the oracle's has it on its way.
        if pair.leads_out(&request) || pair.closes_root(&request) {
            continue;
        }
        let changes = request.changes_something();
        history.push(format!("{request:?}"));
        let answers = pair.ask(request);
        random.handles.extend(answers.handle);
        if !answers.agree() && changes {
            // The two have parted here.
            random.close_all(pair);
            pair.rebuild(kept.make_tree);
        }
        if random.handles.len() > MAX_OPEN || random.below(10) == 0 {
            random.close(pair);
        }
        let report = pair.report();
        if !report.is_empty() {
            let recent = history[history.len().saturating_sub(30)..].join("\n");
            return Err(format!("seed {seed}, the last requests:\n{recent}\n{report}"));
        }
    }
    random.close_all(pair);
    Ok(())
}

impl Random<'_> {
    fn below(&mut self, limit: u64) -> u64 {
        (self.noise.word() >> 16) % limit
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(choices.len() as u64) as usize;
        choices[index]
    }

    fn close(&mut self, pair: &mut Pair) {
        if !self.handles.is_empty() {
            let index = self.below(self.handles.len() as u64) as usize;
            pair.close(self.handles.swap_remove(index));
        }
    }

    fn close_all(&mut self, pair: &mut Pair) {
        while !self.handles.is_empty() {
            self.close(pair);
        }
    }

    fn path(&mut self) -> String {
        match self.below(40) {
            0 => return "/".to_owned(),
            1 => return self.pick(&["", ".", "..", "a/", "link-to-directory/.", "/../.."]).to_owned(),
            _ => {}
        }
        let depth = 1 + self.below(3);
        let start = self.pick(&["", "", "", "/", "./"]);
        let names: Vec<&str> = (0..depth).map(|_| self.pick(&NAMES)).collect();
        format!("{start}{}", names.join("/"))
    }

    fn attributes(&mut self) -> Attributes {
        // One change at a time: where the first of several fails, OpenSSH goes on and the contract does not.
        match self.below(5) {
            0 => Attributes::size(self.below(100)),
            1 => Attributes::permissions(self.pick(self.kept.modes)),
            2 => Attributes::times(self.pick(&[0, 1, 1_000_000_000]), self.pick(&[7, 1_500_000_000, u32::MAX])),
            3 if self.kept.owners => Attributes::owner(64_123, self.pick(&[64_123, 0])),
            _ => Attributes::default(),
        }
    }

    fn request(&mut self, pair: &Pair) -> Request {
        let on_path = self.handles.is_empty() || self.below(10) < 6;
        if on_path { self.request_on_paths() } else { self.request_on_handle(pair) }
    }

    fn request_on_paths(&mut self) -> Request {
        let path = self.path();
        match self.below(27) {
            0..=4 => {
                let flags = self.below(64) as u32;
                let permissions = self.pick(self.kept.creation_modes);
                let attributes = Attributes { permissions, ..Attributes::default() };
                Request::new(kind::OPEN).path(path).number(flags).attributes(attributes)
            }
            5..=7 => Request::new(kind::MKDIR).path(path).attributes(Attributes::permissions(0o755)),
            8 => Request::new(kind::OPENDIR).path(path),
            9 => Request::new(kind::STAT).path(path),
            10 => Request::new(kind::LSTAT).path(path),
            11 => Request::new(kind::REALPATH).path(path),
            12 => Request::new(kind::READLINK).path(path),
            13 => Request::new(kind::REMOVE).path(path),
            14 => Request::new(kind::RMDIR).path(path),
            15 | 16 => {
                let setstat = Request::new(kind::SETSTAT);
                let kind = if self.below(2) == 0 { setstat } else { Request::extension("lsetstat@openssh.com") };
                kind.path(path).attributes(self.attributes())
            }
            17 | 18 => Request::new(kind::SYMLINK).target(self.pick(&TARGETS)).path(path),
            19 | 20 => Request::new(kind::RENAME).path(path).path(self.path()),
            21 | 22 => Request::extension("posix-rename@openssh.com").path(path).path(self.path()),
            23 => Request::extension("statvfs@openssh.com").path(path),
            24 => {
                let home = self.pick(&["", "", "~/", "~no-such-user/"]);
                Request::extension("expand-path@openssh.com").path(format!("{home}{path}"))
            }
            25 => Request::extension("limits@openssh.com"),
            _ => Request::extension("hardlink@openssh.com").path(path).path(self.path()),
        }
    }

    fn request_on_handle(&mut self, pair: &Pair) -> Request {
        let handle = self.pick(&self.handles.clone());
        let offset = self.below(64);
        match self.below(10) {
            0 | 1 => Request::new(kind::READ).handle(handle).long(offset).number(self.below(40) as u32),
            2 | 3 => {
                let length = self.below(40) as usize;
                Request::new(kind::WRITE).handle(handle).long(offset).bytes(self.noise.bytes(length))
            }
            4 => Request::new(kind::FSTAT).handle(handle),
            5 => Request::new(kind::FSETSTAT).handle(handle).attributes(self.attributes()),
            6 => Request::new(kind::READDIR).handle(handle),
            7 => Request::extension("fstatvfs@openssh.com").handle(handle),
            8 => Request::extension("fsync@openssh.com").handle(handle),
            _ => self.copy(pair, handle, offset),
        }
    }

    fn copy(&mut self, pair: &Pair, source: usize, offset: u64) -> Request {
        let destination = self.pick(&self.handles.clone());
        // To the end of what grows by it, OpenSSH copies for ever.
        let is_one_file = pair.opened(source).is_same_file(pair.opened(destination));
        let length = if is_one_file { 1 + self.below(30) } else { self.pick(&[0, 1, 20, 100, 70_000]) };
        let to = self.below(64);
        Request::extension("copy-data").handle(source).long(offset).long(length).handle(destination).long(to)
    }
}
