//! Attributes on the wire (draft-ietf-secsh-filexfer-02, section 5) and what they are to a storage.

use super::packet;
use super::wire::{Malformed, Reader, Writer, length_field};
use crate::storage::{AttributeChanges, Attributes, FileKind, Timestamp, escape, unescape};

/// Extended attributes of one file are left out of a reply when they are more than this many bytes.
const MAX_EXTENDED_BYTES: usize = 32 * 1024;

/// An owner that chown(2) takes for "leave it".
const SAME_OWNER: u32 = u32::MAX;

/// Attributes as a client sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentAttributes<'a> {
    pub size: Option<u64>,
    pub owner: Option<Owner>,
    pub permissions: Option<u32>,
    pub times: Option<Times>,
    pub extended: Vec<(&'a [u8], &'a [u8])>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// Seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub accessed: u32,
    pub modified: u32,
}

impl<'a> SentAttributes<'a> {
    pub fn parse(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let flags = reader.u32()?;
        let mut sent = Self::default();
        if flags & packet::ATTR_SIZE != 0 {
            sent.size = Some(reader.u64()?);
        }
        if flags & packet::ATTR_UIDGID != 0 {
            sent.owner = Some(Owner { uid: reader.u32()?, gid: reader.u32()? });
        }
        if flags & packet::ATTR_PERMISSIONS != 0 {
            sent.permissions = Some(reader.u32()?);
        }
        if flags & packet::ATTR_ACMODTIME != 0 {
            sent.times = Some(Times { accessed: reader.u32()?, modified: reader.u32()? });
        }
        if flags & packet::ATTR_EXTENDED != 0 {
            for _ in 0..reader.u32()? {
                sent.extended.push((reader.string()?, reader.string()?));
            }
        }
        Ok(sent)
    }

    /// The permission bits that a new file is to have: what was asked for or `default`, less the umask.
    pub fn creation_permissions(&self, default: u16, umask: u16) -> u16 {
        self.permissions.map_or(default, permission_bits) & !umask
    }

    pub fn to_changes(&self) -> AttributeChanges {
        let owner = |id: u32| (id != SAME_OWNER).then_some(id);
        AttributeChanges {
            size: self.size,
            permissions: self.permissions.map(permission_bits),
            uid: self.owner.and_then(|sent| owner(sent.uid)),
            gid: self.owner.and_then(|sent| owner(sent.gid)),
            accessed: self.times.map(|times| from_wire_seconds(times.accessed)),
            modified: self.times.map(|times| from_wire_seconds(times.modified)),
            extended: self.extended.iter().map(|(name, value)| (escape(name).into_owned(), value.to_vec())).collect(),
        }
    }
}

/// The twelve bits that chmod(2) takes; a file's kind cannot be changed.
fn permission_bits(mode: u32) -> u16 {
    u16::try_from(mode & 0o7777).unwrap_or_default()
}

/// Attributes as a client sees them. What a storage left out is filled in where clients rely on it: kind bits and a
/// mode always, and times, of which version 3 has both or none.
pub fn write(out: &mut Vec<u8>, attributes: &Attributes) {
    let owner = attributes.uid.zip(attributes.gid);
    let extended_bytes: usize = attributes.extended.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    let extended = (1..=MAX_EXTENDED_BYTES).contains(&extended_bytes);
    let mut flags = packet::ATTR_PERMISSIONS | packet::ATTR_ACMODTIME;
    flags |= if attributes.size.is_some() { packet::ATTR_SIZE } else { 0 };
    flags |= if owner.is_some() { packet::ATTR_UIDGID } else { 0 };
    flags |= if extended { packet::ATTR_EXTENDED } else { 0 };
    out.put_u32(flags);
    if let Some(size) = attributes.size {
        out.put_u64(size);
    }
    if let Some((uid, gid)) = owner {
        out.put_u32(uid);
        out.put_u32(gid);
    }
    out.put_u32(mode(attributes));
    let modified = modified_seconds(attributes);
    out.put_u32(attributes.accessed.map_or(modified, to_wire_seconds));
    out.put_u32(modified);
    if extended {
        out.put_u32(length_field(attributes.extended.len()));
        for (name, value) in &attributes.extended {
            out.put_string(&unescape(name));
            out.put_string(value);
        }
    }
}

/// Kind and permission bits, as st_mode has them.
pub fn mode(attributes: &Attributes) -> u32 {
    let permissions = attributes.permissions.unwrap_or(match attributes.kind {
        FileKind::Directory => 0o755,
        FileKind::Symlink => 0o777,
        _ => 0o644,
    });
    kind_bits(attributes.kind) | u32::from(permissions & 0o7777)
}

/// When it was modified, as the wire has it: the time of access stands in, and 1970 where nothing is known.
pub fn modified_seconds(attributes: &Attributes) -> u32 {
    attributes.modified.or(attributes.accessed).map_or(0, to_wire_seconds)
}

