//! The long form of a directory entry: a line of `ls -l`, which FileZilla, WinSCP and people read.

use super::attributes::{mode, modified_seconds};
use super::calendar::Moment;
use super::options::Names;
use crate::storage::{Attributes, FileKind};
use std::borrow::Cow;
use std::io::Write;

/// Older than this, or in the future, a file is shown with its year and not its time.
const RECENT_SECONDS: i64 = 365 * 24 * 60 * 60 / 2;

/// A guest's names of owners are taken up to this length.
const MAX_OWNER_BYTES: usize = 64;

/// What long names depend on beside the entry.
#[derive(Clone, Copy)]
pub struct Style<'a> {
    pub now_seconds: i64,
    pub utc_offset_seconds: i32,
    pub names: Option<&'a dyn Names>,
}

/// Appends the line for `name` to `out`, in the columns that OpenSSH's server uses.
pub fn write(out: &mut Vec<u8>, name: &[u8], attributes: &Attributes, style: Style<'_>) {
    let mode = mode_text(attributes);
    let links = attributes.link_count.unwrap_or(1);
    let user = owner(attributes.user.as_deref(), attributes.uid, |uid| style.names?.user(uid));
    let group = owner(attributes.group.as_deref(), attributes.gid, |gid| style.names?.group(gid));
    let size = attributes.size.unwrap_or(0);
    // Writing into memory does not fail.
    let _ = write!(out, "{mode}  {links:>3} {user:<8} {group:<8} {size:>8} ");
    let modified = i64::from(modified_seconds(attributes));
    let moment = Moment::new(modified, style.utc_offset_seconds);
    let age = style.now_seconds.saturating_sub(modified);
    let _ = if (0..RECENT_SECONDS).contains(&age) {
        write!(out, "{} ", moment.with_time())
    } else {
        write!(out, "{} ", moment.with_year())
    };
    out.extend_from_slice(name);
}

/// The storage's name, else the operator's, else the number. A name that would break the columns is no name.
fn owner(given: Option<&str>, id: Option<u32>, look_up: impl Fn(u32) -> Option<String>) -> Cow<'_, str> {
    if let Some(name) = given.filter(|name| is_column(name)) {
        return Cow::Borrowed(name);
    }
    let known = id.and_then(look_up).filter(|name| is_column(name));
    Cow::Owned(known.unwrap_or_else(|| id.unwrap_or(0).to_string()))
}

fn is_column(name: &str) -> bool {
    (1..=MAX_OWNER_BYTES).contains(&name.len()) && !name.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// The ten characters that strmode(3) gives.
fn mode_text(attributes: &Attributes) -> String {
    let kind = match attributes.kind {
        FileKind::Regular => '-',
        FileKind::Directory => 'd',
        FileKind::Symlink => 'l',
        FileKind::Fifo => 'p',
        FileKind::CharacterDevice => 'c',
        FileKind::BlockDevice => 'b',
        FileKind::Socket => 's',
        FileKind::Other => '?',
    };
    let mode = mode(attributes);
    let bit = |mask: u32, letter: char| if mode & mask == 0 { '-' } else { letter };
    let execute = |mask: u32, special: u32, both: char, alone: char| match (mode & special != 0, mode & mask != 0) {
        (true, true) => both,
        (true, false) => alone,
        (false, true) => 'x',
        (false, false) => '-',
    };
    [
        kind,
        bit(0o400, 'r'),
        bit(0o200, 'w'),
        execute(0o100, 0o4000, 's', 'S'),
        bit(0o040, 'r'),
        bit(0o020, 'w'),
        execute(0o010, 0o2000, 's', 'S'),
        bit(0o004, 'r'),
        bit(0o002, 'w'),
        execute(0o001, 0o1000, 't', 'T'),
    ]
    .into_iter()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Timestamp;

    struct Someone;

    impl Names for Someone {
        fn user(&self, uid: u32) -> Option<String> {
            (uid == 1000).then(|| "alice".to_owned())
        }

        fn group(&self, _gid: u32) -> Option<String> {
            None
        }
    }

    fn line(attributes: &Attributes, names: Option<&dyn Names>) -> String {
        let mut out = Vec::new();
        let style = Style { now_seconds: 1_700_000_000, utc_offset_seconds: 0, names };
        write(&mut out, b"a file", attributes, style);
        String::from_utf8(out).unwrap()
    }

    fn file() -> Attributes {
        Attributes {
            kind: FileKind::Regular,
            size: Some(5_368_709_120),
            permissions: Some(0o644),
            uid: Some(1000),
            gid: Some(100),
            link_count: Some(2),
            modified: Some(Timestamp { seconds: 1_699_999_000, nanoseconds: 0 }),
            ..Attributes::default()
        }
    }

    #[test]
    fn row_3_a_line_of_ls() {
        assert_eq!(line(&file(), None), "-rw-r--r--    2 1000     100      5368709120 Nov 14 21:56 a file");
    }

    #[test]
    fn old_and_future_files_show_their_year() {
        for (seconds, expected) in [(0, "Jan  1  1970"), (1_700_000_001, "Nov 14  2023")] {
            let modified = Some(Timestamp { seconds, nanoseconds: 0 });
            assert!(line(&Attributes { modified, ..file() }, None).contains(expected));
        }
    }

    #[test]
    fn names_of_owners() {
        assert!(line(&file(), Some(&Someone)).contains(" alice    100      "));
        let given = Attributes { user: Some("bob".into()), ..file() };
        assert!(line(&given, Some(&Someone)).contains(" bob      100      "));
    }

    #[test]
    fn a_guests_owner_cannot_break_the_columns() {
        for user in ["a b", "a\nb", "", "\x1b[2J", &"x".repeat(100)] {
            assert!(line(&Attributes { user: Some(user.into()), ..file() }, None).contains(" 1000     100      "));
        }
    }

    #[test]
    fn modes() {
        for (kind, permissions, expected) in [
            (FileKind::Directory, 0o1777, "drwxrwxrwt"),
            (FileKind::Directory, 0o1776, "drwxrwxrwT"),
            (FileKind::Regular, 0o4755, "-rwsr-xr-x"),
            (FileKind::Regular, 0o2644, "-rw-r-Sr--"),
            (FileKind::Symlink, 0o777, "lrwxrwxrwx"),
            (FileKind::Fifo, 0, "p---------"),
        ] {
            let attributes = Attributes { kind, permissions: Some(permissions), ..Attributes::default() };
            assert_eq!(mode_text(&attributes), expected);
        }
    }
}
