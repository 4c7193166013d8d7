//! Where an answer may differ from OpenSSH's, and what asks for that. `tests/CONFORMANCE.md` has the rows. Each says what
//! both answer, worked out from the request and from the disk before it was put: no other pair of answers passes, and
//! two that agree do not pass either where they were to differ.

use super::copies::{Cause, Copy, GREATEST_OFFSET};
use super::facts::Found;
use super::opened::{OpenFile, Opened};
use super::request::Request;
use super::seen::Seen;
use std::io;
use strongroom_tests::Attributes;
use strongroom_tests::packet::{code, flag, kind};

/// What is known of a request and of its answers.
pub struct Context<'a> {
    pub request: &'a Request,
    /// Of the paths in it, before it was put.
    pub found: &'a [Found],
    /// Of the handles in it.
    pub opened: &'a [Opened],
    pub copy: Option<Copy<'a>>,
    /// Where the answers differ and several attributes were to be set: what OpenSSH says to each that it refuses, sent
    /// alone in the order of row 20.
    pub refusals: &'a [u32],
    /// Where the answers to a READDIR differ: what both give, worked out from the disk.
    pub listed: Option<[Seen; 2]>,
}

/// What asks for a difference, and which one it is.
pub struct Difference {
    pub reason: &'static str,
    /// OpenSSH's answer and ours, if this is about the request.
    answers: fn(&Context<'_>) -> Option<[Seen; 2]>,
}

/// One more difference, for which the oracle is asked about the path in normal form and has to agree.
pub const PATHS: &str = "the draft, 6.2: a server that limits access \"must be extra careful in parsing file \
                         names\": paths are normalised once, by their text, so that what '.', '..' and a last '/' \
                         follow is not looked at";

pub const ALLOWED: [Difference; 12] = [
    Difference {
        reason: "row 6: RENAME fails if the target exists: a link that leads nowhere is there too (OpenSSH follows \
                 it, and goes on to rename(2))",
        answers: |context| {
            let [source, target] = context.found else { return None };
            let is_moved = source.itself.is_ok() && !source.is_root;
            let goes_on = is_moved && !source.is_file_itself() && target.is_dangling();
            let is_it = context.request.kind == kind::RENAME && goes_on;
            is_it.then(|| statuses([renamed_over_link(source, target), code::FAILURE]))
        },
    },
    Difference {
        reason: "row 9: READ at or past the end gives EOF: beyond what the file system could hold too (EINVAL of \
                 lseek(2))",
        answers: |context| {
            let file = context.file_of(kind::READ)?;
            let nothing =
                if context.request.numbers() == [0] { Seen::Data(Vec::new()) } else { Seen::Status(code::EOF) };
            let is_it = file.can_read() && context.is_beyond_file_system() && !context.ends_beyond_offsets();
            is_it.then_some([Seen::Status(code::BAD_MESSAGE), nothing])
        },
    },
    Difference {
        reason: "row 17: what pwrite(2) says of an offset beyond what the file system could hold is EFBIG, and \"the \
                 rest\" is FAILURE (OpenSSH seeks first); of no bytes it says nothing",
        answers: |context| {
            let file = context.file_of(kind::WRITE)?;
            let ours = if context.request.sends_bytes() { code::FAILURE } else { code::OK };
            let is_it = file.can_write() && !file.appends() && context.is_beyond_file_system();
            is_it.then(|| statuses([code::BAD_MESSAGE, ours]))
        },
    },
    Difference {
        reason: "row 11: \".\" and \"..\" are in every listing; and the draft, 6.2: a handle stands for what was \
                 opened, whatever became of its path, by which OpenSSH looks for each entry and leaves out what it \
                 does not find",
        answers: |context| context.listed.clone(),
    },
    Difference {
        reason: "row 14: OPEN of a directory is FAILURE (OpenSSH succeeds when it is for reading)",
        answers: |context| {
            let [directory] = context.found else { return None };
            let asks_for_more = context.request.numbers().first()? & (flag::WRITE | flag::CREAT | flag::TRUNC) != 0;
            let is_open = context.request.kind == kind::OPEN;
            let is_it = is_open && directory.is_readable_directory() && !asks_for_more;
            is_it.then_some([Seen::Handle, Seen::Status(code::FAILURE)])
        },
    },
    Difference {
        reason: "row 18: reading a write-only handle is FAILURE (EBADF, which row 17 has as NO_SUCH_FILE), of no \
                 bytes too, and when it is for copy-data",
        answers: |context| {
            let Some(file) = context.file_of(kind::READ) else { return context.copied(Cause::NotReadable) };
            let is_nothing = context.request.numbers() == [0];
            let theirs = if is_nothing { Seen::Data(Vec::new()) } else { Seen::Status(code::NO_SUCH_FILE) };
            let is_sought = context.request.longs().first().is_some_and(|offset| *offset < FILE_SYSTEM_END);
            (!file.can_read() && is_sought).then_some([theirs, Seen::Status(code::FAILURE)])
        },
    },
    Difference {
        reason: "row 20: SETSTAT of a missing file is NO_SUCH_FILE, when it changes nothing too: as a STAT of it",
        answers: |context| {
            let [file] = context.found else { return None };
            let sets_itself = context.request.is_extension("lsetstat@openssh.com");
            let found = if sets_itself { &file.itself } else { &file.followed };
            let is_it = sets_itself || context.request.kind == kind::SETSTAT;
            let error = found.as_ref().err().filter(|_| is_it && is_nothing(&context.request.attributes_sent()))?;
            Some(statuses([code::OK, code_of(error)]))
        },
    },
    Difference {
        reason: "row 20: size, permissions, times, owner in that order: the first that fails is told (OpenSSH goes \
                 on and tells the last)",
        answers: |context| Some(statuses([*context.refusals.last()?, *context.refusals.first()?])),
    },
    Difference {
        reason: "row 25: a copy of a file onto itself is refused where the ranges overlap, and nowhere else (OpenSSH \
                 refuses every one between two handles that it was told by one path, and no other)",
        answers: |context| context.copied(Cause::OneFile),
    },
    Difference {
        reason: "the draft, section 7: OK \"indicates successful completion\": copy-data to or from a handle that \
                 was not opened for it (OpenSSH forgets that the last piece failed, and writes nothing of an empty \
                 range); reading is row 18, and writing EBADF of row 17",
        answers: |context| context.copied(Cause::NotTold),
    },
    Difference {
        reason: "the draft, section 7: EOF means that a READ or READDIR finds no more: copy-data copies what there \
                 is (OpenSSH tells EOF if the rest is longer than its buffer)",
        answers: |context| context.copied(Cause::EndOfFile),
    },
    Difference {
        reason: "row 8 and row 17, and the draft names no order: that a path is empty is told first, where OpenSSH \
                 tells what is wrong with the other",
        answers: |context| {
            let ([source, _], Some(b"")) = (context.found, context.request.paths().nth(1)) else { return None };
            // rename(2) looks for what is to get the name last.
            let is_rename_only = context.request.is_extension("posix-rename@openssh.com");
            let fault = if is_rename_only {
                source.fault_on_the_way.as_ref().map(code_of)
            } else {
                source.itself.as_ref().err().map(code_of)
            };
            Some(statuses([fault?, code::NO_SUCH_FILE]))
        },
    },
];

/// Which of [`ALLOWED`] are about a request, and what both are to answer then. More than one would let more than one
/// pair of answers pass.
pub fn foreseen(context: &Context<'_>) -> Vec<(usize, [Seen; 2])> {
    let answers = |(index, difference): (usize, &Difference)| Some((index, (difference.answers)(context)?));
    ALLOWED.iter().enumerate().filter_map(answers).filter(|(_, [theirs, ours])| theirs != ours).collect()
}

/// OpenSSH would look at what '.', '..' and a '/' at the end of it follow.
pub fn is_not_normal(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|component| component == b"..")
        || path.ends_with(b"/")
        || path.ends_with(b"/.")
}

