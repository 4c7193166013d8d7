//! Code that was compiled ahead of time, for machines where the first start must be instant. Loading it runs whatever is
//! in it, so that it is taken only from a file of root's or the running user's that nobody else can write. That it lies
//! in no served directory is checked where grants are checked (`cli`).

use super::artifact::{self, Damage};
use super::component::{LoadError, Source, one_line};
use super::{Compiler, Engine, unchecked};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;
use wasmtime::component::Component;

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// Before the umask. Nobody but the owner may write to it, or it is not loaded.
const MODE: u32 = 0o644;

/// Code that is not written or not taken, in one line: the thing, the reason, the next step.
#[derive(Debug, Error)]
pub enum PrecompiledError {
    #[error("{path}: cannot be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}: is not a regular file; name what `strongroom compile` wrote")]
    NotAFile { path: PathBuf },
    #[error(
        "{path}: belongs to user {owner}, and code is trusted only if it is root's or of user {user}, who runs \
         strongroom; change its owner with chown"
    )]
    Owner { path: PathBuf, owner: u32, user: u32 },
    #[error("{path}: can be changed by others (mode {mode:04o}); close it with chmod go-w")]
    Mode { path: PathBuf, mode: u32 },
    #[error("{path}: has another name, by which others may change it; take a copy of it")]
    Linked { path: PathBuf },
    #[error(
        "{path}: could be replaced by others, because {} {reason}; move the code to where only you and root can write",
        .directory.display()
    )]
    Way { path: PathBuf, directory: PathBuf, reason: String },
    #[error("{path}: is WebAssembly, which the code would replace; name another file with -o")]
    WouldReplaceComponent { path: PathBuf },
    #[error(
        "{path}: is WebAssembly and not compiled; name it without --precompiled, or compile it with `strongroom compile`"
    )]
    NotCompiled { path: PathBuf },
    #[error(
        "{path}: was compiled by another version of strongroom or for another CPU; \
         compile it again with `strongroom compile` on this machine"
    )]
    Engine { path: PathBuf },
    #[error("{path}: is not what `strongroom compile` wrote: {reason}; compile it again")]
    Damaged { path: PathBuf, reason: String },
    #[error("{path}: is there and is not a regular file; name another file with -o")]
    WouldReplace { path: PathBuf },
    #[error("{path}: cannot be written: {source}; name another file with -o")]
    Write { path: PathBuf, source: io::Error },
}

/// Compiles the guest of `source` and writes its code to `output`, whole or not at all; what a regular file of this name
/// held is replaced. Gives the code's size in bytes.
pub fn precompile(engine: &Engine, source: &Source, compiler: &Compiler, output: &Path) -> Result<u64, LoadError> {
    check_output(output)?;
    let sealed = source.sealed(engine, &source.component()?, compiler)?;
    artifact::write(output, &sealed, MODE)
        .map_err(|source| PrecompiledError::Write { path: output.to_owned(), source })?;
    Ok(sealed.len() as u64)
}

/// The file that is checked is the file that is loaded: both go by its descriptor.
pub(super) fn load(engine: &Engine, path: &Path) -> Result<Component, PrecompiledError> {
    let failed = |source| PrecompiledError::Read { path: path.to_owned(), source };
    // A pipe in its place is not waited for.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    let stat = rustix::fs::fstat(&file).map_err(|errno| failed(errno.into()))?;
    check_trust(path, &stat)?;
    check_way(path, &stat)?;
    if is_webassembly(&file).map_err(failed)? {
        return Err(PrecompiledError::NotCompiled { path: path.to_owned() });
    }
    let damaged = |reason| PrecompiledError::Damaged { path: path.to_owned(), reason };
    match artifact::check_file(engine, &file).map_err(failed)? {
        Ok(()) => {}
        Err(Damage::Engine) => return Err(PrecompiledError::Engine { path: path.to_owned() }),
        Err(damage) => return Err(damaged(damage.to_string())),
    }
    tracing::info!("the guest was compiled ahead of time");
    unchecked::load_file(engine.inner(), &file).map_err(|error| damaged(one_line(&error)))
}

fn check_trust(path: &Path, stat: &Stat) -> Result<(), PrecompiledError> {
    let path = path.to_owned();
    let user = rustix::process::geteuid().as_raw();
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(PrecompiledError::NotAFile { path });
    }
    if stat.st_uid != user && stat.st_uid != 0 {
        return Err(PrecompiledError::Owner { path, owner: stat.st_uid, user });
    }
    if is_writable_by_others(stat) {
        return Err(PrecompiledError::Mode { path, mode: stat.st_mode & 0o7777 });
    }
    if stat.st_nlink > 1 {
        return Err(PrecompiledError::Linked { path });
    }
    Ok(())
}

