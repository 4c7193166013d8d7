//! Two servers over two trees that are the same: each request goes to both, and what comes back is compared.

use super::copies::Copy;
use super::differences::{self, Context};
use super::disk::{empty, open_up, put_inside, set_mode};
use super::facts::{self, Found};
use super::opened::{OpenFile, Opened};
use super::planted::{clear, plant};
use super::request::{Field, Request};
use super::seen::{Seen, is_link};
use super::sight::Sight;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use strongroom_tests::packet::{Body, Entry, code, kind};
use strongroom_tests::{Client, Place, Program, Reply, Status, strongroom, tools, tree};

/// What theirs is called in a table of handles that has two columns.
const THEIRS: usize = 0;
const OURS: usize = 1;

pub struct Pair {
    theirs: Client,
    ours: Client,
    /// What OpenSSH serves.
    root: PathBuf,
    storage: Storage,
    handles: Vec<Handle>,
    sight: Sight,
    /// We show owners as numbers.
    has_numbers: bool,
    /// What differed without leave.
    pub mismatches: Vec<Mismatch>,
    /// Something may have been changed since the last time that all was made anew.
    is_touched: bool,
    /// How often each of the allowed differences was met.
    pub met: BTreeMap<usize, usize>,
    /// OpenSSH itself answers otherwise to a path that is not in normal form.
    pub has_met_paths: bool,
    pub asked: usize,
    _place: Place,
}

/// What we serve.
enum Storage {
    Jail(PathBuf),
    Memory,
}

/// One that both gave for the same request.
struct Handle {
    names: [Vec<u8>; 2],
    opened: Opened,
}

/// Two answers that do not go together.
pub struct Mismatch {
    pub request: Request,
    pub theirs: Seen,
    pub ours: Seen,
    /// What the list of differences has of it.
    foreseen: String,
}

/// What both answered, each in its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    pub theirs: Seen,
    pub ours: Seen,
    /// The pair of handles, if both gave one.
    pub handle: Option<usize>,
}

impl Answers {
    pub fn agree(&self) -> bool {
        self.theirs == self.ours
    }
}

impl Pair {
    /// OpenSSH and a jail that may all that the user may.
    pub fn new() -> Self {
        let place = Place::new();
        let root = place.directory("ours");
        let jail = strongroom!(place, "jail", "--show-names", "--allow-setid", "--allow-chown", &root);
        Self::with(place, &jail, Storage::Jail(root))
    }

    /// OpenSSH and a jail without further options.
    pub fn strict() -> Self {
        let place = Place::new();
        let root = place.directory("ours");
        let jail = strongroom!(place, "jail", &root);
        let mut pair = Self::with(place, &jail, Storage::Jail(root));
        pair.has_numbers = true;
        pair
    }

    /// OpenSSH and a session in memory.
    pub fn in_memory() -> Self {
        let place = Place::new();
        let memory = strongroom!(place, "memory");
        Self::with(place, &memory, Storage::Memory)
    }

    fn with(place: Place, ours: &Program, storage: Storage) -> Self {
        let root = place.directory("theirs").canonicalize().expect("a directory of ours");
        let openssh = tools::tool(&place, "sftp-server").in_directory(&root).umask("022");
        Self {
            theirs: openssh.connect(),
            ours: ours.clone().umask("022").connect(),
            root,
            sight: Sight::new(matches!(storage, Storage::Memory)),
            storage,
            has_numbers: false,
            handles: Vec::new(),
            mismatches: Vec::new(),
            is_touched: true,
            met: BTreeMap::new(),
            has_met_paths: false,
            asked: 0,
            _place: place,
        }
    }

    /// Empties both trees and fills each by `make`, unless every request since then was refused.
    pub fn rebuild(&mut self, make: impl Fn(&Path)) {
        if !std::mem::take(&mut self.is_touched) {
            return;
        }
        for root in self.roots() {
            set_mode(&root, 0o755);
            empty(&root);
            make(&root);
        }
        if matches!(self.storage, Storage::Memory) {
            clear(&mut self.ours);
            plant(&mut self.ours, &self.root);
        }
        self.sight.begin_anew();
    }

