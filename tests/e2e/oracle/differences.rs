//! Where an answer may differ from OpenSSH's, and what asks for that. `tests/CONFORMANCE.md` has the rows.

use super::facts::{Found, Opened, normal};
use super::request::Request;
use super::seen::Seen;
use std::io;
use strongroom_tests::Attributes;
use strongroom_tests::packet::{code, flag, kind};

/// Two answers that differ, and to what.
#[derive(Clone)]
pub struct Context<'a> {
    pub request: &'a Request,
    pub theirs: &'a Seen,
    pub ours: &'a Seen,
    /// Of the paths in it, before it was put.
    pub found: &'a [Found],
    /// Of the handles in it.
    pub opened: &'a [Opened],
    /// What OpenSSH says to the first of several attributes that it refuses, each sent alone in the order of row 20.
    pub first_refusal: Option<u32>,
}

/// What asks for a difference, and which one it is.
pub struct Difference {
    pub reason: &'static str,
    is: fn(&Context<'_>) -> bool,
}

/// One more difference, for which the oracle is asked about the path in normal form and has to agree.
pub const PATHS: &str = "the draft, 6.2: a server that limits access \"must be extra careful in parsing file \
                         names\": paths are normalised once, by their text, so that what '.', '..' and a last '/' \
                         follow is not looked at";

pub const ALLOWED: [Difference; 12] = [
    Difference {
        reason: "row 6: RENAME fails if the target exists: a link that leads nowhere is there too (OpenSSH follows \
                 it)",
        is: |context| {
            let [source, target] = context.found else { return false };
            context.request.kind == kind::RENAME
                && source.itself.is_ok()
                && !source.is_file_itself()
                && target.is_dangling()
                // OpenSSH goes on to rename(2): a directory onto what is none, or into itself, a directory that is closed
                // to changes.
                && context.answers_are(
                    [code::OK, code::NO_SUCH_FILE, code::PERMISSION_DENIED, code::BAD_MESSAGE],
                    code::FAILURE,
                )
        },
    },
    Difference {
        reason: "row 9: READ at or past the end gives EOF: beyond what the file system could hold too (EINVAL of \
                 lseek(2))",
        is: |context| {
            let nothing = if context.request.has_number(0) { Seen::Data(Vec::new()) } else { Seen::Status(code::EOF) };
            context.request.kind == kind::READ
                && context.is_beyond_file_system()
                && context.theirs_is(code::BAD_MESSAGE)
                && *context.ours == nothing
        },
    },
    Difference {
        reason: "row 17: what pwrite(2) says of an offset beyond what the file system could hold is EFBIG, and \"the \
                 rest\" is FAILURE (OpenSSH seeks first); of no bytes it says nothing",
        is: |context| {
            context.request.kind == kind::WRITE
                && context.is_beyond_file_system()
                && context.theirs_is(code::BAD_MESSAGE)
                && context.ours_is(if context.request.sends_bytes() { code::FAILURE } else { code::OK })
        },
    },
    Difference {
        reason: "row 11: \".\" and \"..\" are in every listing; and the draft, 6.2: a handle stands for what was \
                 opened, whatever became of its path, by which OpenSSH looks for each entry and leaves out what it \
                 does not find",
        is: |context| {
            let [directory] = context.opened else { return false };
            let Seen::Names(ours) = context.ours else { return false };
            let has = |name: &[u8]| ours.iter().any(|entry| entry.name == name);
            let leaves_out = match context.theirs {
                Seen::Names(theirs) => theirs.iter().all(|entry| ours.contains(entry)),
                theirs => *theirs == Seen::Status(code::EOF),
            };
            let is_whole = leaves_out && has(b".") && has(b"..");
            context.request.kind == kind::READDIR && directory.is_gone_or_closed() && is_whole
        },
    },
    Difference {
        reason: "row 14: OPEN of a directory is FAILURE (OpenSSH succeeds when it is for reading)",
        is: |context| {
            let [directory] = context.found else { return false };
            context.request.kind == kind::OPEN
                && directory.is_directory()
                && *context.theirs == Seen::Handle
                && context.ours_is(code::FAILURE)
        },
    },
    Difference {
        reason: "row 18: reading a write-only handle is FAILURE (EBADF, which row 17 has as NO_SUCH_FILE), of no \
                 bytes too, and when it is for copy-data",
        is: |context| {
            let Some(Opened::File { flags, .. }) = context.opened.first() else { return false };
            let is_read = context.request.kind == kind::READ;
            let theirs = context.theirs_is(code::NO_SUCH_FILE) || is_read && *context.theirs == Seen::Data(Vec::new());
            let reads = is_read || context.request.is_extension("copy-data");
            !can_read(*flags) && reads && theirs && context.ours_is(code::FAILURE)
        },
    },
    Difference {
        reason: "row 20: SETSTAT of a missing file is NO_SUCH_FILE, when it changes nothing too: as a STAT of it",
        is: |context| {
            let [file] = context.found else { return false };
            let found = if context.request.kind == kind::SETSTAT { &file.followed } else { &file.itself };
            let sets = context.request.kind == kind::SETSTAT || context.request.is_extension("lsetstat@openssh.com");
            let Err(error) = found else { return false };
            sets && is_nothing(&context.request.attributes_sent()) && context.answers_are([code::OK], code_of(error))
        },
    },
    Difference {
        reason: "row 20: size, permissions, times, owner in that order: the first that fails is told (OpenSSH goes \
                 on and tells the last)",
        is: |context| {
            let is_refused = matches!(context.theirs, Seen::Status(code::NO_SUCH_FILE..));
            is_refused && context.first_refusal.is_some_and(|code| context.ours_is(code))
        },
    },
    Difference {
        reason: "row 25: a copy onto the same file is refused where the ranges overlap (OpenSSH refuses every one of \
                 the same path, and none of one file under two names)",
        is: |context| {
            let longs = context.request.longs();
            let [source, _, destination] = longs.as_slice() else { return false };
            let overlaps = context.ranges_overlap();
            let [Opened::File { flags: from, .. }, Opened::File { flags: to, .. }] = context.opened else {
                return false;
            };
            if !context.request.is_extension("copy-data") {
                return false;
            }
            let as_of_two_files = if can_write(*to) { code::OK } else { code::NO_SUCH_FILE };
            let is_one_path = context.is_onto_one_path();
            // That they are one file under two names, and where its end is, shows once it is to be copied.
            let is_tried = can_read(*from) && can_write(*to);
            let is_one_file = is_one_path || context.is_within_one_file();
            let is_refused = is_one_path && overlaps || is_tried && is_one_file && (overlaps || to & flag::APPEND != 0);
            if is_refused && context.answers_are([code::OK], code::FAILURE) {
                return true;
            }
            let is_beyond = [source, destination].iter().any(|offset| **offset >= 1 << 63);
            is_one_path
                && !overlaps
                && context.answers_are([code::FAILURE], if is_beyond { code::BAD_MESSAGE } else { as_of_two_files })
        },
    },
    Difference {
        reason: "the draft, section 7: OK \"indicates successful completion\": copy-data to or from a handle that \
                 was not opened for it (OpenSSH forgets that the last piece failed); reading is row 18, and writing \
                 EBADF of row 17",
        is: |context| {
            let [Opened::File { flags: from, .. }, Opened::File { flags: to, .. }] = context.opened else {
                return false;
            };
            let refusal = match (can_read(*from), can_write(*to)) {
                (false, _) => code::FAILURE,
                (true, false) => code::NO_SUCH_FILE,
                (true, true) => return false,
            };
            let is_refused_before = context.is_onto_one_path() && context.ranges_overlap();
            context.request.is_extension("copy-data")
                && !is_refused_before
                && context.answers_are([code::OK, code::EOF], refusal)
        },
    },
    Difference {
        reason: "the draft, section 7: EOF means that a READ or READDIR finds no more: copy-data copies what there \
                 is (OpenSSH tells EOF if the rest is longer than its buffer)",
        is: |context| {
            let [Opened::File { flags: from, .. }, Opened::File { flags: to, .. }] = context.opened else {
                return false;
            };
            let length = context.request.longs().get(1).copied().unwrap_or_default();
            let is_tried = can_read(*from) && can_write(*to) && length > 64 << 10;
            context.request.is_extension("copy-data") && is_tried && context.answers_are([code::EOF], code::OK)
        },
    },
    Difference {
        reason: "row 8 and row 17, and the draft names no order: that a path is empty is told first, where OpenSSH \
                 tells what is wrong with the other",
        is: |context| {
            let (Some([source, ..]), Some(b"")) = (context.found.get(..2), context.request.paths().nth(1)) else {
                return false;
            };
            let Err(error) = &source.itself else { return false };
            context.answers_are([code_of(error)], code::NO_SUCH_FILE)
        },
    },
];

/// The first of [`ALLOWED`] that covers these answers.
pub fn allowed(context: &Context<'_>) -> Option<usize> {
    ALLOWED.iter().position(|difference| (difference.is)(context))
}

/// Another answer of ours that the list would let pass as well. There is none: to each difference one answer is right.
pub fn also_allowed(context: &Context<'_>) -> Option<Seen> {
    let status = (code::OK..=code::OP_UNSUPPORTED).map(Seen::Status);
    let others = status.chain([Seen::Handle, Seen::Data(b"other".to_vec()), Seen::Names(Vec::new())]);
    others
        .filter(|other| other != context.ours && other != context.theirs)
        .find(|other| allowed(&Context { ours: other, ..context.clone() }).is_some())
}

/// OpenSSH would look at what '.', '..' and a '/' at the end of it follow.
pub fn is_not_normal(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|component| component == b"..")
        || path.ends_with(b"/")
        || path.ends_with(b"/.")
}

