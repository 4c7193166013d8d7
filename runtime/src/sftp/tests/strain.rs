//! What the protocol is strained with: limits so low that they matter, and answers of every kind.

use crate::sftp::{Limits, Session};
use crate::storage::{Answer, Attributes, DirectoryEntry, Error, ErrorCode, Name, StoragePath, Usage};

pub const TIGHT: Limits = Limits {
    max_packet_bytes: 2000,
    max_read_bytes: 500,
    max_handles: 4,
    max_calls_in_flight: 6,
    max_bytes_in_flight: 5000,
    max_output_bytes: 4000,
    max_path_bytes: 100,
};

/// Room that one request may take beyond a limit before the limit stops the next one.
const ONE_REPLY_BYTES: usize = 128 * 1024;

/// Looks that a session holds no more than its limits say. One that ends may have all that is open to close besides.
pub fn check_bounds(session: &Session, limits: &Limits, is_ending: bool) {
    let closes = if is_ending { limits.max_handles } else { 0 };
    assert!(session.calls_in_flight() + session.queued_calls() <= limits.max_calls_in_flight + closes);
    assert!(session.bytes_in_flight() < limits.max_bytes_in_flight + limits.max_packet_bytes + ONE_REPLY_BYTES);
    assert!(session.open_handles() <= limits.max_handles);
    let (input, output) = session.buffer_bytes();
    assert!(input <= 4 * (64 * 1024 + limits.max_packet_bytes), "{input}");
    assert!(output <= 4 * (limits.max_output_bytes + limits.max_calls_in_flight * ONE_REPLY_BYTES), "{output}");
}

/// An answer, whether it fits its call or not. 0 is [`Answer::Done`], and no other number is.
pub fn any_answer(number: u8) -> Result<Answer, Error> {
    let entry =
        |name: &str| DirectoryEntry { name: Name::new(name.into()).unwrap(), attributes: Attributes::default() };
    match number {
        0 => Ok(Answer::Done),
        1 => Ok(Answer::Attributes(Attributes::default())),
        2 => Ok(Answer::Path(StoragePath::root())),
        3 => Ok(Answer::Target("t".into())),
        4 => Ok(Answer::Usage(Usage::default())),
        5 => Ok(Answer::Data(vec![1; 100])),
        6 => Ok(Answer::Entries(vec![entry("a"), entry("b")])),
        7 => Ok(Answer::Copied(1)),
        _ => Err(ErrorCode::Failure.into()),
    }
}
