//! Facilities of the system's log that a server of this kind may use.

use std::str::FromStr;
use thiserror::Error;

/// One of OpenSSH's facilities (`SyslogFacility` of sshd_config): its number in RFC 5424, section 6.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(u8);

/// A word that is none of OpenSSH's facilities.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a facility; one of DAEMON, USER, AUTH, AUTHPRIV, LOCAL0 to LOCAL7")]
pub struct UnknownFacility;

impl Facility {
    /// What OpenSSH's server uses unless told otherwise.
    pub const AUTH: Self = Self(4);

    pub(super) fn number(self) -> u8 {
        self.0
    }
}

impl FromStr for Facility {
    type Err = UnknownFacility;

    fn from_str(text: &str) -> Result<Self, UnknownFacility> {
        let upper = text.to_ascii_uppercase();
        match upper.as_str() {
            "USER" => Ok(Self(1)),
            "DAEMON" => Ok(Self(3)),
            "AUTH" => Ok(Self::AUTH),
            "AUTHPRIV" => Ok(Self(10)),
            _ => match upper.strip_prefix("LOCAL").map(str::as_bytes) {
                Some([digit @ b'0'..=b'7']) => Ok(Self(16 + digit - b'0')),
                _ => Err(UnknownFacility),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssh_facilities_in_any_case() {
        assert_eq!("authpriv".parse(), Ok(Facility(10)));
        assert_eq!("LOCAL0".parse(), Ok(Facility(16)));
        assert_eq!("Local7".parse(), Ok(Facility(23)));
        for wrong in ["LOCAL8", "LOCAL", "LOCAL10", "KERN", ""] {
            assert_eq!(wrong.parse::<Facility>(), Err(UnknownFacility), "{wrong}");
        }
    }
}
