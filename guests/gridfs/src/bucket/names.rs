//! Which names in a bucket are paths, and which part of the index is beneath a path.
//!
//! The path `/a/b` of a client is the file name `a/b`. A file name that no path can be (one that begins or ends with '/',
//! with an empty component, '.', '..' or NUL) is not shown, and makes no directory; nothing changes it either.

use bson::{Bson, Document, doc};
use strongroom_guest::{ErrorCode, path};

/// As of most file systems, in bytes of what the client sent.
const COMPONENT_BYTES_MAX: usize = 255;
/// What an index of an old server takes, with something to spare.
const NAME_BYTES_MAX: usize = 1000;

/// The file name that a path stands for.
pub fn filename(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// Whether a path may be given to something new.
pub fn check_new(path: &str) -> Result<(), ErrorCode> {
    // A private-use character that stands for one byte counts as one, as it is for the client.
    let bytes = |name: &str| name.chars().map(|c| if is_escape(c) { 1 } else { c.len_utf8() }).sum::<usize>();
    if path.len() > NAME_BYTES_MAX || path::components(path).any(|name| bytes(name) > COMPONENT_BYTES_MAX) {
        Err(ErrorCode::NameTooLong)
    } else {
        Ok(())
    }
}

fn is_escape(character: char) -> bool {
    matches!(character, '\u{EF80}'..='\u{EFFF}')
}

/// Why a file name is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPath {
    /// Only this one.
    Itself,
    /// None that begins with so many bytes of it is.
    Prefix(usize),
}

/// Checks that a file name is a path.
pub fn check(name: &str) -> Result<(), NoPath> {
    let mut start = 0;
    for component in name.split('/') {
        let end = start + component.len();
        if matches!(component, "" | "." | "..") || component.contains('\0') {
            return Err(if end == name.len() { NoPath::Itself } else { NoPath::Prefix(end + 1) });
        }
        start = end + 1;
    }
    Ok(())
}

/// Strings from `lower` on that are below `upper`: what stands beneath a directory in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first; not in the range itself, since it ends with the '/' behind which a name begins.
    pub lower: String,
    /// The first one past it; without it, all strings.
    pub upper: Option<String>,
}

impl Range {
    /// The file names beneath the directory `path`.
    pub fn of_files(path: &str) -> Self {
        match filename(path) {
            "" => Self { lower: String::new(), upper: None },
            name => Self::beneath(name),
        }
    }

    /// The paths beneath the directory `path`.
    pub fn of_paths(path: &str) -> Self {
        Self::beneath(path.strip_suffix('/').unwrap_or(path))
    }

    fn beneath(name: &str) -> Self {
        // '0' comes right after '/'.
        Self { lower: format!("{name}/"), upper: Some(format!("{name}0")) }
    }

    /// As a condition on a field.
    pub fn condition(&self) -> Bson {
        let mut condition: Document = doc! { "$gt": &self.lower };
        if let Some(upper) = &self.upper {
            condition.insert("$lt", upper);
        }
        condition.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_a_path() {
        for name in ["a", "a/b", "a.b/..c", " ", "a\\b", "\u{EF80}"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for (name, why) in [
            ("", NoPath::Itself),
            ("/", NoPath::Prefix(1)),
            ("/a", NoPath::Prefix(1)),
            ("a/", NoPath::Itself),
            ("a//b", NoPath::Prefix(3)),
            ("a/./b", NoPath::Prefix(4)),
            ("..", NoPath::Itself),
            ("a/..", NoPath::Itself),
            ("a\0/b", NoPath::Prefix(3)),
        ] {
            assert_eq!(check(name), Err(why), "{name:?}");
        }
    }

    #[test]
    fn names_are_measured_as_the_client_sent_them() {
        assert_eq!(check_new(&format!("/{}", "x".repeat(255))), Ok(()));
        assert_eq!(check_new(&format!("/{}", "x".repeat(256))), Err(ErrorCode::NameTooLong));
        assert_eq!(check_new(&format!("/{}", "\u{EF80}".repeat(255))), Ok(()));
        assert_eq!(check_new(&"/x".repeat(501)), Err(ErrorCode::NameTooLong));
    }

    proptest! {
        #[test]
        fn a_range_holds_what_is_beneath_and_nothing_else(directory in "[a0/.-]{1,4}", name in "[a0/.-]{1,6}") {
            let range = Range::of_files(&format!("/{directory}"));
            let is_in = name > range.lower && range.upper.as_ref().is_none_or(|upper| name < *upper);
            prop_assert_eq!(is_in, name.starts_with(&format!("{directory}/")) && name.len() > directory.len() + 1);
        }
    }
}
