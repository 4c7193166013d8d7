//! Bytes that a client or a guest supplied, made safe for a line of the log, as OpenSSH's strnvis does it.

use std::fmt::{self, Write};

/// Shows printable ASCII and spaces as they are and every other byte as a backslash and three octal digits. A backslash
/// and a double quote get a backslash before them, so that no name can end its own quotes and each line reads one way.
#[derive(Clone, Copy)]
pub struct Vis<'a>(pub &'a [u8]);

impl fmt::Display for Vis<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            match byte {
                b'\\' | b'"' => {
                    f.write_char('\\')?;
                    f.write_char(char::from(byte))?;
                }
                b' '..=b'~' => f.write_char(char::from(byte))?,
                _ => write!(f, "\\{byte:03o}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_ascii_stays() {
        assert_eq!(Vis(b"a plain-name_1.txt").to_string(), "a plain-name_1.txt");
    }

    #[test]
    fn everything_else_is_octal() {
        assert_eq!(Vis(b"a\nb\t\x1b[0m\x7f").to_string(), "a\\012b\\011\\033[0m\\177");
        assert_eq!(Vis("é".as_bytes()).to_string(), "\\303\\251");
        assert_eq!(Vis(b"\0\xff").to_string(), "\\000\\377");
    }

    #[test]
    fn a_name_cannot_end_its_own_quotes() {
        assert_eq!(Vis(br#"x" new "y"#).to_string(), r#"x\" new \"y"#);
        assert_eq!(Vis(br#"x\"#).to_string(), r"x\\");
    }
}
