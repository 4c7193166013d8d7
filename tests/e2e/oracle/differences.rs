//! Where an answer may differ from OpenSSH's, and what asks for that. `tests/CONFORMANCE.md` has the rows.

use super::request::{Field, Request};
use super::seen::Seen;
use strongroom_tests::Attributes;
use strongroom_tests::packet::{code, kind};

/// Two answers that differ, and to what.
pub struct Context<'a> {
    pub request: &'a Request,
    pub theirs: &'a Seen,
    pub ours: &'a Seen,
    /// Each of its two paths is wrong by itself.
    pub all_paths_are_wrong: bool,
}

/// What asks for a difference, and which one it is.
pub struct Difference {
    pub reason: &'static str,
    is: fn(&Context<'_>) -> bool,
}

pub const ALLOWED: [Difference; 12] = [
    Difference {
        reason: "the draft names no order in which two wrong paths, or a wrong path and a wrong attribute, are found",
        is: |context| {
            let is_size_of_link =
                context.request.is_extension("lsetstat@openssh.com") && context.theirs_is(code::BAD_MESSAGE);
            let is_too_large = context.request.kind == kind::SETSTAT && context.theirs_is(code::BAD_MESSAGE);
            context.is_refused_by_both() && (context.all_paths_are_wrong || is_size_of_link || is_too_large)
        },
    },
    Difference {
        reason: "the draft, 6.2: a server that limits access \"must be extra careful in parsing file names\": paths are \
                 normalised once, by their text, so that what '.', '..' and a last '/' follow is not looked at",
        is: |context| context.request.paths().any(is_not_normal),
    },
    Difference {
        reason: "row 6: RENAME fails if the target exists, a symbolic link that leads nowhere too",
        is: |context| {
            // OpenSSH goes on to rename(2), which may refuse for a reason of its own.
            let codes = [code::OK, code::NO_SUCH_FILE, code::PERMISSION_DENIED, code::BAD_MESSAGE];
            let went_on = codes.iter().any(|code| context.theirs_is(*code));
            context.request.kind == kind::RENAME && went_on && context.ours_is(code::FAILURE)
        },
    },
    Difference {
        reason: "row 9: READ at or past the end gives EOF, where OpenSSH is told that the file system has no such offset; \
                 row 17: a WRITE there is EFBIG, and that is a FAILURE",
        is: |context| {
            matches!(context.request.kind, kind::READ | kind::WRITE)
                && context.theirs_is(code::BAD_MESSAGE)
                && context.request.fields.iter().any(|field| matches!(field, Field::Long(offset) if *offset >= 1 << 62))
        },
    },
    Difference {
        reason: "row 11: \".\" and \"..\" are in every listing; and a handle acts on what was opened, whatever became of \
                 its path, by which OpenSSH looks for each entry and leaves out those that it may not look at",
        is: |context| {
            context.request.kind == kind::READDIR
                && context.theirs_is(code::EOF)
                && matches!(context.ours, Seen::Names(_))
        },
    },
    Difference {
        reason: "row 12: what a handle's kind does not allow is FAILURE; fsync of a directory's handle",
        is: |context| {
            context.request.is_extension("fsync@openssh.com")
                && context.theirs_is(code::NO_SUCH_FILE)
                && context.ours_is(code::FAILURE)
        },
    },
    Difference {
        reason: "row 14: OPEN of a directory is FAILURE (OpenSSH succeeds when it is for reading)",
        is: |context| {
            context.request.kind == kind::OPEN && *context.theirs == Seen::Handle && context.ours_is(code::FAILURE)
        },
    },
    Difference {
        reason: "row 18: reading a handle that writes is FAILURE; and so is the reverse, as NO_SUCH_FILE is for \"a file \
                 which should exist but doesn't\" (the draft, section 7); of no bytes too",
        is: |context| {
            let moves_bytes = matches!(context.request.kind, kind::READ | kind::WRITE);
            let is_no_such_file = context.theirs_is(code::NO_SUCH_FILE) || *context.theirs == Seen::Data(Vec::new());
            let is_refused = moves_bytes && is_no_such_file || context.request.is_extension("copy-data");
            is_refused && context.ours_is(code::FAILURE)
        },
    },
    Difference {
        reason: "row 20: SETSTAT of a missing file is NO_SUCH_FILE, when it changes nothing too",
        is: |context| {
            let changes_nothing = |field: &Field| matches!(field, Field::Attributes(sent) if is_nothing(sent));
            context.theirs_is(code::OK)
                && matches!(
                    context.ours,
                    Seen::Status(code::NO_SUCH_FILE | code::PERMISSION_DENIED | code::BAD_MESSAGE)
                )
                && context.request.fields.iter().any(changes_nothing)
        },
    },
    Difference {
        reason: "row 20: size, permissions, times, owner in that order: the first that fails is told (OpenSSH goes on and \
                 tells the last)",
        is: |context| {
            let changes_several = |field: &Field| matches!(field, Field::Attributes(sent) if is_several(sent));
            context.is_refused_by_both() && context.request.fields.iter().any(changes_several)
        },
    },
    Difference {
        reason: "row 25: a copy onto the same handle is refused where the ranges overlap (OpenSSH refuses every one)",
        is: |context| {
            context.request.is_extension("copy-data")
                && context.theirs_is(code::FAILURE)
                && context.request.is_onto_itself()
        },
    },
    Difference {
        reason: "the draft, section 7: OP_UNSUPPORTED is \"an operation which is not supported for the server\": the \
                 permissions of a symbolic link",
        is: |context| {
            context.request.is_extension("lsetstat@openssh.com")
                && context.theirs_is(code::FAILURE)
                && context.ours_is(code::OP_UNSUPPORTED)
        },
    },
];

/// The first of [`ALLOWED`] that covers these answers.
pub fn allowed(context: &Context<'_>) -> Option<usize> {
    ALLOWED.iter().position(|difference| (difference.is)(context))
}

impl Context<'_> {
    fn theirs_is(&self, code: u32) -> bool {
        *self.theirs == Seen::Status(code)
    }

    fn ours_is(&self, code: u32) -> bool {
        *self.ours == Seen::Status(code)
    }

    fn is_refused_by_both(&self) -> bool {
        [self.theirs, self.ours].iter().all(|seen| matches!(seen, Seen::Status(code::NO_SUCH_FILE..)))
    }
}

fn is_not_normal(path: &[u8]) -> bool {
    path != b"/" && (path == b"." || path.ends_with(b"/") || path.windows(4).any(|window| window == b"/../"))
}

fn is_nothing(sent: &Attributes) -> bool {
    let extended = sent.extended.clone();
    *sent == Attributes { extended, ..Attributes::default() }
}

fn is_several(sent: &Attributes) -> bool {
    let Attributes { size, owner, permissions, times, .. } = sent;
    [size.is_some(), owner.is_some(), permissions.is_some(), times.is_some()].iter().filter(|is| **is).count() > 1
}
