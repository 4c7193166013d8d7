//! A client that calls a storage without a host between them.

use crate::{
    AttributeChanges, Attributes, Client as Who, Directory, DirectoryEntry, Ending, Features, File, OpenFlags, Result,
    Session, Settings, Storage, Usage, connect,
};
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use pollster::block_on;

/// How many entries are asked for at once: few, so that a test meets more than one batch.
const BATCH: u32 = 3;
/// The bytes that are moved at once.
const STEP: u32 = 32 << 10;

/// A client of the storage `S`, in the same process. Paths may be relative and hold '..', as from a client of SFTP: they
/// are resolved before the storage sees them.
///
/// It checks what the host checks: a storage that returns more than was asked for, a name that is none or a path that is
/// not normalised makes it panic.
pub struct Client<S: Storage> {
    session: S::Session,
    features: Features,
    home: String,
}

/// A file that a [`Client`] has open.
pub struct OpenFile<F>(F);

impl<S: Storage> Client<S> {
    /// Connects as the user `alice`.
    ///
    /// # Errors
    ///
    /// Those of [`Storage::connect`], and a setting that it did not take.
    pub fn connect(settings: &[(&str, &str)]) -> Result<Self> {
        let who = Who { user: "alice".to_string(), address: None, session_id: "test".to_string(), notes: vec![] };
        Self::connect_as(who, settings)
    }

    /// Connects as whom you say.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub fn connect_as(who: Who, settings: &[(&str, &str)]) -> Result<Self> {
        let connected = block_on(connect::<S>(who, Settings::new(settings.iter().copied())))?;
        assert_normal("home", &connected.home);
        Ok(Self { session: connected.session, features: connected.features, home: connected.home })
    }

    /// What the storage says it can do.
    pub fn features(&self) -> Features {
        self.features
    }

    /// The session, for calls that are to overlap.
    pub fn session(&self) -> &S::Session {
        &self.session
    }

    /// Opens a file, with the permissions 0o644 if that creates it.
    ///
    /// # Errors
    ///
    /// Those of [`Session::open`].
    pub fn open(&self, path: &str, flags: OpenFlags) -> Result<OpenFile<<S::Session as Session>::File>> {
        block_on(self.session.open(&self.resolve(path), flags, 0o644)).map(OpenFile)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// Those of opening, reading and closing.
    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        let file = self.open(path, OpenFlags::READ)?;
        let mut bytes = vec![];
        loop {
            let more = file.read(bytes.len() as u64, STEP)?;
            if more.is_empty() {
                return file.close().map(|()| bytes);
            }
            bytes.extend(more);
        }
    }

    /// Makes a file of these bytes, or replaces one.
    ///
    /// # Errors
    ///
    /// Those of opening, writing and closing.
    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        let file = self.open(path, OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE)?;
        for (step, part) in bytes.as_ref().chunks(STEP as usize).enumerate() {
            file.write(step as u64 * u64::from(STEP), part)?;
        }
        file.close()
    }

    /// The entries of a directory, in the order of their names.
    ///
    /// # Errors
    ///
    /// Those of opening and reading.
    pub fn list(&self, path: &str) -> Result<Vec<DirectoryEntry>> {
        block_on(async {
            let directory = self.session.open_directory(&self.resolve(path)).await?;
            let mut entries: Vec<DirectoryEntry> = vec![];
            loop {
                let more = directory.read(BATCH).await?;
                assert!(more.len() <= BATCH as usize, "{} entries where {BATCH} were asked for", more.len());
                if more.is_empty() {
                    break;
                }
                entries.extend(more);
            }
            directory.close().await;
            entries.sort_by(|one, other| one.name.cmp(&other.name));
            entries.iter().for_each(|entry| assert_name(&entry.name));
            Ok(entries)
        })
    }

    /// The names in a directory, in order.
    ///
    /// # Errors
    ///
    /// As [`Client::list`].
    pub fn names(&self, path: &str) -> Result<Vec<String>> {
        Ok(self.list(path)?.into_iter().map(|entry| entry.name).collect())
    }

    /// What is at `path`, links followed.
    ///
    /// # Errors
    ///
    /// Those of [`Session::stat`].
    pub fn stat(&self, path: &str) -> Result<Attributes> {
        block_on(self.session.stat(&self.resolve(path), true))
    }

    /// What is at `path`, a link itself.
    ///
    /// # Errors
    ///
    /// Those of [`Session::stat`].
    pub fn stat_link(&self, path: &str) -> Result<Attributes> {
        block_on(self.session.stat(&self.resolve(path), false))
    }

    /// Changes attributes, links followed.
    ///
    /// # Errors
    ///
    /// Those of [`Session::set_stat`].
    pub fn set_stat(&self, path: &str, changes: AttributeChanges) -> Result<()> {
        block_on(self.session.set_stat(&self.resolve(path), true, changes))
    }

    /// The path without links.
    ///
    /// # Errors
    ///
    /// Those of [`Session::real_path`].
    pub fn real_path(&self, path: &str) -> Result<String> {
        let real = block_on(self.session.real_path(&self.resolve(path)))?;
        assert_normal("real path", &real);
        Ok(real)
    }

    /// Makes a directory with the permissions 0o755.
    ///
    /// # Errors
    ///
    /// Those of [`Session::make_directory`].
    pub fn make_directory(&self, path: &str) -> Result<()> {
        block_on(self.session.make_directory(&self.resolve(path), 0o755))
    }

    /// Removes a directory.
    ///
    /// # Errors
    ///
    /// Those of [`Session::remove_directory`].
    pub fn remove_directory(&self, path: &str) -> Result<()> {
        block_on(self.session.remove_directory(&self.resolve(path)))
    }

    /// Removes a file or a link.
    ///
    /// # Errors
    ///
    /// Those of [`Session::remove`].
    pub fn remove(&self, path: &str) -> Result<()> {
        block_on(self.session.remove(&self.resolve(path)))
    }

    /// Renames.
    ///
    /// # Errors
    ///
    /// Those of [`Session::rename`].
    pub fn rename(&self, source: &str, destination: &str, replace: bool) -> Result<()> {
        block_on(self.session.rename(&self.resolve(source), &self.resolve(destination), replace))
    }

    /// The target of a link.
    ///
    /// # Errors
    ///
    /// Those of [`Session::read_link`].
    pub fn read_link(&self, path: &str) -> Result<String> {
        block_on(self.session.read_link(&self.resolve(path)))
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    ///
    /// Those of [`Session::symlink`].
    pub fn symlink(&self, target: &str, path: &str) -> Result<()> {
        block_on(self.session.symlink(target, &self.resolve(path)))
    }

    /// Makes a hard link.
    ///
    /// # Errors
    ///
    /// Those of [`Session::hard_link`].
    pub fn hard_link(&self, existing: &str, path: &str) -> Result<()> {
        block_on(self.session.hard_link(&self.resolve(existing), &self.resolve(path)))
    }

    /// How full the storage is.
    ///
    /// # Errors
    ///
    /// Those of [`Session::usage`].
    pub fn usage(&self, path: &str) -> Result<Usage> {
        block_on(self.session.usage(&self.resolve(path)))
    }

    /// The end of the session.
    ///
    /// # Errors
    ///
    /// Those of [`Session::close`].
    pub fn close(self) -> Result<()> {
        block_on(self.session.close())
    }

    /// A client's path as the host passes it on: absolute, without '.', '..' and empty components.
    fn resolve(&self, path: &str) -> String {
        let start = if path.starts_with('/') { "" } else { &self.home };
        let mut names = vec![];
        for component in start.split('/').chain(path.split('/')) {
            match component {
                "" | "." => {}
                ".." => drop(names.pop()),
                name => names.push(name),
            }
        }
        alloc::format!("/{}", names.join("/"))
    }
}

