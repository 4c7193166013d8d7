//! What `copy-data` comes to on each side, worked out from how its two handles were opened, how long the source was, and
//! what numbers were sent.

use super::opened::{OpenFile, Opened};
use super::request::Request;
use strongroom_tests::packet::code;

/// As much as OpenSSH reads and writes at a time.
const PIECE: u64 = 64 << 10;
/// No file goes on beyond it.
pub const GREATEST_OFFSET: u64 = i64::MAX as u64;

/// One request, before it was put.
pub struct Copy<'a> {
    source: &'a OpenFile,
    destination: &'a OpenFile,
    from: u64,
    /// 0 is to the end.
    length: u64,
    to: u64,
    /// Sizes of both files.
    sizes: [u64; 2],
    /// Of two names for one file the storage knows.
    knows_files: bool,
}

/// Why the two sides answer differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Both handles stand for one file, or are taken to.
    OneFile,
    NotReadable,
    /// OpenSSH forgets that the last piece failed, or never came to writing it.
    NotTold,
    /// OpenSSH tells that there was less to copy.
    EndOfFile,
}

impl<'a> Copy<'a> {
    /// `sizes` are those of the files of its handles.
    pub fn of(request: &Request, opened: &'a [Opened], sizes: [u64; 2], knows_files: bool) -> Option<Self> {
        let [Opened::File(source), Opened::File(destination)] = opened else { return None };
        let [from, length, to] = request.longs().try_into().ok()?;
        request.is_extension("copy-data").then_some(Self { source, destination, from, length, to, sizes, knows_files })
    }

    /// What both answer.
    pub fn answers(&self) -> [u32; 2] {
        [self.by_openssh(), self.by_us()]
    }

    pub fn cause(&self) -> Cause {
        let [theirs, _] = self.answers();
        if self.is_refused_by_openssh() || self.is_refused_by_us() {
            Cause::OneFile
        } else if !self.source.can_read() && theirs == code::NO_SUCH_FILE {
            Cause::NotReadable
        } else if self.source.can_read() && self.destination.can_write() {
            Cause::EndOfFile
        } else {
            Cause::NotTold
        }
    }

    fn by_openssh(&self) -> u32 {
        if self.is_refused_by_openssh() {
            return code::FAILURE;
        }
        if self.has_no_such_offset() {
            return code::BAD_MESSAGE;
        }
        // The piece that ends it, and what is wrong with it.
        let (piece, end) = match (self.source.can_read(), self.destination.can_write(), self.available()) {
            (true, _, 0) => (1, code::EOF),
            (true, true, available) => (available.div_ceil(PIECE) + 1, code::EOF),
            _ => (1, code::NO_SUCH_FILE),
        };
        match (self.length, end) {
            (0, code::EOF) => code::OK,
            // Nothing was to come after it.
            (1.., _) if self.length <= piece * PIECE => code::OK,
            _ => end,
        }
    }

    fn by_us(&self) -> u32 {
        if self.source.has_path_of(self.destination) && self.is_overlap_by_numbers() {
            code::FAILURE
        } else if self.has_no_such_offset() {
            code::BAD_MESSAGE
        } else if !self.source.can_read() {
            code::FAILURE
        } else if !self.destination.can_write() {
            code::NO_SUCH_FILE
        } else if self.is_overlap_in_file() {
            code::FAILURE
        } else {
            code::OK
        }
    }

    fn is_refused_by_openssh(&self) -> bool {
        self.source.is_told_as(self.destination)
    }

    fn is_refused_by_us(&self) -> bool {
        let is_tried = self.source.can_read() && self.destination.can_write() && !self.has_no_such_offset();
        self.source.has_path_of(self.destination) && self.is_overlap_by_numbers()
            || is_tried && self.is_overlap_in_file()
    }

    fn has_no_such_offset(&self) -> bool {
        self.from > GREATEST_OFFSET || !self.destination.appends() && self.to > GREATEST_OFFSET
    }

    fn available(&self) -> u64 {
        self.sizes[0].saturating_sub(self.from)
    }

    /// Of two handles of one path nothing more is looked at.
    fn is_overlap_by_numbers(&self) -> bool {
        self.length == 0 || self.from.abs_diff(self.to) < self.length
    }

    /// One file under two names shows once it is to be copied, as does where its end is.
    fn is_overlap_in_file(&self) -> bool {
        let length = if self.length == 0 { self.available() } else { self.length.min(self.available()) };
        let to = if self.destination.appends() { self.sizes[1] } else { self.to };
        self.knows_files && self.source.is_same_file(self.destination) && length > 0 && self.from.abs_diff(to) < length
    }
}
