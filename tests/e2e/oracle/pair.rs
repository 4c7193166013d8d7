//! Two servers over two directories that are the same: each request goes to both, and what comes back is compared.

use super::differences::{self, Context};
use super::facts::{self, Found, Opened};
use super::request::{Field, Request};
use super::seen::{Seen, is_link, steady, without_access_times};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use strongroom_tests::packet::{Body, code, kind};
use strongroom_tests::{Client, Place, Reply, strongroom, tools, tree};

/// What theirs is called in a table of handles that has two columns.
const THEIRS: usize = 0;
const OURS: usize = 1;

pub struct Pair {
    theirs: Client,
    ours: Client,
    handles: Vec<Handle>,
    /// What differed without leave, by what kind of request it was and what was answered.
    mismatches: BTreeMap<String, Vec<String>>,
    /// Something may have been changed since the last time that all was made anew.
    is_touched: bool,
    /// How often each of the allowed differences was met.
    pub met: BTreeMap<usize, usize>,
    /// OpenSSH itself answers otherwise to a path that is not in normal form.
    pub has_met_paths: bool,
    pub asked: usize,
    pub ignores_access_times: bool,
    roots: [PathBuf; 2],
    _place: Place,
}

/// One that both gave for the same request.
struct Handle {
    names: [Vec<u8>; 2],
    opened: Opened,
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
    pub fn new() -> Self {
        let place = Place::new();
        let roots = ["theirs", "ours"].map(|name| place.directory(name));
        let openssh = tools::tool(&place, "sftp-server").in_directory(&roots[THEIRS]).umask("022");
        let jail = strongroom!(place, "jail", "--show-names", "--allow-setid", "--allow-chown", &roots[OURS]);
        Self {
            theirs: openssh.connect(),
            ours: jail.umask("022").connect(),
            handles: Vec::new(),
            mismatches: BTreeMap::new(),
            is_touched: true,
            met: BTreeMap::new(),
            has_met_paths: false,
            asked: 0,
            ignores_access_times: false,
            roots,
            _place: place,
        }
    }

    /// Empties both directories and fills each by `make`, unless every request since then was refused.
    pub fn rebuild(&mut self, make: impl Fn(&Path)) {
        if !std::mem::take(&mut self.is_touched) {
            return;
        }
        for root in &self.roots {
            set_mode(root, 0o755);
            empty(root);
            make(root);
        }
    }

