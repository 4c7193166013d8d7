//! Attributes from what a storage knows, what a client's changes make of them, and what it opens a file for.

use crate::types::{AttributeChanges, Attributes, ErrorCode, FileKind, OpenFlags, Timestamp, Usage};
use alloc::vec;

impl Attributes {
    /// Something of this kind of which nothing more is known. The host fills in what a client must see.
    pub fn new(kind: FileKind) -> Self {
        Self {
            kind,
            size: None,
            permissions: None,
            uid: None,
            gid: None,
            user: None,
            group: None,
            accessed: None,
            modified: None,
            link_count: None,
            extended: vec![],
        }
    }

    /// A regular file of `size` bytes.
    pub fn file(size: u64) -> Self {
        Self { size: Some(size), ..Self::new(FileKind::Regular) }
    }

    /// A directory.
    pub fn directory() -> Self {
        Self::new(FileKind::Directory)
    }

    /// A symbolic link to `target`.
    pub fn symlink(target: &str) -> Self {
        Self { size: Some(target.len() as u64), ..Self::new(FileKind::Symlink) }
    }

    /// The same with permissions, of which the bits 0o7777 count.
    pub fn with_permissions(self, permissions: u16) -> Self {
        Self { permissions: Some(permissions & 0o7777), ..self }
    }

    /// The same with the time of the last change.
    pub fn with_modified(self, modified: impl Into<Timestamp>) -> Self {
        Self { modified: Some(modified.into()), ..self }
    }

    /// Whether this is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// For what needs a directory: refuses anything else.
    ///
    /// # Errors
    ///
    /// `not-a-directory`.
    pub fn require_directory(&self) -> Result<(), ErrorCode> {
        if self.is_directory() { Ok(()) } else { Err(ErrorCode::NotADirectory) }
    }

    /// For what needs anything but a directory.
    ///
    /// # Errors
    ///
    /// `is-a-directory`.
    pub fn refuse_directory(&self) -> Result<(), ErrorCode> {
        if self.is_directory() { Err(ErrorCode::IsADirectory) } else { Ok(()) }
    }

    /// Takes over permissions, owner and times from `changes`. The size is the storage's to change, with the bytes.
    ///
    /// # Errors
    ///
    /// `unsupported` for extended attributes, after everything else, as the contract orders it.
    pub fn apply(&mut self, changes: &AttributeChanges) -> Result<(), ErrorCode> {
        self.permissions = changes.permissions.map(|permissions| permissions & 0o7777).or(self.permissions);
        self.accessed = changes.accessed.or(self.accessed);
        self.modified = changes.modified.or(self.modified);
        self.uid = changes.uid.or(self.uid);
        self.gid = changes.gid.or(self.gid);
        if changes.extended.is_empty() { Ok(()) } else { Err(ErrorCode::Unsupported) }
    }
}

impl AttributeChanges {
    /// No change at all.
    pub const NONE: Self =
        Self { size: None, permissions: None, uid: None, gid: None, accessed: None, modified: None, extended: vec![] };

    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

impl OpenFlags {
    /// For a storage that does not change: refuses to open for anything but reading.
    ///
    /// # Errors
    ///
    /// `read-only`.
    pub fn only_read(self) -> Result<(), ErrorCode> {
        if self == Self::READ { Ok(()) } else { Err(ErrorCode::ReadOnly) }
    }

    /// Whether to create the file, by whether something `is_there`.
    ///
    /// # Errors
    ///
    /// `already-exists` for what is there and must not, `no-such-file` for what is missing and must not.
    pub fn must_create(self, is_there: bool) -> Result<bool, ErrorCode> {
        match is_there {
            true if self.contains(Self::EXCLUSIVE) => Err(ErrorCode::AlreadyExists),
            false if !self.contains(Self::CREATE) => Err(ErrorCode::NoSuchFile),
            _ => Ok(!is_there),
        }
    }
}

impl Usage {
    /// How full a storage of `capacity` bytes is of which `free` are left, with names of up to 255 bytes. Files are not
    /// counted.
    pub fn of_bytes(capacity: u64, free: u64) -> Self {
        const BLOCK: u64 = 4096;
        Self {
            block_size: BLOCK,
            fragment_size: BLOCK,
            blocks: capacity / BLOCK,
            blocks_free: free / BLOCK,
            blocks_available: free / BLOCK,
            files: 0,
            files_free: 0,
            files_available: 0,
            filesystem_id: 0,
            read_only: false,
            no_setuid: true,
            name_max: 255,
        }
    }
}

impl Default for AttributeChanges {
    fn default() -> Self {
        Self::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_is_not_changed_stays() {
        let mut attributes = Attributes::file(3).with_permissions(0o100_644).with_modified(Timestamp::from_seconds(7));
        attributes.apply(&AttributeChanges::NONE).unwrap();
        assert_eq!(attributes, Attributes::file(3).with_permissions(0o644).with_modified(Timestamp::from_seconds(7)));
        attributes.apply(&AttributeChanges { permissions: Some(0o600), ..AttributeChanges::NONE }).unwrap();
        assert_eq!((attributes.permissions, attributes.modified), (Some(0o600), Some(Timestamp::from_seconds(7))));
    }

    #[test]
    fn directories_are_required_or_refused() {
        let (directory, link) = (Attributes::directory(), Attributes::symlink("directory"));
        assert_eq!((directory.require_directory(), link.refuse_directory()), (Ok(()), Ok(())));
        assert_eq!(directory.refuse_directory(), Err(ErrorCode::IsADirectory));
        assert_eq!(link.require_directory(), Err(ErrorCode::NotADirectory));
    }

    #[test]
    fn flags_say_whether_a_file_is_created() {
        let (old, new) = (OpenFlags::WRITE, OpenFlags::WRITE | OpenFlags::CREATE);
        assert_eq!((old.must_create(true), old.must_create(false)), (Ok(false), Err(ErrorCode::NoSuchFile)));
        assert_eq!((new.must_create(true), new.must_create(false)), (Ok(false), Ok(true)));
        let exclusive = new | OpenFlags::EXCLUSIVE;
        assert_eq!(
            (exclusive.must_create(true), exclusive.must_create(false)),
            (Err(ErrorCode::AlreadyExists), Ok(true))
        );
    }

    #[test]
    fn extended_attributes_fail_after_the_rest() {
        let extended = vec![("tag@example".to_string(), vec![1])];
        let changes = AttributeChanges { uid: Some(7), extended, ..AttributeChanges::NONE };
        assert!(!changes.is_empty() && AttributeChanges::default().is_empty());
        let mut attributes = Attributes::directory();
        assert_eq!(attributes.apply(&changes), Err(ErrorCode::Unsupported));
        assert_eq!(attributes.uid, Some(7));
    }
}
