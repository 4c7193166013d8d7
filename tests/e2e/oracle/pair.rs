//! Two servers over two directories that are the same: each request goes to both, and what comes back is compared.

use super::differences::{self, Context};
use super::request::Request;
use super::seen::Seen;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use strongroom_tests::packet::{code, kind};
use strongroom_tests::{Attributes, Client, Place, Reply, Status, strongroom, tools, tree};

/// What theirs is called in a table of handles that has two columns.
const THEIRS: usize = 0;
const OURS: usize = 1;

pub struct Pair {
    theirs: Client,
    ours: Client,
    handles: Vec<[Vec<u8>; 2]>,
    /// What differed without leave, by what kind of request it was and what was answered.
    mismatches: BTreeMap<String, Vec<String>>,
    /// Something may have been changed since the last time that all was made anew.
    is_touched: bool,
    /// Which of the allowed differences were met.
    pub met: BTreeSet<usize>,
    pub asked: usize,
    roots: [PathBuf; 2],
    _place: Place,
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
            met: BTreeSet::new(),
            asked: 0,
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
        let (theirs, ours) = self.replies(&request);
        let (seen_theirs, seen_ours) = (self.seen_theirs(&request, &theirs), Seen::of(&ours));
        self.judge(&request, &seen_theirs, &seen_ours);
        let handle = match (theirs, ours) {
            (Reply::Handle(theirs), Reply::Handle(ours)) => {
                self.handles.push([theirs, ours]);
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
        self.handles.push([bytes.to_vec(), bytes.to_vec()]);
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
        let [theirs, ours] = self.handles[handle].clone();
        let (theirs, ours) = (whole(&mut self.theirs, &theirs), whole(&mut self.ours, &ours));
        self.judge(&request, &theirs, &ours);
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
        tree::assert_same_tree(&self.roots[THEIRS], &self.roots[OURS]);
    }

    fn replies(&mut self, request: &Request) -> (Reply, Reply) {
        let theirs = request.body(|path| self.outside(path), |handle| self.handles[handle][THEIRS].clone());
        let ours = request.body(<[u8]>::to_vec, |handle| self.handles[handle][OURS].clone());
        (self.theirs.request(request.kind, theirs), self.ours.request(request.kind, ours))
    }

    /// As a jail would show it: paths that were resolved begin at the served directory.
    fn seen_theirs(&self, request: &Request, reply: &Reply) -> Seen {
        let mut seen = Seen::of(reply);
        let resolves = request.kind == kind::REALPATH || request.is_extension("expand-path@openssh.com");
        let root = self.roots[THEIRS].to_str().expect("a temporary directory").as_bytes();
        if let (true, Seen::Names(entries)) = (resolves, &mut seen) {
            for entry in entries {
                let inside = entry.name.strip_prefix(root).unwrap_or(b"outside").to_vec();
                entry.name = if inside.is_empty() { b"/".to_vec() } else { inside };
                entry.longname = entry.name.clone();
            }
        }
        seen
    }

    /// Neither of two paths could be what the request needs, as the oracle's own directory has it.
    fn all_paths_are_wrong(&mut self, request: &Request) -> bool {
        let mut paths = request.paths();
        let (Some(source), Some(destination), None) = (paths.next(), paths.next(), paths.next()) else { return false };
        let destination_is_empty = destination.is_empty();
        let parent = match destination.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => &destination[..slash],
            None => b".",
        };
        let (source, destination) = (self.outside(source), self.outside(destination));
        let parent = self.outside(if parent.is_empty() { b"/" } else { parent });
        let is_missing =
            |found: &Result<Attributes, Status>| found.as_ref().is_err_and(|status| status.code == code::NO_SUCH_FILE);
        let found = self.theirs.lstat(destination);
        let has_parent = self.theirs.stat(parent).is_ok_and(|attributes| attributes.is_directory());
        let is_wrong = destination_is_empty || found.is_err() && !(is_missing(&found) && has_parent);
        self.theirs.lstat(source).is_err() && is_wrong
    }

    /// A path of the jail as the oracle knows it.
    fn outside(&self, path: &[u8]) -> Vec<u8> {
        let root = self.roots[THEIRS].to_str().expect("a temporary directory").as_bytes();
        if path.starts_with(b"/") { [root, path].concat() } else { path.to_vec() }
    }

    fn judge(&mut self, request: &Request, theirs: &Seen, ours: &Seen) {
        self.asked += 1;
        let may_have_begun = matches!(request.kind, kind::SETSTAT | kind::FSETSTAT | kind::EXTENDED);
        self.is_touched |= may_have_begun
            || request.changes_something() && ![theirs, ours].iter().all(|seen| matches!(seen, Seen::Status(1..)));
        if theirs == ours {
            return;
        }
        let context = Context { request, theirs, ours, all_paths_are_wrong: self.all_paths_are_wrong(request) };
        match differences::allowed(&context) {
            Some(index) => {
                self.met.insert(index);
            }
            None => {
                let group = format!("{}: OpenSSH {theirs:?}, ours {ours:?}", request.name());
                self.mismatches.entry(group).or_default().push(format!("{request:?}"));
            }
        }
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