    /// Puts a request to both.
    pub fn ask(&mut self, request: Request) -> Answers {
        let found: Vec<Found> = request.paths().map(|path| Found::of(&self.on_disk(path))).collect();
        let opened: Vec<Opened> = request.handles().map(|handle| self.handles[handle].opened.clone()).collect();
        self.look_at_paths(&request);
        let (theirs, ours) = self.replies(&request);
        let seen_theirs = steady(&request, self.seen_theirs(&request, &theirs));
        let seen_ours = steady(&request, Seen::of(&ours));
        let [seen_theirs, seen_ours] = [seen_theirs, seen_ours]
            .map(|seen| if self.ignores_access_times { without_access_times(seen) } else { seen });
        let differs = seen_theirs != seen_ours;
        let first_refusal = if differs { self.first_refusal(&request) } else { None };
        let context = Context {
            request: &request,
            theirs: &seen_theirs,
            ours: &seen_ours,
            found: &found,
            opened: &opened,
            first_refusal,
        };
        self.judge(&context);
        if request.kind == kind::CLOSE {
            request.handles().for_each(|handle| self.handles[handle].opened = Opened::Unknown);
        }
        let handle = match (theirs, ours) {
            (Reply::Handle(theirs), Reply::Handle(ours)) => {
                let path = request.paths().next().unwrap_or_default();
                let opened = Opened::by(&request, &self.on_disk(path));
                self.handles.push(Handle { names: [theirs, ours], opened });
                Some(self.handles.len() - 1)
            }
            (Reply::Handle(lonely), _) => {
                self.theirs.close(&lonely).expect("an open handle can be closed");
                None
            }
            (_, Reply::Handle(lonely)) => {
                self.ours.close(&lonely).expect("an open handle can be closed");
                None
            }
            _ => None,
        };
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

    /// Reads a directory to its end on both sides, whatever the batches, and compares the whole.
    pub fn list(&mut self, handle: usize) {
        let request = Request::new(kind::READDIR).handle(handle);
        let whole = |client: &mut Client, handle: &[u8]| {
            let mut entries = Vec::new();
            let end = loop {
                match client.readdir(handle) {
                    Ok(batch) => entries.extend(batch),
                    Err(status) => break status.code,
                }
            };
            assert_eq!(end, code::EOF);
            Seen::of(&Reply::Names(entries))
        };
        let [theirs, ours] = self.handles[handle].names.clone();
        let (theirs, ours) = (whole(&mut self.theirs, &theirs), whole(&mut self.ours, &ours));
        let opened = [self.handles[handle].opened.clone()];
        self.judge(&Context {
            request: &request,
            theirs: &theirs,
            ours: &ours,
            found: &[],
            opened: &opened,
            first_refusal: None,
        });
    }

    /// How a handle of both was opened.
    pub fn opened(&self, handle: usize) -> &Opened {
        &self.handles[handle].opened
    }

    /// A link on the way of one of its paths leads above the served directory, where a jail ends but no oracle.
    pub fn leads_out(&self, request: &Request) -> bool {
        request.paths().any(|path| facts::leads_out(&self.roots[THEIRS], &self.on_disk(path)))
    }

    /// It would make the served directory one that cannot be searched, by whatever path.
    pub fn closes_root(&self, request: &Request) -> bool {
        let inode = |path: &Path| fs::metadata(path).map(|metadata| metadata.ino()).ok();
        let root = inode(&self.roots[THEIRS]);
        let leads_there = request.paths().any(|path| inode(&self.on_disk(path)) == root);
        leads_there && request.attributes_sent().permissions.is_some_and(|mode| mode & 0o100 == 0)
    }

    /// What differed that may not, with some examples of each; empty if nothing did.
    pub fn report(&self) -> String {
        let group = |(what, examples): (&String, &Vec<String>)| {
            let shown = examples.iter().take(4).map(|example| format!("\n    {example}")).collect::<String>();
            format!("{} times {what}{shown}\n", examples.len())
        };
        self.mismatches.iter().map(group).collect()
    }

    /// What is on the two disks is the same.
    #[track_caller]
    pub fn assert_same_tree(&self) {
        for root in &self.roots {
            open_up(root);
        }
        put_inside(&self.roots[THEIRS], &self.roots[THEIRS]);
        tree::assert_same_tree(&self.roots[THEIRS], &self.roots[OURS]);
    }

    /// Of several attributes the first that OpenSSH refuses to set alone, and how. What can be set is set already.
    fn first_refusal(&mut self, request: &Request) -> Option<u32> {
        request.one_by_one().iter().find_map(|alone| {
            let reply = self.theirs.request(alone.kind, self.body_for_theirs(alone));
            if let Reply::Status(status) = reply { Some(status.code).filter(|code| *code != code::OK) } else { None }
        })
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
        let root = &self.roots[THEIRS];
        let target_length = |link: &Path| {
            let target = fs::read_link(link).ok()?;
            Some(facts::inside(root, target.as_os_str().as_bytes()).len() as u64)
        };
        match (&mut seen, request.fields.first()) {
            (Seen::Attributes(attributes), Some(Field::Path(path))) if is_link(attributes) => {
                attributes.size = target_length(&self.on_disk(path)).or(attributes.size);
            }
            (Seen::Names(entries), Some(Field::Handle(handle))) => {
                let Opened::Directory { path, .. } = &self.handles[*handle].opened else { return seen };
                for entry in entries.iter_mut().filter(|entry| is_link(&entry.attributes)) {
                    let link = path.join(OsStr::from_bytes(&entry.name));
                    entry.attributes.size = target_length(&link).or(entry.attributes.size);
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

    /// A path of the jail as the oracle knows it: in normal form where OpenSSH would look at what '.', '..' and a '/'
    /// at the end follow. What the root itself cannot have done to it, the oracle is asked to do to its own.
    fn outside(&self, request: &Request, path: &[u8]) -> Vec<u8> {
        let is_home = request.is_extension("expand-path@openssh.com") && path.starts_with(b"~");
        if let (true, Some(within)) = (is_home, facts::beneath_home(path)) {
            [b"~", facts::normal(within).as_slice()].concat()
        } else if path.is_empty() || is_home {
            path.to_vec()
        } else if facts::normal(path) == b"/" && request.acts_on_names() {
            b"/".to_vec()
        } else if differences::is_not_normal(path) {
            self.beneath_root(&facts::normal(path))
        } else if path.starts_with(b"/") {
            self.beneath_root(path)
        } else {
            path.to_vec()
        }
    }

    fn beneath_root(&self, path: &[u8]) -> Vec<u8> {
        let root = self.roots[THEIRS].as_os_str().as_bytes();
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

    fn judge(&mut self, context: &Context<'_>) {
        let Context { request, theirs, ours, .. } = context;
        self.asked += 1;
        let may_have_begun = matches!(request.kind, kind::SETSTAT | kind::FSETSTAT | kind::EXTENDED);
        self.is_touched |= may_have_begun
            || request.changes_something() && ![theirs, ours].iter().all(|seen| matches!(seen, Seen::Status(1..)));
        if theirs == ours {
            return;
        }
        let unlisted = match differences::allowed(context) {
            Some(index) => {
                *self.met.entry(index).or_default() += 1;
                let Some(other) = differences::also_allowed(context) else { return };
                format!("; the list allows {other:?} as well")
            }
            None => String::new(),
        };
        let group = format!("{}: OpenSSH {theirs:?}, ours {ours:?}{unlisted}", request.name());
        self.mismatches.entry(group).or_default().push(format!("{request:?}"));
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for root in &self.roots {
            open_up(root);
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode of ours");
}

fn empty(directory: &Path) {
    for entry in fs::read_dir(directory).expect("a directory of ours") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.is_symlink() {
            set_mode(&path, 0o700);
            empty(&path);
            fs::remove_dir(&path).expect("an empty directory of ours");
        } else {
            fs::remove_file(&path).expect("a file of ours");
        }
    }
}

/// Gives links below `directory` the targets that they have in a jail.
fn put_inside(root: &Path, directory: &Path) {
    for entry in fs::read_dir(directory).expect("a directory of ours").flatten() {
        let path = entry.path();
        if let Ok(target) = fs::read_link(&path) {
            let inside = facts::inside(root, target.as_os_str().as_bytes());
            fs::remove_file(&path).expect("a link of ours");
            symlink(OsStr::from_bytes(inside), &path).expect("a link of ours");
        } else if path.is_dir() {
            put_inside(root, &path);
        }
    }
}

/// Lets the test read what it closed.
fn open_up(directory: &Path) {
    let mode = fs::symlink_metadata(directory).expect("a directory of ours").permissions().mode();
    set_mode(directory, mode & 0o7777 | 0o700);
    for entry in fs::read_dir(directory).expect("a directory of ours").flatten() {
        let path = entry.path();
        let metadata = fs::symlink_metadata(&path).expect("metadata");
        if metadata.is_dir() {
            open_up(&path);
        } else if metadata.is_file() {
            set_mode(&path, metadata.permissions().mode() & 0o7777 | 0o600);
        }
    }
}