    /// Puts a request to both.
    pub fn ask(&mut self, request: Request) -> Answers {
        let found: Vec<Found> = request.paths().map(|path| Found::of(&self.root, &self.on_disk(path))).collect();
        let opened: Vec<Opened> = request.handles().map(|handle| self.handles[handle].opened.clone()).collect();
        let copy = self.copy(&request, &opened);
        self.look_at_paths(&request);
        let told = request.paths().next().map(|path| self.outside(&request, path)).unwrap_or_default();
        let (theirs, ours) = self.replies(&request);
        self.sight.note(&request, &found, &opened, is_done(&theirs));
        let seen_theirs = self.sight.of(&request, &found, &opened, self.seen_theirs(&request, &theirs));
        let seen_ours = self.sight.of(&request, &found, &opened, Seen::of(&ours));
        let (mut refusals, mut listed) = (Vec::new(), None);
        if seen_theirs != seen_ours {
            refusals = self.refusals(&request);
            listed = self.listed(&request, &opened, &seen_ours);
        }
        let context = Context { request: &request, found: &found, opened: &opened, copy, refusals: &refusals, listed };
        self.judge(&context, &seen_theirs, &seen_ours);
        if request.kind == kind::CLOSE {
            request.handles().for_each(|handle| self.handles[handle].opened = Opened::Unknown);
        }
        let handle = self.keep(&request, told, theirs, ours);
        Answers { theirs: seen_theirs, ours: seen_ours, handle }
    }

    /// A pair of handles that both know; that they do not fails the test.
    #[track_caller]
    pub fn open(&mut self, request: Request) -> usize {
        let answers = self.ask(request.clone());
        answers.handle.unwrap_or_else(|| panic!("{request:?} gave no handles: {answers:?}"))
    }

    /// A pair of handles that neither knows.
    pub fn bogus(&mut self, bytes: &[u8]) -> usize {
        self.handles.push(Handle { names: [bytes.to_vec(), bytes.to_vec()], opened: Opened::Unknown });
        self.handles.len() - 1
    }

    pub fn close(&mut self, handle: usize) {
        self.ask(Request::new(kind::CLOSE).handle(handle));
    }

    /// Reads a directory to its end on both sides, whatever the batches, and compares the whole. Gives our entries.
    pub fn list(&mut self, handle: usize) -> Vec<Entry> {
        let request = Request::new(kind::READDIR).handle(handle);
        let opened = [self.handles[handle].opened.clone()];
        let [theirs, ours] = self.handles[handle].names.clone();
        let (theirs, ours) = (whole(&mut self.theirs, &theirs), whole(&mut self.ours, &ours));
        let seen_theirs = self.sight.of(&request, &[], &opened, self.seen_theirs(&request, &theirs));
        let seen_ours = self.sight.of(&request, &[], &opened, Seen::of(&ours));
        let is_same = seen_theirs == seen_ours;
        let listed = if is_same { None } else { self.listed(&request, &opened, &seen_ours) };
        let context = Context { request: &request, found: &[], opened: &opened, copy: None, refusals: &[], listed };
        self.judge(&context, &seen_theirs, &seen_ours);
        if let Reply::Names(entries) = ours { entries } else { Vec::new() }
    }

    /// How a handle of both was opened.
    pub fn opened(&self, handle: usize) -> &Opened {
        &self.handles[handle].opened
    }

    /// A link on the way of one of its paths leads above the served directory, where a jail ends but no oracle.
    pub fn leads_out(&self, request: &Request) -> bool {
        request.paths().any(|path| facts::leads_out(&self.root, &self.on_disk(path)))
    }

    /// It would make the served directory one that cannot be searched, by whatever path.
    pub fn closes_root(&self, request: &Request) -> bool {
        let inode = |path: &Path| fs::metadata(path).map(|metadata| metadata.ino()).ok();
        let root = inode(&self.root);
        let leads_there = request.paths().any(|path| inode(&self.on_disk(path)) == root);
        leads_there && request.attributes_sent().permissions.is_some_and(|mode| mode & 0o100 == 0)
    }

