//! Replies on their way out: one buffer, grown and reused, in which each packet is written in place.

use super::packet;
use super::status::{Refusal, Status};
use super::wire::{Writer, length_field};
use crate::storage;
use tracing::debug;

const LENGTH_FIELD_BYTES: usize = 4;

/// Sent bytes are cut off the front only when they are at least this many and half of all.
const MIN_CUT_BYTES: usize = 64 * 1024;

/// Where in a page of memory the first packet begins. What the kernel copies to or from is the beginning of a page, and
/// processors are slow, up to twofold, to copy between places that lie a few bytes apart in their pages; so is any copy
/// that begins inside a cache line.
const FIRST_PACKET: usize = 192;
const PAGE_BYTES: usize = 4096;

/// Bytes before `sent` are none of the packets', or have gone out.
pub struct Output {
    bytes: Vec<u8>,
    sent: usize,
}

impl Output {
    pub fn new() -> Self {
        Self { bytes: Vec::new(), sent: 0 }
    }

    pub fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    pub fn sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes).min(self.bytes.len());
        if self.sent < self.bytes.len() && self.sent >= MIN_CUT_BYTES && self.sent * 2 >= self.bytes.len() {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }

    /// A packet whose body `write` appends.
    pub fn packet(&mut self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.begin(kind);
        write(&mut self.bytes);
        self.finish(start);
    }

    pub fn reply(&mut self, kind: u8, id: u32, write: impl FnOnce(&mut Vec<u8>)) {
        self.packet(kind, |body| {
            body.put_u32(id);
            write(body);
        });
    }

    /// STATUS with message and language tag, without which several clients fail.
    pub fn status(&mut self, id: u32, refusal: &Refusal) {
        debug!(target: "sftp", "request {id}: sent status {}", refusal.status.number());
        self.reply(packet::STATUS, id, |body| {
            body.put_u32(refusal.status.number());
            body.put_string(refusal.message.as_bytes());
            body.put_string(b"");
        });
    }

    /// NAME with one name and no attributes, as REALPATH and READLINK have it.
    pub fn single_name(&mut self, id: u32, name: &[u8]) {
        self.reply(packet::NAME, id, |body| {
            body.put_u32(1);
            body.put_string(name);
            body.put_string(name);
            body.put_u32(0);
        });
    }

    /// DATA with what `read` appends, at most `length` bytes; EOF if that is nothing. Nothing of it stays if `read`
    /// fails.
    pub fn data(
        &mut self,
        id: u32,
        length: usize,
        read: impl FnOnce(&mut Vec<u8>, usize) -> Result<(), storage::Error>,
    ) -> Result<usize, storage::Error> {
        let start = self.begin(packet::DATA);
        self.bytes.put_u32(id);
        self.bytes.put_u32(0);
        let payload = self.bytes.len();
        let result = read(&mut self.bytes, length);
        self.bytes.truncate(payload.saturating_add(length));
        let appended = self.bytes.len().saturating_sub(payload);
        if result.is_err() || appended == 0 {
            self.bytes.truncate(start);
            result?;
            self.status(id, &Status::Eof.into());
            return Ok(0);
        }
        self.patch(payload - LENGTH_FIELD_BYTES, appended);
        self.finish(start);
        Ok(appended)
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn capacity_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn begin(&mut self, kind: u8) -> usize {
        if self.unsent().is_empty() {
            self.align();
        }
        let start = self.bytes.len();
        self.bytes.put_u32(0);
        self.bytes.put_u8(kind);
        start
    }

    /// Has the first packet begin at [`FIRST_PACKET`], unless the buffer is so small that it will be moved as it grows.
    /// In front of it stands what was sent before, if anything was: no byte is cleared twice.
    fn align(&mut self) {
        let before = (FIRST_PACKET + PAGE_BYTES - self.bytes.as_ptr().addr() % PAGE_BYTES) % PAGE_BYTES;
        let before = if before < self.bytes.capacity() { before } else { 0 };
        self.bytes.resize(before, 0);
        self.sent = before;
    }

    fn finish(&mut self, start: usize) {
        let length = self.bytes.len().saturating_sub(start + LENGTH_FIELD_BYTES);
        self.patch(start, length);
    }

    fn patch(&mut self, position: usize, length: usize) {
        if let Some(field) = self.bytes.get_mut(position..position + LENGTH_FIELD_BYTES) {
            field.copy_from_slice(&length_field(length).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::ErrorCode;

    #[test]
    fn a_failed_read_leaves_nothing() {
        let mut output = Output::new();
        let failed = output.data(1, 10, |out, _| {
            out.extend_from_slice(b"half");
            Err(ErrorCode::Failure.into())
        });
        assert!(failed.is_err());
        assert!(output.unsent().is_empty());
    }

    #[test]
    fn data_is_cut_to_what_was_asked_for() {
        let mut output = Output::new();
        let read = output.data(1, 3, |out, _| {
            out.extend_from_slice(b"abcdef");
            Ok(())
        });
        assert_eq!(read, Ok(3));
        assert_eq!(output.unsent(), b"\0\0\0\x0c\x67\0\0\0\x01\0\0\0\x03abc");
    }

    #[test]
    fn nothing_that_was_sent_is_sent_again() {
        let mut output = Output::new();
        for length in [40_000u16, 3, 0, 5000, 1] {
            output.packet(packet::DATA, |body| body.extend(std::iter::repeat_n(7, length.into())));
            let failed = output.data(1, 10, |out, _| {
                out.extend_from_slice(b"half");
                Err(ErrorCode::Failure.into())
            });
            assert!(failed.is_err());
            assert_eq!(output.unsent().len(), 5 + usize::from(length));
            assert_eq!(output.unsent()[..4], (u32::from(length) + 1).to_be_bytes());
            output.sent(usize::MAX);
            assert!(output.unsent().is_empty());
        }
    }

    #[test]
    fn sent_bytes_go_away_in_order() {
        let mut output = Output::new();
        let mut expected = Vec::new();
        let mut seen = Vec::new();
        for round in 0..200u32 {
            output.packet(packet::DATA, |body| body.extend(std::iter::repeat_n(round.to_le_bytes()[0], 5000)));
            expected.extend_from_slice(&5001u32.to_be_bytes());
            expected.push(packet::DATA);
            expected.extend(std::iter::repeat_n(round.to_le_bytes()[0], 5000));
            let part = output.unsent().len().min(4000);
            seen.extend_from_slice(&output.unsent()[..part]);
            output.sent(part);
        }
        seen.extend_from_slice(output.unsent());
        assert_eq!(seen, expected);
        output.sent(usize::MAX);
        assert!(output.unsent().is_empty());
    }
}
