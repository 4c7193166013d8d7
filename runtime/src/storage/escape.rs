//! Bytes of names that are not UTF-8, as the contract's strings carry them: one to one (`types.wit`).

use std::borrow::Cow;

const FIRST: u32 = 0xEF80;
const LAST: u32 = 0xEFFF;

/// Bytes as the contract's string: what is not UTF-8 becomes private-use characters, and so do the bytes of such
/// characters themselves, so that [`unescape`] gives back exactly `bytes`.
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !has_escape(text)
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() * 2);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_escape(character) {
                let mut buffer = [0; 4];
                out.extend(character.encode_utf8(&mut buffer).bytes().map(escape_byte));
            } else {
                out.push(character);
            }
        }
        out.extend(chunk.invalid().iter().copied().map(escape_byte));
    }
    Cow::Owned(out)
}

/// The bytes that a string of the contract stands for.
pub fn unescape(text: &str) -> Cow<'_, [u8]> {
    if !has_escape(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len());
    for character in text.chars() {
        match unescape_character(character) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(out)
}

/// U+EF80 to U+EFFF all begin with these two lead bytes in UTF-8 (EE BE 80 to EE BF BF).
fn has_escape(text: &str) -> bool {
    text.as_bytes().contains(&0xEE) && text.chars().any(is_escape)
}

fn is_escape(character: char) -> bool {
    (FIRST..=LAST).contains(&u32::from(character))
}

/// Only bytes of 0x80 and above are ever escaped: lower ones are UTF-8 by themselves.
fn escape_byte(byte: u8) -> char {
    char::from_u32(FIRST - 0x80 + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn unescape_character(character: char) -> Option<u8> {
    is_escape(character).then(|| u8::try_from(u32::from(character) - FIRST + 0x80).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn latin_1_travels_as_private_use() {
        assert_eq!(escape(b"caf\xe9"), "caf\u{EFE9}");
        assert_eq!(unescape("caf\u{EFE9}").as_ref(), b"caf\xe9");
    }

    #[test]
    fn an_escape_character_in_utf8_is_escaped_itself() {
        let bytes = "\u{EFE9}".as_bytes();
        let text = escape(bytes);
        assert_eq!(text.chars().count(), 3);
        assert_eq!(unescape(&text).as_ref(), bytes);
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes: Vec<u8>) {
            let text = escape(&bytes).into_owned();
            let back = unescape(&text).into_owned();
            prop_assert_eq!(back, bytes);
        }

        #[test]
        fn escaping_makes_no_separator(bytes: Vec<u8>) {
            let text = escape(&bytes).into_owned();
            prop_assert_eq!(text.matches('/').count(), bytes.iter().filter(|b| **b == b'/').count());
            prop_assert_eq!(text.matches('\0').count(), bytes.iter().filter(|b| **b == 0).count());
        }
    }
}
