//! MongoDB's wire protocol, of which OP_MSG is all that is spoken: commands out, replies in. Every length that a server sends
//! is checked before anything is done by it.

use bson::RawDocument;
use std::ops::Range;
use thiserror::Error;

/// The bytes of a message before its flags.
pub const HEADER_BYTES: usize = 16;
/// The longest message that a server may send, as servers limit what they take.
pub const MESSAGE_BYTES_MAX: usize = 48_000_000 + (16 << 10);
/// Header, flags, the kind of a section, and an empty document.
const MESSAGE_BYTES_MIN: usize = HEADER_BYTES + 4 + 1 + 5;

const OP_MSG: i32 = 2013;
const CHECKSUM_PRESENT: u32 = 1;
const MORE_TO_COME: u32 = 2;
/// The flags that a receiver has to know.
const REQUIRED_FLAGS: u32 = 0xffff;
const KIND_BODY: u8 = 0;
const KIND_SEQUENCE: u8 = 1;

/// Why what a server sent is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    #[error("a message of {0} bytes")]
    Length(i32),
    #[error("a message of the kind {0}")]
    Opcode(i32),
    #[error("an answer to the request {0}, which was not asked")]
    Stray(i32),
    #[error("a message with the flags {0:#x}")]
    Flags(u32),
    #[error("a message whose parts do not fit together")]
    Malformed,
}

/// Documents that a command takes beside its own: each is complete BSON.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The command's field that they stand for.
    pub name: &'static str,
    /// One after the other.
    pub documents: Vec<u8>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    message: Vec<u8>,
    body: Range<usize>,
}

/// A command as it is sent. `command` is complete BSON with `$db`.
pub fn encode(request: i32, command: &[u8], sequence: Option<&Sequence>) -> Vec<u8> {
    let extra = sequence.map_or(0, |sequence| 1 + sequence_bytes(sequence));
    let length = HEADER_BYTES + 4 + 1 + command.len() + extra;
    let mut message = Vec::with_capacity(length);
    for field in [as_i32(length), request, 0, OP_MSG, 0] {
        message.extend_from_slice(&field.to_le_bytes());
    }
    message.push(KIND_BODY);
    message.extend_from_slice(command);
    if let Some(sequence) = sequence {
        message.push(KIND_SEQUENCE);
        message.extend_from_slice(&as_i32(sequence_bytes(sequence)).to_le_bytes());
        message.extend_from_slice(sequence.name.as_bytes());
        message.push(0);
        message.extend_from_slice(&sequence.documents);
    }
    message
}

fn sequence_bytes(sequence: &Sequence) -> usize {
    4 + sequence.name.len() + 1 + sequence.documents.len()
}

/// Callers keep below the limits of servers, which are below this one.
fn as_i32(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// The length of the whole message that begins with `header`, once it is known to be one that may be taken in.
pub fn message_length(header: &[u8]) -> Result<usize, WireError> {
    let length = read_i32(header, 0)?;
    match usize::try_from(length) {
        Ok(bytes @ MESSAGE_BYTES_MIN..=MESSAGE_BYTES_MAX) => Ok(bytes),
        _ => Err(WireError::Length(length)),
    }
}

/// Reads the answer to `request`.
pub fn decode(request: i32, message: Vec<u8>) -> Result<Reply, WireError> {
    let answered = read_i32(&message, 8)?;
    let opcode = read_i32(&message, 12)?;
    if opcode != OP_MSG {
        return Err(WireError::Opcode(opcode));
    }
    if answered != request {
        return Err(WireError::Stray(answered));
    }
    let flags = u32::from_le_bytes(read_i32(&message, HEADER_BYTES)?.to_le_bytes());
    if flags & REQUIRED_FLAGS & !CHECKSUM_PRESENT & !MORE_TO_COME != 0 || flags & MORE_TO_COME != 0 {
        return Err(WireError::Flags(flags));
    }
    let checksum = if flags & CHECKSUM_PRESENT == 0 { 0 } else { 4 };
    let end = message.len().checked_sub(checksum).ok_or(WireError::Malformed)?;
    let body = find_body(&message, HEADER_BYTES + 4..end)?;
    Ok(Reply { message, body })
}

/// The one section with the reply itself; servers may add sequences, which no command of ours asks for.
fn find_body(message: &[u8], sections: Range<usize>) -> Result<Range<usize>, WireError> {
    let mut start = sections.start;
    let mut body = None;
    while start < sections.end {
        let kind = *message.get(start).ok_or(WireError::Malformed)?;
        let length = usize::try_from(read_i32(message, start + 1)?).map_err(|_| WireError::Malformed)?;
        let end = (start + 1).checked_add(length).filter(|end| *end <= sections.end).ok_or(WireError::Malformed)?;
        match kind {
            KIND_BODY if body.is_none() => {
                let bytes = message.get(start + 1..end).ok_or(WireError::Malformed)?;
                RawDocument::from_bytes(bytes).map_err(|_| WireError::Malformed)?;
                body = Some(start + 1..end);
            }
            KIND_SEQUENCE if length >= 5 => {}
            _ => return Err(WireError::Malformed),
        }
        start = end;
    }
    body.ok_or(WireError::Malformed)
}

fn read_i32(bytes: &[u8], start: usize) -> Result<i32, WireError> {
    let bytes = bytes.get(start..).and_then(|rest| rest.first_chunk()).ok_or(WireError::Malformed)?;
    Ok(i32::from_le_bytes(*bytes))
}

impl Reply {
    /// The reply itself.
    pub fn document(&self) -> Result<&RawDocument, WireError> {
        let bytes = self.message.get(self.body.clone()).ok_or(WireError::Malformed)?;
        RawDocument::from_bytes(bytes).map_err(|_| WireError::Malformed)
    }

    /// How long the whole message was.
    pub fn len(&self) -> usize {
        self.message.len()
    }
}