impl<F: File> OpenFile<F> {
    /// Up to `length` bytes from `offset` on; none at the end.
    ///
    /// # Errors
    ///
    /// Those of [`File::read`].
    pub fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        let bytes = block_on(self.0.read(offset, length))?;
        assert!(bytes.len() <= length as usize, "{} bytes where {length} were asked for", bytes.len());
        Ok(bytes)
    }

    /// Writes all of `data`.
    ///
    /// # Errors
    ///
    /// Those of [`File::write`].
    pub fn write(&self, offset: u64, data: impl AsRef<[u8]>) -> Result<()> {
        block_on(self.0.write(offset, data.as_ref()))
    }

    /// What is open.
    ///
    /// # Errors
    ///
    /// Those of [`File::stat`].
    pub fn stat(&self) -> Result<Attributes> {
        block_on(self.0.stat())
    }

    /// Changes attributes of what is open.
    ///
    /// # Errors
    ///
    /// Those of [`File::set_stat`].
    pub fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
        block_on(self.0.set_stat(changes))
    }

    /// Copies to another open file, until `length` bytes or all were copied.
    ///
    /// # Errors
    ///
    /// Those of [`File::copy_range`].
    pub fn copy(&self, offset: u64, length: Option<u64>, destination: &Self, destination_offset: u64) -> Result<u64> {
        let mut copied = 0;
        loop {
            let rest = length.map(|length| length - copied);
            let step = self.0.copy_range(offset + copied, rest, &destination.0, destination_offset + copied);
            let step = block_on(step)?;
            copied += step;
            assert!(length.is_none_or(|length| copied <= length), "{copied} bytes copied, more than were asked for");
            if step == 0 || Some(copied) == length {
                return Ok(copied);
            }
        }
    }

    /// Makes what was written safe.
    ///
    /// # Errors
    ///
    /// Those of [`File::sync`].
    pub fn sync(&self) -> Result<()> {
        block_on(self.0.sync())
    }

    /// Ends as a client does that closes the file.
    ///
    /// # Errors
    ///
    /// Those of [`File::close`].
    pub fn close(self) -> Result<()> {
        block_on(self.0.close(Ending::Commit))
    }

    /// Ends as a client does that is suddenly gone.
    ///
    /// # Errors
    ///
    /// Those of [`File::close`].
    pub fn discard(self) -> Result<()> {
        block_on(self.0.close(Ending::Discard))
    }

    /// The open file itself, for calls that are to overlap.
    pub fn file(&self) -> &F {
        &self.0
    }
}

// Not derived: a test prints what it did not expect, and no author's type has to be printable for that.
impl<S: Storage> fmt::Debug for Client<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("home", &self.home).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for OpenFile<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OpenFile").finish_non_exhaustive()
    }
}

fn assert_normal(what: &str, path: &str) {
    let is_normal = path == "/" || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_name));
    assert!(is_normal, "the {what} {path:?} is not absolute and normalised");
}

fn assert_name(name: &str) {
    assert!(is_name(name), "{name:?} is no name of an entry");
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}
