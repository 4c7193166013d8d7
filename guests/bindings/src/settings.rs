//! The settings of a `connect`, taken one by one by name, so that a misspelt one is an error and no silence.

use crate::types::{Error, ErrorCode};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Settings that nobody took yet. Of a name that is given twice the last value counts.
#[derive(Debug)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The settings as `connect` gets them.
    pub fn new(settings: Vec<(String, String)>) -> Self {
        Self(settings.into_iter().collect())
    }

    /// Takes the setting `name` as `parse` reads it; `None` if it is not given. `expected` completes "must be …".
    /// The error names the setting and never its value, which may be a secret.
    pub fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        match parse(&value) {
            Some(value) => Ok(Some(value)),
            None => Err(misconfigured(&format!("the setting '{name}' must be {expected}"))),
        }
    }

    /// Takes the setting `name`, which is `yes` or `no`.
    pub fn take_switch(&mut self, name: &str) -> Result<Option<bool>, Error> {
        self.take(name, "'yes' or 'no'", |value| match value {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })
    }

    /// Ends the taking: what is left over is an error that names it.
    pub fn finish(self) -> Result<(), Error> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(misconfigured(&format!("the setting '{name}' is unknown to this storage"))),
        }
    }
}

fn misconfigured(detail: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    fn settings(list: &[(&str, &str)]) -> Settings {
        Settings::new(list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    #[test]
    fn what_is_taken_is_known() {
        let mut settings = settings(&[("native", "yes"), ("native", "no")]);
        assert_eq!(settings.take_switch("native").unwrap(), Some(false));
        assert_eq!(settings.take_switch("native").unwrap(), None);
        settings.finish().unwrap();
    }

    #[test]
    fn what_is_left_is_named() {
        let error = settings(&[("natvie", "no")]).finish().unwrap_err();
        assert_eq!(error.detail.as_deref(), Some("the setting 'natvie' is unknown to this storage"));
        assert_eq!(error.message, "");
    }

    #[test]
    fn a_bad_value_is_not_repeated() {
        let error = settings(&[("native", "s3cret")]).take_switch("native").unwrap_err();
        assert_eq!(error.detail.as_deref(), Some("the setting 'native' must be 'yes' or 'no'"));
        assert!(Settings::new(vec![]).finish().is_ok());
    }
}
