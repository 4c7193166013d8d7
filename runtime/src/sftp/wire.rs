//! The wire's data types (RFC 4251, section 5): big-endian integers and byte strings with their length before them.

/// A packet's body ended before its fields did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Takes fields off the front of a packet's body, without copying and without trust in any length.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.u32()?).map_err(|_| Malformed)?;
        let (string, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(string)
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been taken yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*array)
    }
}

/// Appends fields to a packet's body.
pub trait Writer {
    fn put_u8(&mut self, value: u8);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    fn put_string(&mut self, bytes: &[u8]);
}

impl Writer for Vec<u8> {
    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }

    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn put_string(&mut self, bytes: &[u8]) {
        self.put_u32(length_field(bytes.len()));
        self.extend_from_slice(bytes);
    }
}

/// A length as the wire has it. Replies are bounded far below 4 GiB, so nothing is ever cut here.
pub fn length_field(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_length_beyond_the_body_is_malformed() {
        for bytes in [&[0xff, 0xff, 0xff, 0xff, 1][..], &[0, 0, 0, 2, 1], &[0, 0, 0]] {
            assert_eq!(Reader::new(bytes).string(), Err(Malformed));
        }
    }

    proptest! {
        #[test]
        fn what_is_put_is_taken(byte: u8, word: u32, long: u64, text: Vec<u8>) {
            let mut out = Vec::new();
            out.put_u8(byte);
            out.put_u32(word);
            out.put_u64(long);
            out.put_string(&text);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.u8(), Ok(byte));
            prop_assert_eq!(reader.u32(), Ok(word));
            prop_assert_eq!(reader.u64(), Ok(long));
            prop_assert_eq!(reader.string(), Ok(text.as_slice()));
            prop_assert!(reader.is_empty());
        }
    }
}
