//! The sections of a component one after another, at its outermost level or nested parts and all, without looking into
//! code: what a stranger's bytes may cost is bounded by their length and by a number of sections.

use thiserror::Error;
use wasmparser::{BinaryReaderError, Chunk, Parser, Payload};

/// Python's components have some hundreds.
const MAX_SECTIONS: usize = 100_000;

/// Of components in components.
const MAX_DEPTH: usize = 32;

/// Bytes that break the binary format, or have more parts than any storage.
#[derive(Debug, Error)]
pub enum Unreadable {
    #[error("{} at byte {}", .0.message(), .0.offset())]
    Malformed(#[from] BinaryReaderError),
    #[error("it breaks off at byte {0}")]
    BreaksOff(usize),
    #[error("it has more than {MAX_SECTIONS} sections")]
    Sections,
    #[error("its parts are nested more than {MAX_DEPTH} deep")]
    Depth,
    #[error("a type of it holds types of core modules")]
    CoreTypes,
    #[error("it has more than {0} imports or exports")]
    Names(usize),
}

/// Where a walk has come to.
pub(super) struct Walk<'a> {
    rest: &'a [u8],
    length: usize,
    parsers: Vec<Parser>,
    enters: bool,
    sections_left: usize,
}

impl<'a> Walk<'a> {
    /// Nested modules and components are told and not entered, so that it takes no longer for a large one.
    pub(super) fn outermost(component: &'a [u8]) -> Self {
        Self {
            rest: component,
            length: component.len(),
            parsers: vec![Parser::new(0)],
            enters: false,
            sections_left: MAX_SECTIONS,
        }
    }

    /// Nested modules and components come behind what tells of them.
    pub(super) fn whole(component: &'a [u8]) -> Self {
        Self { enters: true, ..Self::outermost(component) }
    }

    fn step(&mut self) -> Result<Option<Payload<'a>>, Unreadable> {
        let Some(parser) = self.parsers.last_mut() else { return Ok(None) };
        let (consumed, payload) = match parser.parse(self.rest, true)? {
            Chunk::Parsed { consumed, payload } => (consumed, payload),
            // Not at the end of the input, which this is.
            Chunk::NeedMoreData(_) => return Err(Unreadable::BreaksOff(self.length)),
        };
        self.skip(consumed)?;
        self.sections_left = self.sections_left.checked_sub(1).ok_or(Unreadable::Sections)?;
        match &payload {
            Payload::ModuleSection { unchecked_range: nested, parser }
            | Payload::ComponentSection { unchecked_range: nested, parser } => {
                if nested.end > self.length {
                    return Err(Unreadable::BreaksOff(self.length));
                }
                if !self.enters {
                    self.skip(nested.len())?;
                } else if self.parsers.len() == MAX_DEPTH {
                    return Err(Unreadable::Depth);
                } else {
                    self.parsers.push(parser.clone());
                }
            }
            Payload::CodeSectionStart { size, range, .. } => {
                if range.end > self.length {
                    return Err(Unreadable::BreaksOff(self.length));
                }
                if let Some(parser) = self.parsers.last_mut() {
                    parser.skip_section();
                }
                self.skip(usize::try_from(*size).unwrap_or(usize::MAX))?;
            }
            Payload::End(_) => {
                self.parsers.pop();
            }
            _ => {}
        }
        Ok(Some(payload))
    }

    fn skip(&mut self, count: usize) -> Result<(), Unreadable> {
        self.rest = self.rest.get(count..).ok_or(Unreadable::BreaksOff(self.length))?;
        Ok(())
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Payload<'a>, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.parsers.clear();
        }
        step.transpose()
    }
}
