//! Numbers as an operator writes them: sizes, durations, a umask.

use std::time::Duration;
use thiserror::Error;

/// A number that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum UnitError {
    #[error("a size is a number above 0 with K, M, G or T, or of bytes, as 64M")]
    Size,
    #[error("a duration is a number above 0 with ms, s, m or h, as 30s")]
    Duration,
    #[error("a umask is octal and at most 777, as 022")]
    Umask,
}

/// Bytes, above 0: `512`, `64K`, `64M`, `1G`, each step 1024.
pub(super) fn size(text: &str) -> Result<usize, UnitError> {
    let (number, unit) = split(text);
    let shift = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KIB" => 10,
        "M" | "MIB" => 20,
        "G" | "GIB" => 30,
        "T" | "TIB" => 40,
        _ => return Err(UnitError::Size),
    };
    number
        .parse::<usize>()
        .ok()
        .and_then(|count| count.checked_mul(1 << shift))
        .filter(|bytes| *bytes > 0)
        .ok_or(UnitError::Size)
}

/// Above 0: `500ms`, `30s`, `5m`, `1h`; a bare number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = split(text);
    let unit_ms = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(UnitError::Duration),
    };
    number
        .parse::<u32>()
        .ok()
        .filter(|count| *count > 0)
        .map(|count| Duration::from_millis(u64::from(count) * unit_ms))
        .ok_or(UnitError::Duration)
}

/// Permission bits to take away: octal, `022` or `0o022`.
pub(super) fn umask(text: &str) -> Result<u16, UnitError> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let all_octal = digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    match u16::from_str_radix(digits, 8) {
        Ok(mask) if all_octal && mask <= 0o777 => Ok(mask),
        _ => Err(UnitError::Umask),
    }
}

fn split(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(digits).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("512"), Ok(512));
        assert_eq!(size("64M"), Ok(64 << 20));
        assert_eq!(size("1g"), Ok(1 << 30));
        assert_eq!(size("4KiB"), Ok(4096));
        for wrong in ["", "M", "0", "0G", "-1", "+1", "1.5G", "1 G", "99999999999999T", "10X"] {
            assert_eq!(size(wrong), Err(UnitError::Size), "{wrong}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
        for wrong in ["", "s", "0", "0s", "-5s", "5d", "5 s", "99999999999s"] {
            assert_eq!(duration(wrong), Err(UnitError::Duration), "{wrong}");
        }
    }

    #[test]
    fn umasks() {
        assert_eq!(umask("022"), Ok(0o022));
        assert_eq!(umask("0o077"), Ok(0o077));
        assert_eq!(umask("777"), Ok(0o777));
        assert_eq!(umask("0"), Ok(0));
        for wrong in ["", "1000", "8", "+22", "-1", "u=rwx"] {
            assert_eq!(umask(wrong), Err(UnitError::Umask), "{wrong}");
        }
    }
}
