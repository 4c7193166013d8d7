//! What the operator can say of this storage.

use alloc::string::String;
use alloc::vec::Vec;
use strongroom_bindings::Settings as Given;
use strongroom_bindings::types::Error;

#[derive(Debug, PartialEq)]
pub(crate) struct Settings {
    /// Whether the host is handed the open files, to move their bytes by itself.
    pub(crate) native: bool,
}

impl Settings {
    pub(crate) fn parse(settings: Vec<(String, String)>) -> Result<Self, Error> {
        let mut given = Given::new(settings);
        let native = given.take_switch("native")?;
        given.finish()?;
        Ok(Self { native: native.unwrap_or(true) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_unless_told_otherwise() {
        let native = |value: &str| Settings::parse(vec![("native".into(), value.into())]).map(|parsed| parsed.native);
        assert!(Settings::parse(vec![]).unwrap().native);
        assert!(native("yes").unwrap());
        assert!(!native("no").unwrap());
        assert!(native("false").is_err());
    }
}
