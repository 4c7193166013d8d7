//! The settings of a `connect`, taken one by one by name, so that a misspelt one is an error and no silence.

use crate::{Error, Result};
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;

/// The operator's settings that the storage has not taken yet. Of a name that is given twice the last value counts.
///
/// ```
/// # use strongroom_guest::Settings;
/// let mut settings = Settings::new([("bucket", "photos"), ("capacity", "256M")]);
/// assert_eq!(settings.require("bucket").unwrap(), "photos");
/// assert_eq!(settings.take_size("capacity").unwrap(), Some(256 << 20));
/// assert_eq!(settings.take_switch("versions").unwrap(), None);
///
/// let error = settings.require("region").unwrap_err();
/// assert_eq!(error.detail.unwrap(), "the setting 'region' is missing: give --set region=…");
/// ```
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Settings as an operator writes them.
    pub fn new<N: Into<String>, V: Into<String>>(settings: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Takes the setting `name` as `parse` reads it; `None` if it is not given. `expected` completes "must be …".
    ///
    /// # Errors
    ///
    /// It names the setting and never its value, which may be a secret.
    pub fn take<T>(&mut self, name: &str, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        match parse(&value) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::misconfigured(format_args!("the setting '{name}' must be {expected}"))),
        }
    }

    /// Takes the setting `name` as it is.
    pub fn take_text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes the setting `name`, which has to be there.
    ///
    /// # Errors
    ///
    /// It is missing.
    pub fn require(&mut self, name: &str) -> Result<String> {
        let missing = || Error::misconfigured(format_args!("the setting '{name}' is missing: give --set {name}=…"));
        self.take_text(name).ok_or_else(missing)
    }

    /// Takes the setting `name`, which is `yes` or `no`.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn take_switch(&mut self, name: &str) -> Result<Option<bool>> {
        self.take(name, "'yes' or 'no'", |value| match value {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })
    }

    /// Takes the setting `name`, a number of bytes: plain, or with K, M or G for powers of 1024.
    ///
    /// # Errors
    ///
    /// It is no such number, or too large.
    pub fn take_size(&mut self, name: &str) -> Result<Option<u64>> {
        self.take(name, "a number of bytes, as 268435456 or 256M", parse_size)
    }

    /// Ends the taking: what is left over is an error that names it.
    pub(crate) fn finish(self) -> Result<()> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::misconfigured(format_args!("the setting '{name}' is unknown to this storage"))),
        }
    }
}

impl fmt::Debug for Settings {
    /// The names alone: a value may be a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let (number, shift) = match text.as_bytes() {
        [number @ .., b'K'] => (number, 10),
        [number @ .., b'M'] => (number, 20),
        [number @ .., b'G'] => (number, 30),
        number => (number, 0),
    };
    str::from_utf8(number).ok()?.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn what_is_taken_is_known() {
        let mut settings = Settings::new([("native", "yes"), ("native", "no")]);
        assert_eq!(settings.take_switch("native"), Ok(Some(false)));
        assert_eq!(settings.take_switch("native"), Ok(None));
        assert_eq!(settings.finish(), Ok(()));
    }

    #[test]
    fn what_is_left_is_named() {
        let error = Settings::new([("natvie", "no")]).finish().unwrap_err();
        assert_eq!(error.detail.as_deref(), Some("the setting 'natvie' is unknown to this storage"));
        assert_eq!(error.message, "");
    }

    #[test]
    fn a_value_is_not_repeated() {
        let mut settings = Settings::new([("native", "s3cret")]);
        assert_eq!(format!("{settings:?}"), r#"{"native"}"#);
        let error = settings.take_switch("native").unwrap_err();
        assert_eq!(error.detail.as_deref(), Some("the setting 'native' must be 'yes' or 'no'"));
    }

    #[test]
    fn sizes() {
        let size = |value: &str| Settings::new([("capacity", value)]).take_size("capacity").ok().flatten();
        assert_eq!(size("0"), Some(0));
        assert_eq!(size("1000"), Some(1000));
        assert_eq!(size("4K"), Some(4096));
        assert_eq!(size("1G"), Some(1 << 30));
        for wrong in ["", "M", "-1", "1T", "1 M", "99999999999999999999", "18446744073709551615K"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }
}
