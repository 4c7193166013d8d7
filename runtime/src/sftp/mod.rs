//! SFTP version 3 as a pure state machine: draft-ietf-secsh-filexfer-02 and what OpenSSH does beside it.
//!
//! Bytes go in and calls on the storage come out; answers go in and bytes come out. There is no I/O here, no clock, no
//! thread and no file system, so everything can be tested byte by byte.
//!
//! A packet's way: `input` finds it, `request` parses it, `policy` and `accept` judge it, `jobs` and `lanes` order it,
//! `task` says what it asks of the storage, `answers` what the client is told, `output` holds that until it is sent.

mod accept;
mod accept_files;
mod accept_paths;
mod answers;
mod attributes;
mod calendar;
mod checking;
mod checksum;
mod core;
mod ending;
mod extensions;
mod handles;
mod input;
mod jobs;
mod journal;
mod lanes;
mod listing;
mod longname;
mod options;
mod output;
mod packet;
mod policy;
mod request;
mod session;
mod status;
mod task;
mod wire;

#[cfg(any(test, feature = "testing"))]
pub mod client;
#[cfg(test)]
mod tests;

pub use options::{Limits, Names, Options};
pub use policy::{RequestPolicy, UnknownRequest};
pub use session::Session;

use crate::storage;
use thiserror::Error;

/// Names a call from its start to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId {
    slot: u32,
    generation: u32,
}

impl CallId {
    /// A small number that no other call in flight has, from 0 densely: for tables by call.
    pub fn index(self) -> usize {
        self.slot as usize
    }
}

/// A call that the session wants started now.
#[derive(Debug)]
pub struct Started<'a> {
    pub id: CallId,
    pub call: storage::Call<'a>,
}

/// Why a connection must be closed: the client does not speak SFTP, or not within bounds. The texts are for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fatal {
    #[error("bad message: a packet of {length} bytes, the limit is {max}")]
    PacketTooLong { length: usize, max: usize },
    #[error("bad message: a packet of 0 bytes")]
    EmptyPacket,
    #[error("bad message: an INIT too short to have a version")]
    InitTooShort,
    #[error("the first packet is of kind {kind} and not INIT")]
    RequestBeforeInit { kind: u8 },
}
