//! Native code as it travels from the compiler's process to this one and into the cache: the code, and behind it what
//! it is checked by before it is loaded, for loading runs whatever is in it.
//!
//! The seal tells damage and another engine's code. It is no signature: who may write the file decides what is in it.

use super::Engine;
use super::config::Calling;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Behind the code: its length (eight bytes, little-endian), its SHA-256, the engine's key.
const SEAL_BYTES: usize = 8 + 32 + 32;

/// To be counted up when `without_async` gives something else for the same component.
const WITHOUT_ASYNC_FORM: u8 = 1;

/// Code that is not what a compiler of this engine gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    #[error("it is cut off or has another length than it says")]
    Length,
    #[error("its hash is not the one that it was stored with")]
    Hash,
    #[error("it was made by another engine")]
    Engine,
}

/// What the engine's code is compatible with, in a hash that is the same in every process.
pub fn engine_key(engine: &Engine) -> [u8; 32] {
    let mut key = EngineKey(Sha256::new());
    engine.compiling().precompile_compatibility_hash().hash(&mut key);
    if engine.calling() == Calling::AtOnce {
        key.write(&[WITHOUT_ASYNC_FORM]);
    }
    key.0.finalize().into()
}

/// Puts the seal behind `code`.
pub fn seal(engine: &Engine, mut code: Vec<u8>) -> Vec<u8> {
    let length = code.len() as u64;
    let hash = Sha256::digest(&code);
    code.extend_from_slice(&length.to_le_bytes());
    code.extend_from_slice(&hash);
    code.extend_from_slice(&engine_key(engine));
    code
}

/// The code in front of the seal.
pub fn unseal<'a>(engine: &Engine, sealed: &'a [u8]) -> Result<&'a [u8], Damage> {
    let (code, seal) = sealed.split_last_chunk::<SEAL_BYTES>().ok_or(Damage::Length)?;
    check(engine, seal, code.len() as u64, || Ok(Sha256::digest(code).into()))?;
    Ok(code)
}

/// The same for a file, of which nothing is kept.
pub fn check_file(engine: &Engine, file: &File) -> io::Result<Result<(), Damage>> {
    let Some(length) = file.metadata()?.len().checked_sub(SEAL_BYTES as u64) else { return Ok(Err(Damage::Length)) };
    let mut seal = [0; SEAL_BYTES];
    file.read_exact_at(&mut seal, length)?;
    let mut failed = None;
    let checked = check(engine, &seal, length, || hash_of(file, length).map_err(|error| failed.insert(error).kind()));
    match failed {
        Some(error) => Err(error),
        None => Ok(checked),
    }
}

/// Writes sealed code under a name of its own and renames it, so that nobody ever loads half of it.
pub fn write(path: &Path, sealed: &[u8], mode: u32) -> io::Result<()> {
    let mut name = OsString::from(path.as_os_str());
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(sealed)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // The failure that is told is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn check(
    engine: &Engine,
    seal: &[u8; SEAL_BYTES],
    length: u64,
    hash: impl FnOnce() -> Result<[u8; 32], io::ErrorKind>,
) -> Result<(), Damage> {
    let (said_length, rest) = seal.split_first_chunk::<8>().ok_or(Damage::Length)?;
    let (said_hash, key) = rest.split_first_chunk::<32>().ok_or(Damage::Length)?;
    if u64::from_le_bytes(*said_length) != length {
        return Err(Damage::Length);
    }
    if key != engine_key(engine) {
        return Err(Damage::Engine);
    }
    if hash().as_ref() != Ok(said_hash) {
        return Err(Damage::Hash);
    }
    Ok(())
}

fn hash_of(file: &File, length: u64) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut reader = file.take(length);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// Collects what the engine says of itself.
struct EngineKey(Sha256);

impl Hasher for EngineKey {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(engine: &Engine, sealed: &[u8]) -> Result<Vec<u8>, Damage> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(sealed).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let of_file = check_file(engine, &file).unwrap();
        let of_memory = unseal(engine, sealed);
        assert_eq!(of_file, of_memory.map(|_| ()));
        of_memory.map(<[u8]>::to_vec)
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let engine = Engine::new(Calling::Tasks).unwrap();
        let sealed = seal(&engine, b"code".to_vec());
        assert_eq!(both(&engine, &sealed), Ok(b"code".to_vec()));
        for position in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[position] ^= 1;
            let expected = match position {
                0..4 => Damage::Hash,
                4..12 => Damage::Length,
                12..44 => Damage::Hash,
                _ => Damage::Engine,
            };
            assert_eq!(both(&engine, &damaged), Err(expected), "{position}");
            assert!(both(&engine, &sealed[..position]).is_err(), "{position}");
        }
        assert!(both(&engine, &[sealed.as_slice(), b"x"].concat()).is_err());
    }
}