    /// What differed that may not, by what kind of request it was and what was answered, with some examples of each; empty
    /// if nothing did.
    pub fn report(&self) -> String {
        let mut groups: BTreeMap<String, Vec<&Request>> = BTreeMap::new();
        for Mismatch { request, theirs, ours, foreseen } in &self.mismatches {
            let what = format!("{}: OpenSSH {theirs:?}, ours {ours:?}{foreseen}", request.name());
            groups.entry(what).or_default().push(request);
        }
        let group = |(what, examples): (&String, &Vec<&Request>)| {
            let shown = examples.iter().take(4).map(|example| format!("\n    {example:?}")).collect::<String>();
            format!("{} times {what}{shown}\n", examples.len())
        };
        groups.iter().map(group).collect()
    }

    /// What is on the two disks is the same; of what is in memory a client has to find out.
    #[track_caller]
    pub fn assert_same_tree(&mut self) {
        for root in self.roots() {
            open_up(&root);
        }
        if let Storage::Jail(root) = &self.storage {
            put_inside(&self.root, &self.root);
            tree::assert_same_tree(&self.root, root);
        } else {
            self.walk(b"");
            let report = self.report();
            assert!(report.is_empty(), "at the end:\n{report}");
        }
    }

    /// Asks for all that can be seen below a directory.
    fn walk(&mut self, directory: &[u8]) {
        let handle = self.open(Request::new(kind::OPENDIR).path([directory, b"/"].concat()));
        let entries = self.list(handle);
        self.close(handle);
        for entry in entries.iter().filter(|entry| !matches!(entry.name.as_slice(), b"." | b"..")) {
            let path = [directory, b"/", &entry.name].concat();
            self.ask(Request::new(kind::LSTAT).path(&path));
            if entry.attributes.is_directory() {
                self.walk(&path);
            } else if is_link(&entry.attributes) {
                self.ask(Request::new(kind::READLINK).path(&path));
            } else {
                let file = self.open(Request::new(kind::OPEN).path(&path).number(1).attributes(Default::default()));
                self.ask(Request::new(kind::READ).handle(file).long(0).number(1 << 18));
                self.close(file);
            }
        }
    }

    /// What is on disk.
    fn roots(&self) -> Vec<PathBuf> {
        let ours = if let Storage::Jail(root) = &self.storage { Some(root) } else { None };
        [&self.root].into_iter().chain(ours).cloned().collect()
    }

    /// The pair of handles, if both gave one; one that only one gave is closed.
    fn keep(&mut self, request: &Request, told: Vec<u8>, theirs: Reply, ours: Reply) -> Option<usize> {
        match (theirs, ours) {
            (Reply::Handle(theirs), Reply::Handle(ours)) => {
                let path = request.paths().next().unwrap_or_default();
                let opened = Opened::by(request, &self.on_disk(path), told, self.sight.changes());
                self.handles.push(Handle { names: [theirs, ours], opened });
                return Some(self.handles.len() - 1);
            }
            (Reply::Handle(lonely), _) => self.theirs.close(&lonely).expect("an open handle can be closed"),
            (_, Reply::Handle(lonely)) => self.ours.close(&lonely).expect("an open handle can be closed"),
            _ => {}
        }
        None
    }

