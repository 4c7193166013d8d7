//! What an author writes: a storage, its sessions, and their open files and directories. Whatever a storage need not
//! have is there already, and says so to the client.

use crate::{
    AttributeChanges, Attributes, Client, DirectoryEntry, Ending, Error, ErrorCode, Features, FileKind, NativeFile,
    OpenFlags, Result, Settings, Usage, path,
};
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// The most bytes that one call of [`copy_by_reading`] copies: a call is to return soon.
const COPY_MAX: u64 = 8 << 20;
/// The bytes that it reads at once.
const COPY_STEP: u64 = 256 << 10;

/// A storage: what answers when a client connects. [`export!`](crate::export) makes a component of it.
///
/// It is a type without a value. What sessions share, as a pool of connections, lies in a `thread_local!`: a component has
/// one thread. Anything shared is keyed by the settings, because one instance may be connected to with several.
pub trait Storage: 'static {
    /// What a client gets.
    type Session: Session;

    /// Begins the session of a client, with the settings that the operator wrote (`--set KEY=VALUE`). A setting that is
    /// not taken from `settings` is refused when this returns.
    ///
    /// # Errors
    ///
    /// Any: the client is told that it cannot be served, the operator's log is told [`Error::detail`].
    #[expect(async_fn_in_trait, reason = "a component has one thread, so that no future needs to be Send")]
    async fn connect(client: Client, settings: &mut Settings) -> Result<Connected<Self::Session>>;
}

/// A session that begins, and what the host is to know of it.
#[derive(Debug)]
pub struct Connected<S> {
    /// The session.
    pub session: S,
    /// What it can do beyond what every storage can: nothing unless said.
    pub features: Features,
    /// An absolute normalised path, where the client's relative paths start: "/" unless said.
    pub home: String,
    /// The size in bytes that reads and writes are best made of: 0, no wish, unless said.
    pub transfer_size: u32,
    /// As `client.notes`, the other way.
    pub notes: Vec<(String, String)>,
}

impl<S> Connected<S> {
    /// A session that starts in "/" and has no features.
    pub fn new(session: S) -> Self {
        Self { session, features: Features::empty(), home: "/".to_string(), transfer_size: 0, notes: vec![] }
    }

    /// The same with features. A storage that claims one keeps what the contract says of it.
    pub fn with_features(self, features: Features) -> Self {
        Self { features, ..self }
    }

    /// The same where relative paths start at `home`, an absolute normalised path.
    pub fn with_home(self, home: impl Into<String>) -> Self {
        Self { home: home.into(), ..self }
    }

    /// The same, where the `close` of a [`File`] or a [`Directory`] does nothing but let go of it, as dropping it does: the host
    /// may then do without the call, which spares a quarter of opening and closing a file. A [native](File::native) file is
    /// closed by the host then, and dropped later, maybe after other calls, so that each has a descriptor of its own. Not for a
    /// storage with `ATOMIC_UPLOAD`.
    pub fn closed_by_drop(mut self) -> Self {
        self.notes.push(("close".to_string(), "drop".to_string()));
        self
    }

    /// The same with the bytes that reads and writes are best made of.
    pub fn with_transfer_size(self, transfer_size: u32) -> Self {
        Self { transfer_size, ..self }
    }
}