fn kind_bits(kind: FileKind) -> u32 {
    match kind {
        FileKind::Regular => 0o100_000,
        FileKind::Directory => 0o040_000,
        FileKind::Symlink => 0o120_000,
        FileKind::Fifo => 0o010_000,
        FileKind::CharacterDevice => 0o020_000,
        FileKind::BlockDevice => 0o060_000,
        FileKind::Socket => 0o140_000,
        FileKind::Other => 0,
    }
}

fn from_wire_seconds(seconds: u32) -> Timestamp {
    Timestamp { seconds: i64::from(seconds), nanoseconds: 0 }
}

/// Unsigned 32 bits of seconds: clamped, not wrapped.
fn to_wire_seconds(time: Timestamp) -> u32 {
    u32::try_from(time.seconds.clamp(0, i64::from(u32::MAX))).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(attributes: &Attributes) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, attributes);
        out
    }

    #[test]
    fn row_4_kind_bits_are_always_there() {
        for (kind, expected) in [
            (FileKind::Regular, 0o100_644),
            (FileKind::Directory, 0o040_755),
            (FileKind::Symlink, 0o120_777),
            (FileKind::Socket, 0o140_644),
        ] {
            assert_eq!(mode(&Attributes { kind, ..Attributes::default() }), expected);
            let bytes = written(&Attributes { kind, ..Attributes::default() });
            let sent = SentAttributes::parse(&mut Reader::new(&bytes)).unwrap();
            assert_eq!(sent.permissions, Some(expected));
        }
    }

    #[test]
    fn row_19_times_are_clamped() {
        let at = |seconds| to_wire_seconds(Timestamp { seconds, nanoseconds: 0 });
        assert_eq!(at(-1), 0);
        assert_eq!(at(i64::MIN), 0);
        assert_eq!(at(4_294_967_295), u32::MAX);
        assert_eq!(at(4_294_967_296), u32::MAX);
    }

    #[test]
    fn row_15_creation_permissions() {
        let asked = |permissions| SentAttributes { permissions, ..SentAttributes::default() };
        assert_eq!(asked(None).creation_permissions(0o666, 0o022), 0o644);
        assert_eq!(asked(Some(0o100_777)).creation_permissions(0o666, 0o022), 0o755);
    }

    #[test]
    fn an_owner_of_minus_one_stays() {
        let sent = SentAttributes { owner: Some(Owner { uid: u32::MAX, gid: 7 }), ..SentAttributes::default() };
        let changes = sent.to_changes();
        assert_eq!((changes.uid, changes.gid), (None, Some(7)));
    }

    #[test]
    fn a_huge_count_of_extended_attributes_is_malformed_at_once() {
        let mut bytes = packet::ATTR_EXTENDED.to_be_bytes().to_vec();
        bytes.put_u32(u32::MAX);
        assert_eq!(SentAttributes::parse(&mut Reader::new(&bytes)), Err(Malformed));
    }

    #[test]
    fn extended_attributes_that_are_too_large_are_left_out() {
        let large = Attributes { extended: vec![("a@b".into(), vec![0; MAX_EXTENDED_BYTES])], ..Attributes::default() };
        let bytes = written(&large);
        assert!(SentAttributes::parse(&mut Reader::new(&bytes)).unwrap().extended.is_empty());
    }

    proptest! {
        #[test]
        fn what_is_written_is_parsed(
            size: Option<u64>, owner: Option<(u32, u32)>, permissions in 0u16..0o10000, accessed: u32, modified: u32,
            extended in proptest::collection::vec(("[a-z]{1,5}@[a-z]{1,5}", any::<Vec<u8>>()), 0..3),
        ) {
            let attributes = Attributes {
                kind: FileKind::Regular,
                size,
                uid: owner.map(|owner| owner.0),
                gid: owner.map(|owner| owner.1),
                permissions: Some(permissions),
                accessed: Some(from_wire_seconds(accessed)),
                modified: Some(from_wire_seconds(modified)),
                extended: extended.clone(),
                ..Attributes::default()
            };
            let bytes = written(&attributes);
            let mut reader = Reader::new(&bytes);
            let sent = SentAttributes::parse(&mut reader).unwrap();
            prop_assert!(reader.is_empty());
            prop_assert_eq!(sent.size, size);
            prop_assert_eq!(sent.owner.map(|owner| (owner.uid, owner.gid)), owner);
            prop_assert_eq!(sent.permissions, Some(0o100_000 | u32::from(permissions)));
            prop_assert_eq!(sent.times, Some(Times { accessed, modified }));
            let extended: Vec<_> = extended.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect();
            prop_assert_eq!(sent.extended, extended);
        }
    }
}
