//! A reply with what two right servers may answer differently taken out of it: the bytes of handles, the wording of
//! messages, the order of names, the sizes of directories, when they and links were last read (a listing may tell
//! before or after it has read, and who follows a link reads it), and how recent "just now" is.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use strongroom_tests::Reply;
use strongroom_tests::packet::{Attributes, Entry};

/// Times this near to the present are "now": nothing that a request sets is.
const NOW_SECONDS: u64 = 7 * 24 * 60 * 60;
/// What stands for them.
pub const NOW: u32 = 77;

#[derive(Clone, PartialEq, Eq)]
pub enum Seen {
    Status(u32),
    Handle,
    Data(Vec<u8>),
    Names(Vec<Entry>),
    Attributes(Attributes),
    Extended(Vec<u8>),
}

impl Seen {
    pub fn of(reply: &Reply) -> Self {
        match reply {
            Reply::Status(status) => Self::Status(status.code),
            Reply::Handle(_) => Self::Handle,
            Reply::Data(bytes) => Self::Data(bytes.clone()),
            Reply::Names(entries) => {
                let mut entries: Vec<Entry> = entries.iter().map(plain_entry).collect();
                entries.sort_by(|left, right| left.name.cmp(&right.name));
                Self::Names(entries)
            }
            Reply::Attributes(attributes) => Self::Attributes(plain(attributes)),
            Reply::Extended(bytes) => Self::Extended(bytes.clone()),
        }
    }

    /// The same with other long names.
    pub fn with_long_names(self, long_name: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let Self::Names(entries) = self else { return self };
        Self::Names(entries.into_iter().map(|entry| Entry { longname: long_name(&entry.name), ..entry }).collect())
    }

    /// Of the entry of this name; nothing if there is none.
    pub fn long_name(&self, name: &[u8]) -> Vec<u8> {
        let Self::Names(entries) = self else { return Vec::new() };
        entries.iter().find(|entry| entry.name == name).map_or_else(Vec::new, |entry| entry.longname.clone())
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |bytes: &[u8]| bytes.get(..80).unwrap_or(bytes).escape_ascii().to_string();
        match self {
            Self::Status(code) => write!(f, "status {code}"),
            Self::Handle => write!(f, "a handle"),
            Self::Data(bytes) => write!(f, "{} bytes \"{}\"", bytes.len(), shown(bytes)),
            Self::Names(entries) => {
                let name = |entry: &Entry| format!("\"{}\" {:?}", shown(&entry.longname), entry.attributes);
                f.debug_list().entries(entries.iter().map(name)).finish()
            }
            Self::Attributes(attributes) => write!(f, "{attributes:?}"),
            Self::Extended(bytes) => write!(f, "\"{}\"", shown(bytes)),
        }
    }
}

pub fn is_link(attributes: &Attributes) -> bool {
    attributes.permissions.is_some_and(|mode| mode & 0o170_000 == 0o120_000)
}

fn plain(attributes: &Attributes) -> Attributes {
    let size = if attributes.is_directory() { attributes.size.map(|_| 0) } else { attributes.size };
    let is_read_by_looking = attributes.is_directory() || is_link(attributes);
    let plain_access = |seconds| if is_read_by_looking { NOW } else { plain_time(seconds) };
    let times = attributes.times.map(|(accessed, modified)| (plain_access(accessed), plain_time(modified)));
    Attributes { size, times, ..attributes.clone() }
}

fn plain_time(seconds: u32) -> u32 {
    if is_now(seconds) { NOW } else { seconds }
}

fn is_now(seconds: u32) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now: Duration| now.as_secs());
    now.abs_diff(u64::from(seconds)) < NOW_SECONDS
}

fn plain_entry(entry: &Entry) -> Entry {
    // A resolved path or a target has no attributes, and its long name says the same.
    let is_bare = entry.attributes == Attributes::default();
    let longname = if is_bare { entry.name.clone() } else { plain_longname(entry) };
    Entry { name: entry.name.clone(), longname, attributes: plain(&entry.attributes) }
}

/// The columns in front of the date, and the date of what is not of now.
fn plain_longname(entry: &Entry) -> Vec<u8> {
    let Some(columns) = entry.longname.strip_suffix(entry.name.as_slice()) else { return entry.longname.clone() };
    let columns = String::from_utf8_lossy(columns).trim_end().to_owned();
    let (front, date) = columns.split_at(columns.len().saturating_sub(12));
    let (front, size) = front.trim_end().rsplit_once(' ').unwrap_or((front, ""));
    // Of a link it is the length of a target, which has a root in front of it where there is no jail.
    let size = if entry.attributes.is_directory() || is_link(&entry.attributes) { "" } else { size };
    let is_recent = entry.attributes.times.is_some_and(|(_, modified)| is_now(modified));
    let date = if is_recent { "now" } else { date };
    format!("{} {size} {date}", front.trim_end()).into_bytes()
}
