//! A component's own words, made safe for a terminal and short enough for a line.

use std::fmt::{self, Write};

const MAX_CHARACTERS: usize = 200;

/// As much of a name as is shown of it.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARACTERS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// Shows what would move the cursor, colour the terminal or turn the direction of writing as its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Safe<'a>(pub &'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if is_harmless(character) {
                f.write_char(character)?;
            } else {
                write!(f, "{}", character.escape_unicode())?;
            }
        }
        Ok(())
    }
}

/// A JSON text in which such characters are escaped too; of them serde_json escapes only the first 32.
pub fn safe_json(value: &serde_json::Value) -> String {
    let mut safe = String::new();
    for character in format!("{value:#}\n").chars() {
        // Outside strings, where line feeds are, nothing else is a control character.
        if character == '\n' || is_harmless(character) {
            safe.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    safe
}

/// No control character, no mark of direction, no line or paragraph separator, nothing invisible.
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "@%_+=:,./-".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_no_character_that_a_terminal_acts_on_and_says_the_same() {
        let value = serde_json::json!({ "a\u{9b}31m": "b\u{7f}\u{202e}\u{e0001}\n\u{1b}\u{3164} grüße" });
        let text = safe_json(&value);
        assert!(text.chars().all(|character| character == '\n' || is_harmless(character)), "{text:?}");
        assert!(text.contains("\\u202e\\udb40\\udc01") && text.contains("grüße"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn what_would_deceive_a_reader_is_shown_as_a_number() {
        assert_eq!(Safe("grüße 日本語 ✓").to_string(), "grüße 日本語 ✓");
        assert_eq!(Safe("a\u{1b}[2Jb\r\n").to_string(), "a\\u{1b}[2Jb\\u{d}\\u{a}");
        assert_eq!(Safe("\u{202e}cod\u{200b}").to_string(), "\\u{202e}cod\\u{200b}");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"ü".repeat(1000)).chars().count(), MAX_CHARACTERS + 1);
    }

    #[test]
    fn words_for_a_shell() {
        assert_eq!(quoted("/srv/a.wasm"), "/srv/a.wasm");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("$(id)"), "'$(id)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