/// What one client can do with names.
///
/// Every path is absolute, has no '.', no '..', no empty component and no '/' at its end; the root is "/". Calls that only
/// look may overlap at every `await`; one that changes something runs alone. So no `RefCell` stays borrowed over an
/// `await`.
///
/// A storage that only shows things writes the first three. The others answer `read-only` where a client would change
/// something, and `unsupported` for links and usage.
#[expect(async_fn_in_trait, reason = "a component has one thread, so that no future needs to be Send")]
pub trait Session: Sized + 'static {
    /// An open file; [`Contents`](crate::Contents) is one of bytes that do not change.
    type File: File;
    /// An open directory; [`Listing`](crate::Listing) is one of entries that are known.
    type Directory: Directory;

    /// Opens or creates a regular file. `permissions` are what it gets if it is created.
    ///
    /// # Errors
    ///
    /// `no-such-file`, `is-a-directory`, `already-exists` if `flags` say `EXCLUSIVE` and anything is there; of a storage
    /// that does not change, [`OpenFlags::only_read`].
    async fn open(&self, path: &str, flags: OpenFlags, permissions: u16) -> Result<Self::File>;

    /// Opens a directory, to list it.
    ///
    /// # Errors
    ///
    /// `no-such-file`, `not-a-directory`.
    async fn open_directory(&self, path: &str) -> Result<Self::Directory>;

    /// What is at `path`: of a symbolic link itself unless `follow`.
    ///
    /// # Errors
    ///
    /// `no-such-file`, also behind what is no directory.
    async fn stat(&self, path: &str, follow: bool) -> Result<Attributes>;

    /// Changes attributes in this order: size, permissions, times, owner, extended. The first that fails ends it.
    ///
    /// # Errors
    ///
    /// `no-such-file` even if there is nothing to change. Unless written: `read-only` if there is.
    async fn set_stat(&self, path: &str, follow: bool, changes: AttributeChanges) -> Result<()> {
        self.stat(path, follow).await?;
        only_nothing(&changes)
    }

    /// The path with every symbolic link resolved; the last component may be missing. Unless written: the path itself, as
    /// it is for a storage without links.
    ///
    /// # Errors
    ///
    /// `no-such-file` or `not-a-directory` for a component before the last.
    async fn real_path(&self, path: &str) -> Result<String> {
        if let Some((parent, _)) = path::split(path)
            && self.stat(parent, true).await?.kind != FileKind::Directory
        {
            return Err(ErrorCode::NotADirectory.into());
        }
        Ok(path.to_string())
    }

    /// Makes a directory.
    ///
    /// # Errors
    ///
    /// `already-exists` for anything that is there. Unless written: `read-only`.
    async fn make_directory(&self, _path: &str, _permissions: u16) -> Result<()> {
        Err(ErrorCode::ReadOnly.into())
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// `not-empty`, `not-a-directory`. Unless written: `read-only`.
    async fn remove_directory(&self, _path: &str) -> Result<()> {
        Err(ErrorCode::ReadOnly.into())
    }

    /// Removes a file, or a symbolic link itself.
    ///
    /// # Errors
    ///
    /// `is-a-directory`. Unless written: `read-only`.
    async fn remove(&self, _path: &str) -> Result<()> {
        Err(ErrorCode::ReadOnly.into())
    }

    /// Gives what is at `source` the name `destination`.
    ///
    /// # Errors
    ///
    /// Without `replace`, `already-exists` for anything that is there, looked for and moved in one step. Unless written:
    /// `read-only`.
    async fn rename(&self, _source: &str, _destination: &str, _replace: bool) -> Result<()> {
        Err(ErrorCode::ReadOnly.into())
    }

    /// The target of a symbolic link, as it is kept; feature `SYMLINKS`.
    ///
    /// # Errors
    ///
    /// `invalid-argument` for what is no link, as everything is unless this is written.
    async fn read_link(&self, path: &str) -> Result<String> {
        self.stat(path, false).await?;
        Err(ErrorCode::InvalidArgument.into())
    }

    /// Makes a symbolic link. `target` is any string without NUL; feature `SYMLINKS`.
    ///
    /// # Errors
    ///
    /// `already-exists`. Unless written: `unsupported`.
    async fn symlink(&self, _target: &str, _path: &str) -> Result<()> {
        Err(ErrorCode::Unsupported.into())
    }

    /// Gives what is at `existing` the further name `path`; a symbolic link is not followed; feature `HARD_LINKS`.
    ///
    /// # Errors
    ///
    /// `already-exists`. Unless written: `unsupported`.
    async fn hard_link(&self, _existing: &str, _path: &str) -> Result<()> {
        Err(ErrorCode::Unsupported.into())
    }

    /// How full the storage is, as `df` shows it; feature `USAGE`.
    ///
    /// # Errors
    ///
    /// Unless written: `unsupported`.
    async fn usage(&self, _path: &str) -> Result<Usage> {
        Err(ErrorCode::Unsupported.into())
    }

    /// The client is gone, and nothing of the session is open any more. A destructor cannot wait; this can.
    ///
    /// # Errors
    ///
    /// Any, for the operator's log.
    async fn close(self) -> Result<()> {
        Ok(())
    }
}