/// No offset from here on is one that lseek(2) takes on the usual file systems, though off_t could hold it.
const FILE_SYSTEM_END: u64 = 1 << 62;

impl<'a> Context<'a> {
    /// The open file that a request of this kind is about.
    fn file_of(&self, kind: u8) -> Option<&'a OpenFile> {
        match self.opened {
            [Opened::File(file)] if self.request.kind == kind => Some(file),
            _ => None,
        }
    }

    fn is_beyond_file_system(&self) -> bool {
        self.request.longs().first().is_some_and(|offset| (FILE_SYSTEM_END..1 << 63).contains(offset))
    }

    /// No READ can end so far, where the kernel refuses one as OpenSSH's seeking is refused.
    fn ends_beyond_offsets(&self) -> bool {
        let length = self.request.numbers().first().map_or(0, |length| u64::from(*length));
        self.request.longs().first().is_some_and(|offset| offset.saturating_add(length) > GREATEST_OFFSET)
    }

    fn copied(&self, cause: Cause) -> Option<[Seen; 2]> {
        self.copy.as_ref().filter(|copy| copy.cause() == cause).map(|copy| statuses(copy.answers()))
    }
}

fn statuses(codes: [u32; 2]) -> [Seen; 2] {
    codes.map(Seen::Status)
}

/// What rename(2) says when it is to put what is no file in place of a link.
fn renamed_over_link(source: &Found, link: &Found) -> u32 {
    let is_directory = source.is_directory_itself();
    if is_directory && link.place.starts_with(&source.place) {
        return code::BAD_MESSAGE;
    }
    let may_rename = source.is_in_writable_directory && link.is_in_writable_directory;
    match (source.is_same_itself(link), may_rename) {
        (true, _) => code::OK,
        (false, false) => code::PERMISSION_DENIED,
        (false, true) => {
            if is_directory {
                code::NO_SUCH_FILE
            } else {
                code::OK
            }
        }
    }
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