fn is_writable_by_others(stat: &Stat) -> bool {
    Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH)
}

/// Nobody else can have put the file there: every directory above it is closed to others, as sshd's StrictModes wants it, or
/// keeps what is in it for its owners (the sticky bit). So the way that is looked at is the way by which `opened` was found.
fn check_way(path: &Path, opened: &Stat) -> Result<(), PrecompiledError> {
    let failed = |source| PrecompiledError::Read { path: path.to_owned(), source };
    let real = path.canonicalize().map_err(failed)?;
    let user = rustix::process::geteuid().as_raw();
    let mut ways = links(path).map_err(failed)?;
    ways.push(real.clone());
    for directory in ways.iter().flat_map(|way| way.ancestors().skip(1)) {
        let stat = rustix::fs::stat(directory).map_err(|errno| failed(errno.into()))?;
        let reason = if stat.st_uid != user && stat.st_uid != 0 {
            format!("belongs to user {}", stat.st_uid)
        } else if is_writable_by_others(&stat) && !Mode::from_raw_mode(stat.st_mode).contains(Mode::SVTX) {
            format!("can be changed by others (mode {:04o})", stat.st_mode & 0o7777)
        } else {
            continue;
        };
        return Err(PrecompiledError::Way { path: path.to_owned(), directory: directory.to_owned(), reason });
    }
    let stat = rustix::fs::stat(&real).map_err(|errno| failed(errno.into()))?;
    if (stat.st_dev, stat.st_ino) != (opened.st_dev, opened.st_ino) {
        return Err(failed(io::Error::other("it was replaced a moment ago")));
    }
    Ok(())
}

/// `path`, and where it leads while that is a link: who can change a link decides what is loaded.
fn links(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut ways = vec![std::path::absolute(path)?];
    while let Some(way) = ways.last().filter(|_| ways.len() <= MAX_LINKS)
        && let Ok(target) = fs::read_link(way)
    {
        ways.push(way.parent().unwrap_or(Path::new("/")).join(target));
    }
    Ok(ways)
}

fn is_webassembly(file: &File) -> io::Result<bool> {
    let mut magic = [0; 4];
    let length = file.read_at(&mut magic, 0)?;
    Ok(magic.get(..length) == Some(b"\0asm"))
}