    fn copy<'a>(&self, request: &Request, opened: &'a [Opened]) -> Option<Copy<'a>> {
        let [Opened::File(source), Opened::File(destination)] = opened else { return None };
        let sizes = [source, destination].map(|file: &OpenFile| file.metadata().len());
        Copy::of(request, opened, sizes, matches!(self.storage, Storage::Jail(_)))
    }

    /// Of several attributes those that OpenSSH refuses to set alone, and how. What can be set is set already.
    fn refusals(&mut self, request: &Request) -> Vec<u32> {
        let alone = request.one_by_one();
        let refusals = alone.iter().filter_map(|alone| {
            let reply = self.theirs.request(alone.kind, self.body_for_theirs(alone));
            if let Reply::Status(status) = reply { Some(status.code).filter(|code| *code != code::OK) } else { None }
        });
        refusals.collect()
    }

    /// What both give for a READDIR: OpenSSH what it finds by the path that it was told, and we what there is.
    fn listed(&mut self, request: &Request, opened: &[Opened], ours: &Seen) -> Option<[Seen; 2]> {
        let ([Opened::Directory(directory)], kind::READDIR) = (opened, request.kind) else { return None };
        let is = directory.entries(&self.root);
        let mut by_path = match self.theirs.opendir(&directory.told) {
            Ok(handle) => {
                let entries = whole(&mut self.theirs, &handle);
                self.theirs.close(&handle).expect("an open handle can be closed");
                entries
            }
            Err(status) => Reply::Status(Status { code: code::EOF, ..status }),
        };
        if let Reply::Names(entries) = &mut by_path {
            entries.retain(|entry| is.iter().any(|other| other.name == entry.name));
        }
        let theirs = self.sight.of(request, &[], opened, self.seen_theirs(request, &by_path));
        let is = self.sight.of(request, &[], opened, Seen::of(&Reply::Names(is)));
        let is_found = |name: &[u8]| directory.is_found_by_path(&self.root, name);
        let is = is.with_long_names(|name| if is_found(name) { theirs.long_name(name) } else { ours.long_name(name) });
        Some([theirs, is])
    }

    fn body_for_theirs(&self, request: &Request) -> Body {
        let target = |target: &[u8]| if target.starts_with(b"/") { self.beneath_root(target) } else { target.to_vec() };
        request.body(|path| self.outside(request, path), target, |handle| self.handles[handle].names[THEIRS].clone())
    }

    fn replies(&mut self, request: &Request) -> (Reply, Reply) {
        let theirs = self.body_for_theirs(request);
        let ours = request.body(<[u8]>::to_vec, <[u8]>::to_vec, |handle| self.handles[handle].names[OURS].clone());
        (self.theirs.request(request.kind, theirs), self.ours.request(request.kind, ours))
    }

    /// As a jail would show it: paths and targets begin at the served directory.
    fn seen_theirs(&self, request: &Request, reply: &Reply) -> Seen {
        let mut seen = Seen::of(reply);
        let root = &self.root;
        let target_length = |link: &Path| {
            let target = fs::read_link(link).ok()?;
            Some(facts::inside(root, target.as_os_str().as_bytes()).len() as u64)
        };
        match (&mut seen, request.fields.first()) {
            (Seen::Attributes(attributes), Some(Field::Path(path))) if is_link(attributes) => {
                attributes.size = target_length(&self.on_disk(path)).or(attributes.size);
            }
            (Seen::Names(entries), Some(Field::Handle(handle))) => {
                let Opened::Directory(directory) = &self.handles[*handle].opened else { return seen };
                for entry in entries.iter_mut().filter(|entry| is_link(&entry.attributes)) {
                    let link = directory.by_path(root).join(OsStr::from_bytes(&entry.name));
                    entry.attributes.size = target_length(&link).or(entry.attributes.size);
                }
                if fs::metadata(root).is_ok_and(|metadata| metadata.ino() == directory.inode()) {
                    above_is_itself(entries);
                }
                if self.has_numbers {
                    entries.iter_mut().for_each(number_owners);
                }
            }
            (Seen::Names(entries), _) => {
                for entry in entries {
                    entry.name = facts::inside(root, &entry.name).to_vec();
                    entry.longname = entry.name.clone();
                }
            }
            _ => {}
        }
        seen
    }

    /// A path of the jail as the oracle is told it: in normal form where OpenSSH would get somewhere else by what '.', '..'
    /// and a '/' at the end follow. What the root itself cannot have done to it, the oracle is asked to do to its own.
    fn outside(&self, request: &Request, path: &[u8]) -> Vec<u8> {
        let within = facts::beneath_home(path).filter(|_| request.is_extension("expand-path@openssh.com"));
        let is_other_home =
            within.is_none() && request.is_extension("expand-path@openssh.com") && path.starts_with(b"~");
        let way = within.unwrap_or(path);
        if path.is_empty() || is_other_home {
            path.to_vec()
        } else if facts::normal(way) == b"/" && request.acts_on_names() {
            b"/".to_vec()
        } else if differences::is_not_normal(way) && !self.leads_as_normal(request, way) {
            let normal = facts::normal(way);
            if within.is_some() { [b"~", normal.as_slice()].concat() } else { self.beneath_root(&normal) }
        } else if path.starts_with(b"/") {
            self.beneath_root(path)
        } else {
            path.to_vec()
        }
    }

    /// OpenSSH comes by it to what its normal form stands for.
    fn leads_as_normal(&self, request: &Request, path: &[u8]) -> bool {
        let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        // What is to be made, moved or removed has to have a name at the end.
        let needs_name = request.acts_on_names() || request.is_extension("hardlink@openssh.com");
        (!needs_name || !matches!(last, b"" | b"." | b"..")) && facts::leads_as_normal(&self.root, path)
    }

    fn beneath_root(&self, path: &[u8]) -> Vec<u8> {
        let root = self.root.as_os_str().as_bytes();
        if path == b"/" { root.to_vec() } else { [root, path].concat() }
    }

    /// Where a path of the jail is on the oracle's side; nowhere if it is empty.
    fn on_disk(&self, path: &[u8]) -> PathBuf {
        let path = facts::beneath_home(path).unwrap_or(path);
        let normal = if path.is_empty() { Vec::new() } else { self.beneath_root(&facts::normal(path)) };
        PathBuf::from(OsStr::from_bytes(&normal))
    }

    /// Whether [`differences::PATHS`] is still there: OpenSSH answers two forms of one path differently.
    fn look_at_paths(&mut self, request: &Request) {
        let path = request.paths().next().unwrap_or_default();
        if self.has_met_paths || request.kind != kind::STAT || !differences::is_not_normal(path) {
            return;
        }
        let normal = self.outside(request, path);
        let answers = [path, &normal].map(|path| self.theirs.stat(path).map_err(|status| status.code));
        self.has_met_paths = answers[0] != answers[1];
    }

    fn judge(&mut self, context: &Context<'_>, theirs: &Seen, ours: &Seen) {
        let request = context.request;
        self.asked += 1;
        let may_have_begun = matches!(request.kind, kind::SETSTAT | kind::FSETSTAT | kind::EXTENDED);
        self.is_touched |= may_have_begun
            || request.changes_something() && ![theirs, ours].iter().all(|seen| matches!(seen, Seen::Status(1..)));
        let foreseen = differences::foreseen(context);
        let foreseen = match foreseen.as_slice() {
            [] if theirs == ours => return,
            [] => String::new(),
            [(index, answers)] if answers.each_ref() == [theirs, ours] => {
                *self.met.entry(*index).or_default() += 1;
                return;
            }
            _ => format!("; the list has {foreseen:?}"),
        };
        let (request, theirs, ours) = (request.clone(), theirs.clone(), ours.clone());
        self.mismatches.push(Mismatch { request, theirs, ours, foreseen });
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for root in self.roots() {
            open_up(&root);
        }
    }
}