/// An open file. It stays readable when its name goes.
///
/// Reads and `stat` may overlap; `write`, `set_stat`, `sync`, `usage` and `close` run alone on their file.
#[expect(async_fn_in_trait, reason = "a component has one thread, so that no future needs to be Send")]
pub trait File: Sized + 'static {
    /// Up to `length` bytes from `offset` on; empty only at or past the end.
    ///
    /// # Errors
    ///
    /// As the storage has them.
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>>;

    /// What [`Session::stat`] says, of the open file; the size counts what was written so far.
    ///
    /// # Errors
    ///
    /// As the storage has them.
    async fn stat(&self) -> Result<Attributes>;

    /// Writes all of `data` at `offset`, or at the end if the file was opened to append.
    ///
    /// # Errors
    ///
    /// `no-space` and its like. What comes to light later is told by the next `write`, `sync` or `close`. Unless written:
    /// `read-only`.
    async fn write(&self, _offset: u64, _data: &[u8]) -> Result<()> {
        Err(ErrorCode::ReadOnly.into())
    }

    /// As [`Session::set_stat`], of the open file.
    ///
    /// # Errors
    ///
    /// Unless written: `read-only` if there is something to change.
    async fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
        only_nothing(&changes)
    }

    /// As [`Session::usage`], of the storage that holds the file.
    ///
    /// # Errors
    ///
    /// Unless written: `unsupported`.
    async fn usage(&self) -> Result<Usage> {
        Err(ErrorCode::Unsupported.into())
    }

    /// Returns when what was written is safe; feature `SYNC`.
    ///
    /// # Errors
    ///
    /// Unless written: `unsupported`.
    async fn sync(&self) -> Result<()> {
        Err(ErrorCode::Unsupported.into())
    }

    /// Copies to `destination`, a file of the same session and possibly this one; to the end without a `length`. Returns
    /// how many bytes were copied: fewer than asked at the end, or where the host is to ask again for the rest.
    ///
    /// # Errors
    ///
    /// Those of reading here and of writing there. Unless written: [`copy_by_reading`].
    async fn copy_range(
        &self,
        offset: u64,
        length: Option<u64>,
        destination: &Self,
        destination_offset: u64,
    ) -> Result<u64> {
        copy_by_reading(self, offset, length, destination, destination_offset).await
    }

    /// The open file for the host itself, if it is one of a granted directory: the host then moves the bytes without
    /// calling `read` and `write`. Asked for once, right after [`Session::open`].
    fn native(&self) -> Option<NativeFile> {
        None
    }

    /// The end. `Commit`: the client closed the file, so publish it. `Discard`: the client is gone or a write failed; a
    /// storage with the feature `ATOMIC_UPLOAD` forgets what was written, another keeps what it has.
    ///
    /// # Errors
    ///
    /// A failure here is a failed upload.
    async fn close(self, _ending: Ending) -> Result<()> {
        Ok(())
    }
}

/// An open directory.
#[expect(async_fn_in_trait, reason = "a component has one thread, so that no future needs to be Send")]
pub trait Directory: Sized + 'static {
    /// The next entries, at most `max` and without '.' and '..'; none at the end, again and again.
    ///
    /// # Errors
    ///
    /// As the storage has them.
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>>;

    /// The end.
    async fn close(self) {}
}

/// Copies by reading and writing, at most 8 MiB a call: what [`File::copy_range`] does unless it is written, for files that
/// do better only sometimes.
///
/// # Errors
///
/// Those of [`File::read`] and [`File::write`].
pub async fn copy_by_reading<F: File>(
    source: &F,
    offset: u64,
    length: Option<u64>,
    destination: &F,
    destination_offset: u64,
) -> Result<u64> {
    let wanted = length.unwrap_or(u64::MAX).min(COPY_MAX);
    let mut copied = 0;
    while copied < wanted {
        // Both are small enough for a u32, and the smaller one is taken.
        let step = u32::try_from(COPY_STEP.min(wanted - copied)).map_err(Error::failure)?;
        let data = source.read(offset.saturating_add(copied), step).await?;
        if data.is_empty() {
            break;
        }
        destination.write(destination_offset.saturating_add(copied), &data).await?;
        copied += data.len() as u64;
    }
    Ok(copied)
}

fn only_nothing(changes: &AttributeChanges) -> Result<()> {
    if changes.is_empty() { Ok(()) } else { Err(ErrorCode::ReadOnly.into()) }
}
