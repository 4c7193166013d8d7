//! The compile cache: native code of components that were compiled before, so that a second start is instant.
//!
//! Loading native code runs whatever is in it. So the directory belongs to the user that runs this process and is
//! closed to everybody else (the same holds for each file), entries are named by the hashes of the component and of
//! the engine, are checked before they are loaded, and are written under another name and then renamed. That the directory lies in no served
//! directory is checked where grants are checked (`cli`).

use super::component::one_line;
use super::{Engine, artifact, unchecked};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;
use wasmtime::component::Component;

/// A directory that must not be trusted with native code.
#[derive(Debug, Error)]
pub enum CacheError {
    #[error("cache {path}: cannot be made: {source}; name another with --cache-dir")]
    Make { path: PathBuf, source: io::Error },
    #[error("cache {path}: is not a directory; name another with --cache-dir")]
    NotADirectory { path: PathBuf },
    #[error(
        "cache {path}: belongs to user {owner} and not to user {user} who runs strongroom; name another with --cache-dir"
    )]
    Owner { path: PathBuf, owner: u32, user: u32 },
    #[error("cache {path}: is open to others (mode {mode:04o}); close it with chmod 700")]
    Mode { path: PathBuf, mode: u32 },
}

/// A directory that has been checked.
#[derive(Clone, Debug)]
pub struct CompileCache {
    directory: PathBuf,
}

impl CompileCache {
    /// Opens the cache, making the directory (mode 0700) if it is missing.
    pub fn open(directory: PathBuf) -> Result<Self, CacheError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        if let Err(source) = made {
            return Err(CacheError::Make { path: directory, source });
        }
        let stat = match rustix::fs::statat(CWD, &directory, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(errno) => return Err(CacheError::Make { path: directory, source: errno.into() }),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Err(CacheError::NotADirectory { path: directory });
        }
        let user = rustix::process::geteuid().as_raw();
        if stat.st_uid != user {
            return Err(CacheError::Owner { path: directory, owner: stat.st_uid, user });
        }
        if stat.st_mode & 0o077 != 0 {
            return Err(CacheError::Mode { path: directory, mode: stat.st_mode & 0o7777 });
        }
        Ok(Self { directory })
    }

    /// The component's code, if it was compiled before.
    pub(super) fn load(&self, engine: &Engine, component: &[u8]) -> Option<Component> {
        load(engine, &self.entry(engine, component))
    }

    /// Keeps code that was checked. A cache that cannot be written costs only time.
    pub(super) fn store(&self, engine: &Engine, component: &[u8], sealed: &[u8]) {
        if let Err(error) = artifact::write(&self.entry(engine, component), sealed, 0o600) {
            tracing::warn!("cache {}: cannot be written: {error}", self.directory.display());
        }
    }

    fn entry(&self, engine: &Engine, component: &[u8]) -> PathBuf {
        self.directory.join(entry_name(engine, component))
    }
}

/// The file that is checked is the file that is loaded: both go by its descriptor.
fn load(engine: &Engine, entry: &Path) -> Option<Component> {
    let nofollow = OFlags::NOFOLLOW.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nofollow).open(entry).ok()?;
    if !rustix::fs::fstat(&file).is_ok_and(|stat| is_trusted(&stat)) {
        tracing::warn!("cache entry {}: is not a private file of this user and is not used", entry.display());
        return None;
    }
    let loaded = match artifact::check_file(engine, &file) {
        Ok(Ok(())) => unchecked::load_file(engine.inner(), &file).map_err(|error| one_line(&error)),
        Ok(Err(damage)) => Err(damage.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match loaded {
        Ok(component) => Some(component),
        Err(reason) => {
            tracing::warn!("cache entry {}: refused and compiled anew: {reason}", entry.display());
            None
        }
    }
}

fn is_trusted(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && Mode::from_raw_mode(stat.st_mode).intersection(Mode::RWXG | Mode::RWXO).is_empty()
}

fn entry_name(engine: &Engine, component: &[u8]) -> String {
    format!("{}-{}.code", hex(&Sha256::digest(component)), hex(&artifact::engine_key(engine)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Calling, Compiler};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_new_cache_is_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b");
        CompileCache::open(path.clone()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_cache_open_to_others_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(CompileCache::open(home.path().to_owned()), Err(CacheError::Mode { mode: 0o750, .. })));
    }

    #[test]
    fn a_link_or_a_file_is_no_cache() {
        let home = tempfile::tempdir().unwrap();
        let (real, link, file) = (home.path().join("real"), home.path().join("link"), home.path().join("file"));
        fs::create_dir(&real).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&real, &link).unwrap();
        fs::write(&file, "").unwrap();
        assert!(matches!(CompileCache::open(link), Err(CacheError::NotADirectory { .. })));
        assert!(CompileCache::open(file).is_err());
    }

    #[test]
    fn an_entry_that_others_can_write_is_not_loaded() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let cache = CompileCache::open(home.path().to_owned()).unwrap();
        let engine = Engine::new(Calling::Tasks).unwrap();
        let component = wat::parse_str("(component)").unwrap();
        let entry = home.path().join(entry_name(&engine, &component));

        let sealed = Compiler::Here.compile(&engine, &component).unwrap();
        cache.store(&engine, &component, &sealed);
        assert!(cache.load(&engine, &component).is_some());
        assert_eq!(cache.entry(&engine, &component), entry);
        fs::set_permissions(&entry, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(load(&engine, &entry).is_none());
        fs::set_permissions(&entry, fs::Permissions::from_mode(0o600)).unwrap();
        for length in [0, 10, sealed.len() - 1] {
            fs::write(&entry, &sealed[..length]).unwrap();
            assert!(load(&engine, &entry).is_none(), "{length} bytes");
        }
        let mut damaged = sealed.clone();
        damaged[sealed.len() / 2] ^= 1;
        fs::write(&entry, &damaged).unwrap();
        assert!(load(&engine, &entry).is_none(), "damaged code");
        cache.store(&engine, &component, &sealed);
        assert!(load(&engine, &entry).is_some(), "a bad entry is replaced");
    }
}