/// Puts numbers in place of names, as OpenSSH writes those of owners that have none.
fn number_owners(entry: &mut Entry) {
    let text = String::from_utf8_lossy(&entry.longname).into_owned();
    let names: Vec<&str> = text.split_whitespace().skip(2).take(2).collect();
    if let (&[user, group], Some((uid, gid))) = (names.as_slice(), entry.attributes.owner) {
        let numbered = text.replacen(user, "USER", 1).replacen(group, &gid.to_string(), 1);
        entry.longname = numbered.replacen("USER", &format!("{uid:<8}"), 1).into_bytes();
    }
}

/// The parent of a jail's root is the root.
fn above_is_itself(entries: &mut [Entry]) {
    let named = |name: &[u8]| entries.iter().position(|entry| entry.name == name);
    if let (Some(own), Some(parent)) = (named(b"."), named(b"..")) {
        entries[parent] = Entry { name: b"..".to_vec(), ..entries[own].clone() };
    }
}

fn is_done(reply: &Reply) -> bool {
    !matches!(reply, Reply::Status(Status { code: 1.., .. }))
}

/// All that is left in an open directory.
fn whole(client: &mut Client, handle: &[u8]) -> Reply {
    let mut entries = Vec::new();
    let end = loop {
        match client.readdir(handle) {
            Ok(batch) => entries.extend(batch),
            Err(status) => break status,
        }
    };
    assert_eq!(end.code, code::EOF);
    if entries.is_empty() { Reply::Status(end) } else { Reply::Names(entries) }
}
