//! Hashes of parts of a file, as `check-file` answers them.

use sha2::digest::{Digest, DynDigest};

/// The smallest block that a client may ask for (draft-ietf-secsh-filexfer-extensions-00, section 3).
pub const MIN_BLOCK_BYTES: u32 = 256;

/// A hash that clients can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    /// The first one in a client's list that is known.
    pub fn choose(list: &[u8]) -> Option<Self> {
        list.split(|byte| *byte == b',').find_map(|name| match name {
            b"md5" => Some(Self::Md5),
            b"sha1" => Some(Self::Sha1),
            b"sha256" => Some(Self::Sha256),
            b"sha512" => Some(Self::Sha512),
            _ => None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hasher(self) -> Box<dyn DynDigest + Send> {
        match self {
            Self::Md5 => Box::new(md5::Md5::new()),
            Self::Sha1 => Box::new(sha1::Sha1::new()),
            Self::Sha256 => Box::new(sha2::Sha256::new()),
            Self::Sha512 => Box::new(sha2::Sha512::new()),
        }
    }
}

/// A hash for each block of what it is fed with, or one over everything.
pub struct Checksum {
    algorithm: Algorithm,
    hasher: Box<dyn DynDigest + Send>,
    block_bytes: Option<usize>,
    bytes_in_block: usize,
    digests: Vec<u8>,
}

impl Checksum {
    /// Without `block_bytes` there is one block.
    pub fn new(algorithm: Algorithm, block_bytes: Option<usize>) -> Self {
        Self { algorithm, hasher: algorithm.hasher(), block_bytes, bytes_in_block: 0, digests: Vec::new() }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub fn update(&mut self, mut data: &[u8]) {
        let Some(block_bytes) = self.block_bytes else { return self.hasher.update(data) };
        while !data.is_empty() {
            let room = block_bytes.saturating_sub(self.bytes_in_block).min(data.len());
            let (now, later) = data.split_at_checked(room).unwrap_or((data, &[]));
            self.hasher.update(now);
            self.bytes_in_block += now.len();
            data = later;
            if self.bytes_in_block >= block_bytes {
                self.end_block();
            }
        }
    }

    /// Bytes of the hashes so far.
    pub fn digest_bytes(&self) -> usize {
        self.digests.len()
    }

    /// All hashes, one after the other.
    pub fn finish(&mut self) -> &[u8] {
        if self.block_bytes.is_none() || self.bytes_in_block > 0 {
            self.end_block();
        }
        &self.digests
    }

    fn end_block(&mut self) {
        self.digests.extend_from_slice(&self.hasher.finalize_reset());
        self.bytes_in_block = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_first_known_algorithm_is_taken() {
        assert_eq!(Algorithm::choose(b"crc32,sha256,md5"), Some(Algorithm::Sha256));
        assert_eq!(Algorithm::choose(b"crc32"), None);
        assert_eq!(Algorithm::choose(b""), None);
    }

    #[test]
    fn known_hashes() {
        for (name, expected) in [
            ("md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            let mut checksum = Checksum::new(Algorithm::choose(name.as_bytes()).unwrap(), None);
            checksum.update(b"a");
            checksum.update(b"bc");
            assert_eq!(hex(checksum.finish()), expected);
        }
        let mut empty = Checksum::new(Algorithm::Sha512, None);
        assert!(hex(empty.finish()).starts_with("cf83e1357eefb8bd"));
    }

    #[test]
    fn blocks_are_hashed_each_whatever_the_pieces() {
        let data: Vec<u8> = (0..1000u32).map(|n| n.to_le_bytes()[0]).collect();
        let expected: Vec<u8> = data.chunks(256).flat_map(|block| sha2::Sha256::digest(block).to_vec()).collect();
        for piece in [1, 7, 255, 256, 257, 1000] {
            let mut checksum = Checksum::new(Algorithm::Sha256, Some(256));
            data.chunks(piece).for_each(|part| checksum.update(part));
            assert_eq!(checksum.finish(), expected);
        }
    }
}
