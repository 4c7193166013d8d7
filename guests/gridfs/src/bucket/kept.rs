//! What SFTP knows of a file or directory and GridFS does not: permissions, owners and times, kept in a document of ours.

use bson::{Bson, DateTime, Document, RawDocument, doc};
use strongroom_guest::{AttributeChanges, Attributes, Timestamp};

/// What is kept; what was never set is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The bits 0o7777.
    pub permissions: Option<u16>,
    /// The owner.
    pub uid: Option<u32>,
    /// The group.
    pub gid: Option<u32>,
    /// The time of the last access, as a client set it.
    pub accessed: Option<DateTime>,
    /// The time of the last change, as a client set it.
    pub modified: Option<DateTime>,
}

impl Kept {
    /// What is new, with these permissions.
    pub fn with_permissions(permissions: u16) -> Self {
        Self { permissions: Some(permissions & 0o7777), ..Self::default() }
    }

    /// What such a document says; what it does not say right, it does not say.
    pub fn read(document: &RawDocument) -> Self {
        let number = |key| crate::database::integer(document, key);
        Self {
            permissions: number("permissions").and_then(|bits| u16::try_from(bits & 0o7777).ok()),
            uid: number("uid").and_then(|uid| uid.try_into().ok()),
            gid: number("gid").and_then(|gid| gid.try_into().ok()),
            accessed: document.get_datetime("accessed").ok(),
            modified: document.get_datetime("modified").ok(),
        }
    }

    /// The document.
    pub fn to_document(&self) -> Document {
        let mut document = doc! {};
        let fields: [(&str, Option<Bson>); 5] = [
            ("permissions", self.permissions.map(|bits| i32::from(bits).into())),
            ("uid", self.uid.map(|uid| i64::from(uid).into())),
            ("gid", self.gid.map(|gid| i64::from(gid).into())),
            ("accessed", self.accessed.map(Bson::DateTime)),
            ("modified", self.modified.map(Bson::DateTime)),
        ];
        document.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        document
    }

    /// What a client asked to change, the size aside.
    pub fn of_changes(changes: &AttributeChanges) -> Self {
        Self {
            permissions: changes.permissions.map(|bits| bits & 0o7777),
            uid: changes.uid,
            gid: changes.gid,
            accessed: changes.accessed.map(date),
            modified: changes.modified.map(date),
        }
    }

    /// This, and where it says nothing, `other`.
    pub fn or(self, other: Self) -> Self {
        Self {
            permissions: self.permissions.or(other.permissions),
            uid: self.uid.or(other.uid),
            gid: self.gid.or(other.gid),
            accessed: self.accessed.or(other.accessed),
            modified: self.modified.or(other.modified),
        }
    }

    /// The same without times, which new contents end.
    pub fn without_times(self) -> Self {
        Self { accessed: None, modified: None, ..self }
    }

    /// Fills in what it says; `modified` is the time unless a client set one.
    pub fn describe(&self, attributes: Attributes, modified: Option<DateTime>) -> Attributes {
        let modified = self.modified.or(modified);
        Attributes {
            permissions: self.permissions,
            uid: self.uid,
            gid: self.gid,
            accessed: self.accessed.or(modified).map(timestamp),
            modified: modified.map(timestamp),
            ..attributes
        }
    }
}

/// To a millisecond, as BSON has it.
fn date(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.seconds.saturating_mul(1000).saturating_add(i64::from(time.nanoseconds / 1_000_000)))
}

fn timestamp(date: DateTime) -> Timestamp {
    let milliseconds = date.timestamp_millis();
    let nanoseconds = u32::try_from(milliseconds.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
    Timestamp { seconds: milliseconds.div_euclid(1000), nanoseconds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::RawDocumentBuf;

    #[test]
    fn what_is_kept_is_read_again() {
        let kept = Kept {
            permissions: Some(0o4755),
            uid: Some(u32::MAX),
            gid: Some(0),
            accessed: Some(DateTime::from_millis(-1)),
            modified: Some(DateTime::from_millis(1_700_000_000_999)),
        };
        let raw = RawDocumentBuf::try_from(&kept.to_document()).unwrap();
        assert_eq!(Kept::read(&raw), kept);
        let raw = RawDocumentBuf::try_from(&Kept::default().to_document()).unwrap();
        assert_eq!(Kept::read(&raw), Kept::default());
    }

    #[test]
    fn what_others_wrote_there_is_no_failure() {
        let odd = doc! { "permissions": 0o100644_i64, "uid": -1, "gid": "x", "modified": 7, "accessed": Bson::Null };
        let raw = RawDocumentBuf::try_from(&odd).unwrap();
        assert_eq!(Kept::read(&raw), Kept::with_permissions(0o644));
    }

    #[test]
    fn times_before_1970_count_forward() {
        assert_eq!(timestamp(DateTime::from_millis(-1)), Timestamp { seconds: -1, nanoseconds: 999_000_000 });
        assert_eq!(date(Timestamp { seconds: -1, nanoseconds: 999_000_000 }), DateTime::from_millis(-1));
        assert_eq!(date(Timestamp::from_seconds(i64::MAX)), DateTime::from_millis(i64::MAX));
    }
}