/// Found out before the compiler runs; a rename replaces a link and not what it leads to.
fn check_output(output: &Path) -> Result<(), PrecompiledError> {
    let path = output.to_owned();
    match rustix::fs::statat(CWD, output, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
            match File::open(output).and_then(|file| is_webassembly(&file)) {
                Ok(true) => Err(PrecompiledError::WouldReplaceComponent { path }),
                // What cannot be read is no component that was compiled from.
                Ok(false) | Err(_) => Ok(()),
            }
        }
        Ok(_) => Err(PrecompiledError::WouldReplace { path }),
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(PrecompiledError::Write { path, source: errno.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Calling;
    use std::os::unix::fs::{PermissionsExt, symlink};

    struct Workshop(tempfile::TempDir, Engine);

    impl Workshop {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
            Self(directory, Engine::new(Calling::Tasks).unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn compile(&self, output: &Path) -> Result<u64, LoadError> {
            let text = r#"(component (instance $i) (export "strongroom:storage/storage@0.1.0" (instance $i)))"#;
            let guest = self.path("guest.wasm");
            fs::write(&guest, wat::parse_str(text).unwrap()).unwrap();
            precompile(&self.1, &Source::File(guest), &Compiler::Here, output)
        }

        fn refusal(&self, path: &Path) -> String {
            let line = load(&self.1, path).err().unwrap().to_string();
            assert!(line.starts_with(path.to_str().unwrap()) && !line.contains('\n'), "{line}");
            line
        }
    }

    #[test]
    fn what_is_written_is_taken() {
        let workshop = Workshop::new();
        let code = workshop.path("guest.code");
        fs::write(&code, "what was there").unwrap();
        let size = workshop.compile(&code).unwrap();
        assert_eq!(fs::metadata(&code).unwrap().len(), size);
        assert!(load(&workshop.1, &code).is_ok());
        assert_eq!(fs::read_dir(workshop.0.path()).unwrap().count(), 2, "nothing is left over");
    }

    #[test]
    fn what_others_can_write_is_not_loaded() {
        let workshop = Workshop::new();
        let code = workshop.path("guest.code");
        workshop.compile(&code).unwrap();
        for mode in [0o664, 0o646, 0o622] {
            fs::set_permissions(&code, fs::Permissions::from_mode(mode)).unwrap();
            assert!(workshop.refusal(&code).contains(&format!("{mode:04o}")));
        }
        fs::set_permissions(&code, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(load(&workshop.1, &code).is_ok());
    }

    #[test]
    fn what_belongs_to_another_user_is_not_loaded() {
        let file = tempfile::tempfile().unwrap();
        let mut stat = rustix::fs::fstat(&file).unwrap();
        (stat.st_mode, stat.st_nlink) = (0o100_644, 1);
        stat.st_uid = rustix::process::geteuid().as_raw() + 1;
        let line = check_trust(Path::new("code"), &stat).unwrap_err().to_string();
        assert!(line.contains(&format!("belongs to user {}", stat.st_uid)), "{line}");
        stat.st_uid = 0;
        assert!(check_trust(Path::new("code"), &stat).is_ok());
    }

    #[test]
    fn what_others_could_have_put_there_is_not_loaded() {
        let workshop = Workshop::new();
        fs::create_dir_all(workshop.path("outer/inner")).unwrap();
        let (outer, code) = (workshop.path("outer"), workshop.path("outer/inner/guest.code"));
        let close = |mode| fs::set_permissions(&outer, fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(workshop.path("outer/inner"), fs::Permissions::from_mode(0o755)).unwrap();
        close(0o755);
        workshop.compile(&code).unwrap();
        for mode in [0o775, 0o757, 0o777] {
            close(mode);
            let line = workshop.refusal(&code);
            assert!(line.contains(&format!("outer can be changed by others (mode {mode:04o})")), "{line}");
        }
        close(0o1777);
        assert!(load(&workshop.1, &code).is_ok(), "as in /tmp nobody else can replace what is there");
        close(0o755);
        let link = workshop.path("outer/link");
        symlink(&code, &link).unwrap();
        assert!(load(&workshop.1, &link).is_ok());
        let loose = workshop.path("loose");
        fs::create_dir(&loose).unwrap();
        symlink(&code, loose.join("link")).unwrap();
        fs::set_permissions(&loose, fs::Permissions::from_mode(0o777)).unwrap();
        for link in [loose.join("link"), workshop.path("link-to-link")] {
            let _ = symlink(loose.join("link"), workshop.path("link-to-link"));
            assert!(workshop.refusal(&link).contains("loose can be changed by others"));
        }
        fs::hard_link(&code, workshop.path("outer/other")).unwrap();
        assert!(workshop.refusal(&code).contains("has another name"));
    }

    #[test]
    fn a_component_is_not_replaced_by_its_code() {
        let workshop = Workshop::new();
        let guest = workshop.path("guest.wasm");
        workshop.compile(&workshop.path("guest.code")).unwrap();
        let before = fs::read(&guest).unwrap();
        assert!(
            workshop.compile(&guest).unwrap_err().to_string().contains("is WebAssembly, which the code would replace")
        );
        assert_eq!(fs::read(&guest).unwrap(), before);
    }

    #[test]
    fn what_is_no_code_is_not_loaded() {
        let workshop = Workshop::new();
        let code = workshop.path("guest.code");
        workshop.compile(&code).unwrap();
        let whole = fs::read(&code).unwrap();
        let mut other_engine = whole.clone();
        *other_engine.last_mut().unwrap() ^= 1;
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        for (bytes, words) in [
            (other_engine, "another version of strongroom or for another CPU"),
            (changed, "its hash"),
            (whole[1..].to_vec(), "cut off"),
            (Vec::new(), "cut off"),
            (fs::read(workshop.path("guest.wasm")).unwrap(), "is WebAssembly and not compiled"),
        ] {
            fs::write(&code, bytes).unwrap();
            let line = workshop.refusal(&code);
            assert!(line.contains(words), "{words} in {line}");
        }
        assert!(workshop.refusal(workshop.0.path()).contains("not a regular file"));
        assert!(workshop.refusal(&workshop.path("missing")).contains("cannot be read"));
    }

    #[test]
    fn nothing_but_a_regular_file_is_replaced() {
        let workshop = Workshop::new();
        let link = workshop.path("link");
        fs::write(workshop.path("target"), "kept").unwrap();
        symlink(workshop.path("target"), &link).unwrap();
        for output in [link, workshop.0.path().to_owned(), PathBuf::from("/dev/null")] {
            let line = workshop.compile(&output).unwrap_err().to_string();
            assert!(line.contains("is not a regular file"), "{line}");
        }
        assert_eq!(fs::read(workshop.path("target")).unwrap(), b"kept");
    }
}
