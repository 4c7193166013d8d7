//! What a file is that somebody names as a guest, found out from its bytes alone: every command that takes a component
//! says so in the same words.

use super::component::join_lines;
use crate::inspect::{Export, Outline, Unreadable};
use rustix::fs::{FileType, OFlags};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use thiserror::Error;
use wasmtime::Engine;

/// Python guests have 20 MB; what is several times as large is no storage.
pub const MAX_COMPONENT_BYTES: u64 = 64 << 20;

const STORAGE_EXPORT: &str = "strongroom:storage/storage@0.1.0";
const STORAGE_NAME: &str = "strongroom:storage/storage@";
const PACKAGE: &str = "strongroom:storage/";

/// What is told of a name that a component made up.
const MAX_NAME_CHARACTERS: usize = 100;

/// A file that is no guest of this host, in one line: the thing, the reason, the next step.
#[derive(Debug, Error)]
pub enum NotAGuest {
    #[error("{name}: cannot be read: {source}")]
    Read { name: String, source: io::Error },
    #[error("{name}: is {kind}, not a WebAssembly component; {}", .kind.next_step())]
    NotAComponent { name: String, kind: FileKind },
    #[error("{name}: is larger than {max_bytes} bytes, which no guest is; name the component")]
    TooLarge { name: String, max_bytes: u64 },
    #[error("{name}: does not parse as a component: {reason}; build it again for wasm32-wasip2")]
    Broken { name: String, reason: String },
    #[error("{name}: does not export {expected}; build it for the world `guest` of wit/")]
    NoExport { name: String, expected: &'static str },
    #[error(
        "{name}: was built for the newer contract {found}, and this host speaks {expected}; \
         update strongroom, or build the guest with this version's wit/"
    )]
    NewerContract { name: String, found: String, expected: &'static str },
    #[error(
        "{name}: was built for the older contract {found}, and this host speaks {expected}; \
         build it with this version's wit/"
    )]
    OlderContract { name: String, found: String, expected: &'static str },
    #[error("{name}: was built for {found}, and this host speaks {expected}; build it with this version's wit/")]
    OtherContract { name: String, found: String, expected: &'static str },
}

/// What a file is if it is no component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Directory,
    /// A pipe, a socket or a device.
    Special,
    Empty,
    CoreModule,
    /// WebAssembly of a version that nobody has written yet.
    UnknownWebAssembly,
    TextForm,
    Text,
    /// What the engine makes of a component.
    Precompiled,
    Program,
    Other,
}

impl FileKind {
    /// `None` for what begins as a component does.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => Some(Self::Empty),
            [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => None,
            [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Some(Self::CoreModule),
            [0, b'a', b's', b'm', ..] => Some(Self::UnknownWebAssembly),
            [0x7f, b'E', b'L', b'F', ..] if Engine::detect_precompiled(bytes).is_some() => Some(Self::Precompiled),
            [0x7f, b'E', b'L', b'F', ..] => Some(Self::Program),
            bytes => Some(match std::str::from_utf8(bytes) {
                Ok(text) if is_text_form(text) => Self::TextForm,
                Ok(_) => Self::Text,
                Err(_) => Self::Other,
            }),
        }
    }

    fn next_step(self) -> &'static str {
        match self {
            Self::Directory => "name the component in it",
            Self::Special => "name a regular file",
            Self::CoreModule => "build it for wasm32-wasip2, or wrap it with `wasm-tools component new`",
            Self::TextForm => "turn it into a component with `wasm-tools parse`",
            Self::Precompiled => {
                "name the component that it was made from, or load it with --precompiled if you trust it"
            }
            Self::Program => "name the component",
            Self::Empty | Self::UnknownWebAssembly | Self::Text | Self::Other => {
                "build one with `cargo build --target wasm32-wasip2`"
            }
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "a directory",
            Self::Special => "a pipe, a socket or a device",
            Self::Empty => "an empty file",
            Self::CoreModule => "a core module",
            Self::UnknownWebAssembly => "WebAssembly of an unknown version",
            Self::TextForm => "WebAssembly in text form",
            Self::Text => "a text file",
            Self::Precompiled => "native code, compiled ahead of time",
            Self::Program => "a program in native code",
            Self::Other => "a file of another kind",
        })
    }
}

/// Reads the component in the file `path`, which exports the contract.
pub(super) fn read_guest(path: &Path) -> Result<Vec<u8>, NotAGuest> {
    let name = path.display().to_string();
    let bytes = read(path, &name)?;
    if let Some(kind) = FileKind::of(&bytes) {
        return Err(NotAGuest::NotAComponent { name, kind });
    }
    let outline = Outline::read(&bytes).map_err(|error| broken(&name, &error))?;
    check_exports(&name, outline.exports.into_iter())?;
    Ok(bytes)
}

/// Whether the contract of this host is among what the component `name` exports.
pub(super) fn check_exports<'a>(name: &str, exports: impl Iterator<Item = Export<'a>>) -> Result<(), NotAGuest> {
    let (name, expected) = (name.to_owned(), STORAGE_EXPORT);
    let mut other = None;
    for export in exports {
        if export.name == STORAGE_EXPORT && export.is_instance {
            return Ok(());
        }
        if export.name.starts_with(STORAGE_NAME) || (other.is_none() && export.name.starts_with(PACKAGE)) {
            other = Some(shown(export.name));
        }
    }
    let Some(found) = other else { return Err(NotAGuest::NoExport { name, expected }) };
    Err(match (version(&found), version(expected)) {
        (Some(theirs), Some(ours)) if theirs > ours => NotAGuest::NewerContract { name, found, expected },
        (Some(theirs), Some(ours)) if theirs < ours => NotAGuest::OlderContract { name, found, expected },
        (Some(_), Some(_)) => NotAGuest::NoExport { name, expected },
        _ => NotAGuest::OtherContract { name, found, expected },
    })
}