impl Context<'_> {
    fn theirs_is(&self, code: u32) -> bool {
        *self.theirs == Seen::Status(code)
    }

    fn ours_is(&self, code: u32) -> bool {
        *self.ours == Seen::Status(code)
    }

    fn answers_are<const N: usize>(&self, theirs: [u32; N], ours: u32) -> bool {
        theirs.iter().any(|code| self.theirs_is(*code)) && self.ours_is(ours)
    }

    /// No offset that lseek(2) takes on the usual file systems, though off_t could hold it.
    fn is_beyond_file_system(&self) -> bool {
        self.request.longs().first().is_some_and(|offset| (1 << 62..1 << 63).contains(offset))
    }

    fn is_within_one_file(&self) -> bool {
        matches!(self.opened, [source, destination] if source.is_same_file(destination))
    }

    fn is_onto_one_path(&self) -> bool {
        let path = |opened: &Opened| if let Opened::File { path, .. } = opened { Some(normal(path)) } else { None };
        let paths: Vec<_> = self.opened.iter().filter_map(path).collect();
        matches!(paths.as_slice(), [source, destination] if source == destination)
    }

    /// Those of a copy within one file; 0 is to the end.
    fn ranges_overlap(&self) -> bool {
        let longs = self.request.longs();
        let [source, length, destination] = longs.as_slice() else { return false };
        *length == 0 || source.abs_diff(*destination) < *length
    }
}

fn can_read(flags: u32) -> bool {
    flags & (flag::READ | flag::WRITE) != flag::WRITE
}

fn can_write(flags: u32) -> bool {
    flags & flag::WRITE != 0
}

/// Row 17.
fn code_of(error: &io::Error) -> u32 {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => code::NO_SUCH_FILE,
        io::ErrorKind::PermissionDenied => code::PERMISSION_DENIED,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => code::BAD_MESSAGE,
        // ELOOP has no stable name.
        _ if error.to_string().contains("symbolic links") => code::NO_SUCH_FILE,
        _ => code::FAILURE,
    }
}

fn is_nothing(sent: &Attributes) -> bool {
    let extended = sent.extended.clone();
    *sent == Attributes { extended, ..Attributes::default() }
}
