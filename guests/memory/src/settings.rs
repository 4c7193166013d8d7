//! What the operator can say of this storage.

use alloc::string::String;
use alloc::vec::Vec;
use strongroom_bindings::Settings as Given;
use strongroom_bindings::types::Error;

const CAPACITY_DEFAULT: u64 = 256 << 20;

#[derive(Debug, PartialEq)]
pub(crate) struct Settings {
    /// Bytes.
    pub(crate) capacity: u64,
}

impl Settings {
    pub(crate) fn parse(settings: Vec<(String, String)>) -> Result<Self, Error> {
        let mut given = Given::new(settings);
        let capacity = given.take("capacity", "a number of bytes, as 268435456 or 256M", parse_bytes)?;
        given.finish()?;
        Ok(Self { capacity: capacity.unwrap_or(CAPACITY_DEFAULT) })
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = match text.strip_suffix(['K', 'M', 'G']) {
        Some(number) => (number, text.chars().next_back()),
        None => (text, None),
    };
    let shift = match unit {
        Some('K') => 10,
        Some('M') => 20,
        Some('G') => 30,
        _ => 0,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(value: &str) -> Option<u64> {
        Settings::parse(vec![("capacity".into(), value.into())]).ok().map(|settings| settings.capacity)
    }

    #[test]
    fn sizes() {
        assert_eq!(Settings::parse(vec![]).unwrap().capacity, 256 << 20);
        assert_eq!(capacity("0"), Some(0));
        assert_eq!(capacity("1000"), Some(1000));
        assert_eq!(capacity("4K"), Some(4096));
        assert_eq!(capacity("1G"), Some(1 << 30));
        for wrong in ["", "M", "-1", "1T", "1 M", "99999999999999999999", "18446744073709551615K"] {
            assert_eq!(capacity(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn misspelt() {
        let error = Settings::parse(vec![("capcity".into(), "1".into())]).unwrap_err();
        assert_eq!(error.detail.as_deref(), Some("the setting 'capcity' is unknown to this storage"));
    }
}