/// A pipe is opened without waiting for who writes to it, and then not read.
fn read(path: &Path, name: &str) -> Result<Vec<u8>, NotAGuest> {
    let failed = |source| NotAGuest::Read { name: name.to_owned(), source };
    let not_a_component = |kind| NotAGuest::NotAComponent { name: name.to_owned(), kind };
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    match file_type(&file).map_err(failed)? {
        FileType::RegularFile => {}
        FileType::Directory => return Err(not_a_component(FileKind::Directory)),
        _ => return Err(not_a_component(FileKind::Special)),
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(MAX_COMPONENT_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_COMPONENT_BYTES {
        return Err(NotAGuest::TooLarge { name: name.to_owned(), max_bytes: MAX_COMPONENT_BYTES });
    }
    Ok(bytes)
}

fn file_type(file: &File) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(file)?.st_mode))
}

/// What `name` holds begins as a component does and is none.
pub fn broken(name: &str, error: &Unreadable) -> NotAGuest {
    NotAGuest::Broken { name: name.to_owned(), reason: join_lines(&error.to_string()) }
}

fn shown(name: &str) -> String {
    join_lines(&name.chars().take(MAX_NAME_CHARACTERS).collect::<String>())
}

/// Major, minor and patch of an interface's name; `None` if it has no such version.
fn version(name: &str) -> Option<[u64; 3]> {
    let mut numbers = name.split_once('@')?.1.split('.').map(|number| number.parse().ok());
    let version = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(version)
}

/// An expression in parentheses, after comments if there are any.
fn is_text_form(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with(";;"));
    lines.next().is_some_and(|line| line.starts_with('('))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Calling, Compiler, Engine};
    use std::fs;

    fn refusal(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guest");
        fs::write(&path, bytes).unwrap();
        let line = read_guest(&path).unwrap_err().to_string();
        assert!(!line.contains('\n'), "{line}");
        line
    }

    fn exporting(name: &str) -> Vec<u8> {
        wat::parse_str(format!(r#"(component (instance $i) (export "{name}" (instance $i)))"#)).unwrap()
    }

    #[test]
    fn a_component_with_the_contract_is_a_guest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guest");
        fs::write(&path, exporting(STORAGE_EXPORT)).unwrap();
        assert_eq!(read_guest(&path).unwrap(), exporting(STORAGE_EXPORT));
    }

    #[test]
    fn every_kind_of_file_is_told_what_it_is() {
        let module = wat::parse_str("(module)").unwrap();
        let engine = Engine::new(Calling::Tasks).unwrap();
        let code = Compiler::Here.compile(&engine, &exporting(STORAGE_EXPORT)).unwrap();
        let program = fs::read(std::env::current_exe().unwrap()).unwrap();
        for (bytes, expected) in [
            (&b""[..], "an empty file"),
            (&module, "a core module"),
            (b"\0asm\x63\0\x01\0", "unknown version"),
            (b"#!/bin/sh\n", "a text file"),
            (b"(module)", "text form"),
            (b";; a comment\n\n  (component)", "text form"),
            (b"\x00\xff\x00\xff", "a file of another kind"),
            (&code, "native code, compiled ahead of time"),
            (&program[..4096], "a program in native code"),
            (b"\0asm\x0d\0\x01\0\x0b\xff", "does not parse"),
        ] {
            let line = refusal(bytes);
            assert!(line.contains(expected), "{expected} in {line}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let line = read_guest(folder.path()).unwrap_err().to_string();
        assert!(line.contains("is a directory"), "{line}");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        let line = read_guest(&pipe).unwrap_err().to_string();
        assert!(line.contains("a pipe"), "{line}");
    }

    #[test]
    fn the_contract_of_another_version_is_older_or_newer() {
        for (name, expected) in [
            ("strongroom:storage/storage@0.2.0", "the newer contract strongroom:storage/storage@0.2.0"),
            ("strongroom:storage/storage@0.1.1", "the newer contract"),
            ("strongroom:storage/storage@0.0.9", "the older contract"),
            ("strongroom:storage/storage@0.1.0-draft", "was built for strongroom:storage/storage@0.1.0-draft"),
            ("strongroom:storage/copying@0.1.0", "does not export"),
            ("acme:anvils/forge@1.0.0", "does not export"),
        ] {
            let line = refusal(&exporting(name));
            assert!(line.contains(expected) && line.contains(STORAGE_EXPORT), "{expected} in {line}");
        }
    }

    #[test]
    fn a_name_that_a_component_made_up_is_cut_and_cleaned() {
        let name = format!("strongroom:storage/storage@\u{1b}[2J{}", "x".repeat(5000));
        let export = Export { name: &name, is_instance: true };
        let line = check_exports("guest", [export].into_iter()).unwrap_err().to_string();
        assert!(line.len() < 500 && !line.contains('\u{1b}'), "{line}");
    }
}
