//! Received bytes, and where the packets in them begin and end.

use super::Fatal;
use std::ops::Range;

const LENGTH_FIELD_BYTES: usize = 4;

/// Room that a read is given at least, so that one system call brings many packets.
const MIN_SPARE_BYTES: usize = 64 * 1024;

/// A buffer to whose end bytes are received and from whose front whole packets are taken in place.
///
/// Packets are never moved while one is in use. What is left over is moved to the front only when at least as many bytes
/// have been taken before it, so moving costs no more than receiving did.
pub struct Input {
    bytes: Vec<u8>,
    taken: usize,
    max_packet_bytes: usize,
    closed: bool,
}

impl Input {
    pub fn new(max_packet_bytes: usize) -> Self {
        Self { bytes: Vec::new(), taken: 0, max_packet_bytes, closed: false }
    }

    /// Where to append what is received. Its spare capacity has room for all that the next packet still lacks.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        let left = self.bytes.len() - self.taken;
        let needed = self.missing_bytes().max(MIN_SPARE_BYTES);
        if left == 0 {
            self.bytes.clear();
            self.taken = 0;
        } else if self.bytes.capacity() - self.bytes.len() < needed && self.taken >= left {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.reserve(needed);
        &mut self.bytes
    }

    /// The body of the next whole packet, kind first, as a place in the buffer that holds until [`Input::buffer`] is
    /// called again. `None` until more is received.
    pub fn next_packet(&mut self) -> Result<Option<Range<usize>>, Fatal> {
        if self.closed {
            return Ok(None);
        }
        let Some(length) = self.next_length() else { return Ok(None) };
        if length == 0 {
            return Err(Fatal::EmptyPacket);
        }
        if length > self.max_packet_bytes {
            return Err(Fatal::PacketTooLong { length, max: self.max_packet_bytes });
        }
        let start = self.taken + LENGTH_FIELD_BYTES;
        let end = start + length;
        if self.bytes.len() < end {
            return Ok(None);
        }
        self.taken = end;
        Ok(Some(start..end))
    }

    /// The kind of the next packet as soon as it is known, though the rest may be missing.
    pub fn next_kind(&self) -> Option<u8> {
        self.bytes.get(self.taken + LENGTH_FIELD_BYTES).copied()
    }

    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Nothing more is taken, whatever has been or will be received.
    pub fn close(&mut self) {
        self.closed = true;
        self.bytes = Vec::new();
        self.taken = 0;
    }

    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the next packet is there whole, or is known to be a bad one.
    pub fn has_packet(&self) -> bool {
        let left = self.bytes.len() - self.taken;
        let length = self.next_length().filter(|_| !self.closed);
        length.is_some_and(|length| length > self.max_packet_bytes || LENGTH_FIELD_BYTES + length <= left)
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn capacity_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn next_length(&self) -> Option<usize> {
        let field = self.bytes.get(self.taken..)?.first_chunk::<LENGTH_FIELD_BYTES>()?;
        usize::try_from(u32::from_be_bytes(*field)).ok()
    }

    /// How much the next packet still lacks. A length that will be refused asks for nothing.
    fn missing_bytes(&self) -> usize {
        let left = self.bytes.len() - self.taken;
        match self.next_length() {
            Some(length) if length <= self.max_packet_bytes => (LENGTH_FIELD_BYTES + length).saturating_sub(left),
            Some(_) => 0,
            None => LENGTH_FIELD_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(body: &[u8]) -> Vec<u8> {
        let mut out = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        out.extend_from_slice(body);
        out
    }

    #[test]
    fn packets_come_out_whatever_the_pieces() {
        let bytes = [packet(b"one"), packet(b"second"), packet(b"3")].concat();
        for piece in 1..bytes.len() {
            let mut input = Input::new(100);
            let mut bodies = Vec::new();
            for part in bytes.chunks(piece) {
                input.buffer().extend_from_slice(part);
                while let Some(range) = input.next_packet().unwrap() {
                    bodies.push(input.bytes(range).to_vec());
                }
            }
            assert_eq!(bodies, [b"one".to_vec(), b"second".to_vec(), b"3".to_vec()]);
        }
    }

    #[test]
    fn a_bad_length_is_found_before_the_packet_has_come() {
        let mut input = Input::new(100);
        input.buffer().extend_from_slice(&101u32.to_be_bytes());
        assert_eq!(input.next_packet(), Err(Fatal::PacketTooLong { length: 101, max: 100 }));
        let mut input = Input::new(100);
        input.buffer().extend_from_slice(&0u32.to_be_bytes());
        assert_eq!(input.next_packet(), Err(Fatal::EmptyPacket));
    }

    #[test]
    fn there_is_room_for_a_whole_packet_and_not_for_a_refused_one() {
        let mut input = Input::new(1 << 20);
        input.buffer().extend_from_slice(&(1u32 << 20).to_be_bytes());
        let buffer = input.buffer();
        assert!(buffer.capacity() - buffer.len() >= 1 << 20);
        let mut input = Input::new(1 << 20);
        input.buffer().extend_from_slice(&u32::MAX.to_be_bytes());
        assert!(input.buffer().capacity() < 1 << 20);
    }

    #[test]
    fn the_buffer_stays_bounded_though_it_is_never_empty() {
        let max = 256 * 1024;
        let mut input = Input::new(max);
        let stream: Vec<u8> = (1..200).flat_map(|step| packet(&vec![7; step * 7919 % max + 1])).collect();
        let mut packets = 0;
        for part in stream.chunks(50_001) {
            input.buffer().extend_from_slice(part);
            while input.next_packet().unwrap().is_some() {
                packets += 1;
            }
        }
        assert_eq!(packets, 199);
        assert!(input.capacity_bytes() <= 4 * (max + MIN_SPARE_BYTES), "{}", input.capacity_bytes());
    }
}
