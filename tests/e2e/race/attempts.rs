//! What a client tries while names change places: every request that takes a path, through each of them.

use crate::yard::{CANARY_BYTES, OUTSIDE_ONLY, SECRET};
use std::collections::BTreeMap;
use std::fmt;
use strongroom_tests::packet::{Attributes, flag};
use strongroom_tests::{Client, Status};

/// How many attempts of each kind were accepted and refused.
#[derive(Debug, Default)]
pub struct Tally {
    counts: BTreeMap<String, (u64, u64)>,
}

impl Tally {
    pub fn plus(mut self, other: &Self) -> Self {
        for (what, (accepted, refused)) in &other.counts {
            let count = self.counts.entry(what.clone()).or_default();
            *count = (count.0 + accepted, count.1 + refused);
        }
        self
    }

    /// What is at a swapped name is inside now and a link to the outside then: each must have been met, or there was no
    /// race. What a room's link leads to is inside whenever it leads anywhere.
    #[track_caller]
    pub fn assert_that_swaps_were_met(&self) {
        for what in ["stat /file", "get /file", "list /door", "get /door/canary", "put /door/canary"] {
            let (accepted, refused) = self.counts[what];
            assert!(accepted > 0 && refused > 0, "{what}: {accepted} accepted, {refused} refused");
        }
        for what in ["get /room/up/canary", "list /room/up/vault", "rename /room/up/vault/sub"] {
            assert!(self.counts[what].0 > 0, "{what} was never accepted");
        }
    }

    fn note<T>(&mut self, what: &str, path: &str, answer: Result<T, Status>) -> Option<T> {
        let count = self.counts.entry(format!("{what} {path}")).or_default();
        let is_accepted = answer.is_ok();
        count.0 += u64::from(is_accepted);
        count.1 += u64::from(!is_accepted);
        answer.ok()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |one: fn(&(u64, u64)) -> u64| self.counts.values().map(one).sum::<u64>();
        let (accepted, refused) = (sum(|count| count.0), sum(|count| count.1));
        write!(f, "{} attempts in {} ways, {refused} of them refused", accepted + refused, self.counts.len())
    }
}

/// One round of all there is to try. `number` keeps what sessions make apart.
pub fn attempt_everything(client: &mut Client, number: usize, tally: &mut Tally) {
    on_file(client, "/file", number, tally);
    for folder in ["/door", "/room/up/vault"] {
        for path in ["canary", "sub/canary"] {
            on_file(client, &format!("{folder}/{path}"), number, tally);
        }
        on_folder(client, folder, number, tally);
        on_folder(client, &format!("{folder}/sub"), number, tally);
        on_names(client, folder, number, tally);
    }
    on_file(client, "/room/up/canary", number, tally);
    on_folder(client, "/room/up", number, tally);
}

fn on_file(client: &mut Client, path: &str, number: usize, tally: &mut Tally) {
    if let Some(contents) = tally.note("get", path, client.get(path)) {
        assert!(!contents.starts_with(SECRET), "{path} was read");
    }
    for found in [tally.note("stat", path, client.stat(path)), tally.note("lstat", path, client.lstat(path))] {
        let size = found.and_then(|found| found.size);
        assert_ne!(size, Some(CANARY_BYTES as u64), "{path} was looked at");
    }
    for flags in [flag::WRITE, flag::READ | flag::WRITE | flag::APPEND, flag::WRITE | flag::CREAT | flag::TRUNC] {
        if let Some(handle) = tally.note("open", path, client.open(path, flags, Some(0o644))) {
            let found = client.fstat(&handle).unwrap();
            assert_ne!(found.size, Some(CANARY_BYTES as u64), "{path} was opened");
            client.write(&handle, 0, b"pecked").unwrap();
            client.fsetstat(&handle, &Attributes::permissions(0o640)).unwrap();
            client.close(&handle).unwrap();
        }
    }
    for changes in [Attributes::permissions(0o644), Attributes::times(1, 1), Attributes::size(3)] {
        tally.note("setstat", path, client.setstat(path, &changes));
        tally.note("lsetstat", path, client.lsetstat(path, &changes));
    }
    let stolen = format!("/stolen-{number}");
    if tally.note("hardlink", path, client.hardlink(path, &stolen)).is_some() {
        let contents = client.get(&stolen);
        assert!(!contents.is_ok_and(|contents| contents.starts_with(SECRET)), "{path} was linked");
    }
    let _ = client.remove(&stolen);
    if let Some(real) = tally.note("realpath", path, client.realpath(path)) {
        assert!(!String::from_utf8_lossy(&real).contains("outside"), "{path} is shown as {real:?}");
    }
}

fn on_folder(client: &mut Client, path: &str, number: usize, tally: &mut Tally) {
    if let Some(names) = tally.note("list", path, client.list(path)) {
        assert!(!names.iter().any(|name| name.starts_with(OUTSIDE_ONLY)), "{path} was listed: {names:?}");
    }
    tally.note("statvfs", path, client.statvfs(path));
    let new = format!("{path}/new-{number}");
    let _ = client.remove(&new);
    let _ = client.rmdir(&new);
    tally.note("mkdir", path, client.mkdir(&new, Some(0o755)));
    tally.note("rmdir", path, client.rmdir(&new));
    tally.note("symlink", path, client.symlink("nowhere", &new));
    tally.note("remove", path, client.remove(&new));
    tally.note("link into", path, client.hardlink("/canary", &new));
    tally.note("remove", path, client.remove(&new));
}

/// Takes what must be there away and puts it back.
fn on_names(client: &mut Client, folder: &str, number: usize, tally: &mut Tally) {
    let link = format!("{folder}/link");
    if let Some(target) = tally.note("readlink", &link, client.readlink(&link)) {
        assert!(!String::from_utf8_lossy(&target).contains(OUTSIDE_ONLY), "{link} was read");
    }
    let canary = format!("{folder}/canary");
    tally.note("remove", &canary, client.remove(&canary));
    tally.note("put", &canary, client.put(&canary, b"pecked"));
    let empty = format!("{folder}/empty");
    tally.note("rmdir", &empty, client.rmdir(&empty));
    tally.note("mkdir", &empty, client.mkdir(&empty, Some(0o755)));
    let sub = format!("{folder}/sub");
    let taken = format!("/taken-{number}");
    if tally.note("rename", &sub, client.rename(&sub, &taken)).is_some() {
        let contents = client.get(format!("{taken}/canary"));
        assert!(!contents.is_ok_and(|contents| contents.starts_with(SECRET)), "{sub} was taken");
    }
    if client.rename(&taken, &sub).is_err() {
        // Another session was quicker; what is left is put away for the next round.
        let _ = client.remove(format!("{taken}/canary"));
        let _ = client.remove(format!("{taken}/new-{number}"));
        let _ = client.rmdir(format!("{taken}/new-{number}"));
        let _ = client.rmdir(&taken);
        let _ = client.mkdir(&sub, Some(0o755));
        let _ = client.put(format!("{sub}/canary"), b"pecked");
    }
    tally.note("posix-rename", &canary, client.posix_rename(&canary, format!("{folder}/moved-{number}")));
    tally.note("posix-rename", &canary, client.posix_rename(format!("{folder}/moved-{number}"), &canary));
}
