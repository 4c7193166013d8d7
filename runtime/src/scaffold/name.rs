//! What a new storage may be called: one name for a crate, an npm package, a Python module and a command.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// As crates.io has it; npm and file systems take more.
const LENGTH_MAX: usize = 64;

/// Words that mean something else to one of those who read the name: Rust, Python, JavaScript, C or a shell; and what a
/// crate or a package of this name would stand in the way of.
const TAKEN: [&str; 141] = [
    "abstract",
    "alias",
    "alloc",
    "and",
    "arguments",
    "as",
    "assert",
    "async",
    "auto",
    "await",
    "become",
    "bg",
    "bool",
    "box",
    "break",
    "build",
    "builtin",
    "case",
    "catch",
    "cd",
    "char",
    "class",
    "command",
    "const",
    "continue",
    "core",
    "crate",
    "debugger",
    "declare",
    "def",
    "default",
    "del",
    "delete",
    "deps",
    "do",
    "done",
    "double",
    "dyn",
    "echo",
    "elif",
    "else",
    "enum",
    "esac",
    "eval",
    "examples",
    "except",
    "exec",
    "exit",
    "export",
    "extends",
    "extern",
    "false",
    "fg",
    "fi",
    "final",
    "finally",
    "float",
    "fn",
    "for",
    "from",
    "function",
    "gen",
    "getopts",
    "global",
    "goto",
    "hash",
    "help",
    "history",
    "if",
    "impl",
    "implements",
    "import",
    "in",
    "incremental",
    "inline",
    "instanceof",
    "int",
    "interface",
    "is",
    "jobs",
    "kill",
    "lambda",
    "let",
    "local",
    "logout",
    "long",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "new",
    "node_modules",
    "nonlocal",
    "not",
    "null",
    "or",
    "override",
    "package",
    "pass",
    "printf",
    "priv",
    "private",
    "proc_macro",
    "protected",
    "public",
    "pub",
    "pwd",
    "raise",
    "read",
    "ref",
    "register",
    "return",
    "self",
    "set",
    "shift",
    "short",
    "signed",
    "sizeof",
    "source",
    "static",
    "std",
    "storage",
    "strongroom",
    "struct",
    "super",
    "switch",
    "test",
    "then",
    "this",
    "throw",
    "time",
    "trait",
    "trap",
    "true",
    "try",
    "type",
    "typedef",
    "typeof",
    "ulimit",
];

/// A name that a crate, an npm package, a Python module and a command can all have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectName(String);

/// Why a word is no such name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// It has characters that one of them refuses.
    #[error(
        "{0:?} cannot be a crate, an npm package, a Python module and a command at once; \
         begin with one of a to z, go on with a to z, 0 to 9 and _, 64 at most, as in: strongroom new my_storage"
    )]
    Characters(String),
    /// It means something else.
    #[error("{0:?} means something else to a compiler or a shell; add a word, as in: strongroom new {0}_files")]
    Taken(String),
}

impl ProjectName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins_well = text.starts_with(|first: char| first.is_ascii_lowercase());
        if !begins_well || !text.bytes().all(is_plain) || text.len() > LENGTH_MAX {
            return Err(NameError::Characters(text.to_owned()));
        }
        if TAKEN.contains(&text) || text.starts_with("strongroom_") {
            return Err(NameError::Taken(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_names() {
        for name in ["shelf", "a", "s3", "photo_shelf", "x_1", "v8", &"a".repeat(64)] {
            assert_eq!(name.parse::<ProjectName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_one_of_them_refuses_is_none() {
        let long = "a".repeat(65);
        for name in
            ["", "Shelf", "my-shelf", "1st", "_shelf", "my shelf", "../up", "/shelf", ".", "größe", "a.b", "-h", &long]
        {
            let error = name.parse::<ProjectName>().unwrap_err();
            assert_eq!(error, NameError::Characters(name.to_owned()));
            assert!(!error.to_string().contains('\n') && error.to_string().contains("strongroom new"));
        }
        for name in ["class", "fn", "test", "core", "std", "strongroom", "strongroom_guest", "if", "cd", "node_modules"]
        {
            let error = name.parse::<ProjectName>().unwrap_err();
            assert_eq!(error, NameError::Taken(name.to_owned()));
            assert!(error.to_string().ends_with(&format!("strongroom new {name}_files")));
        }
    }

    #[test]
    fn no_word_is_there_twice() {
        let mut words = TAKEN.to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), TAKEN.len());
    }
}
