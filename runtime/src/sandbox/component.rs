//! From a file to a compiled component, and in plain words why it cannot be one.

use super::cache::{CacheError, CompileCache};
use super::embedded::Embedded;
use super::{Engine, unchecked};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

/// Where a guest comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Built into this executable.
    Embedded(Embedded),
    File(PathBuf),
}

/// A guest that cannot be used, in one line: the thing, the reason, the next step.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error("{path}: cannot be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}: is {what}, not a WebAssembly component; {step}")]
    NotAComponent { path: PathBuf, what: &'static str, step: &'static str },
    #[error("{path}: is larger than {max_bytes} bytes, which no guest is; name the component")]
    TooLarge { path: PathBuf, max_bytes: u64 },
    #[error("{name}: does not compile: {reason}; build it again for wasm32-wasip2")]
    Compile { name: String, reason: String },
    #[error("{name}: does not export {expected}; build it for the world `guest` of wit/")]
    NoExport { name: String, expected: &'static str },
    #[error("{name}: was built for {found}, and this host speaks {expected}; build it with that version of wit/")]
    OtherContract { name: String, found: String, expected: &'static str },
    #[error("{name}: imports {import}, which this host does not offer; build it without that import")]
    UnknownImport { name: String, import: String },
    #[error("{name}: does not fit the contract {expected}: {reason}; build it with that version of wit/")]
    Mismatch { name: String, expected: &'static str, reason: String },
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the granted directories cannot be handed to the guest: {reason}")]
    Preopen { reason: String },
}

/// Python guests have 20 MB; a hundred megabytes are no storage.
const MAX_COMPONENT_BYTES: u64 = 100 << 20;

const STORAGE_EXPORT: &str = "strongroom:storage/storage@0.1.0";
const STORAGE_PREFIX: &str = "strongroom:storage/";

impl Source {
    /// The guest's name in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Embedded(embedded) => embedded.name().to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Compiles the component or takes code that was compiled before, and checks what it exports.
    pub fn load(&self, engine: &Engine, cache: Option<&Path>) -> Result<Component, LoadError> {
        let component = match self {
            Self::Embedded(embedded) => load_embedded(engine, *embedded, cache)?,
            Self::File(path) => compile(engine, &read(path)?, cache)?,
        };
        let component =
            component.map_err(|error| LoadError::Compile { name: self.name(), reason: one_line(&error) })?;
        self.check_exports(engine, &component)?;
        Ok(component)
    }

    fn check_exports(&self, engine: &Engine, component: &Component) -> Result<(), LoadError> {
        let component_type = component.component_type();
        let mut other = None;
        for (export, item) in component_type.exports(engine.inner()) {
            if export == STORAGE_EXPORT && matches!(item.ty, ComponentItem::ComponentInstance(_)) {
                return Ok(());
            }
            if export.starts_with(STORAGE_PREFIX) {
                other = Some(export.to_owned());
            }
        }
        match other {
            Some(found) => Err(LoadError::OtherContract { name: self.name(), found, expected: STORAGE_EXPORT }),
            None => Err(LoadError::NoExport { name: self.name(), expected: STORAGE_EXPORT }),
        }
    }
}

/// An error with its causes in one line.
pub(super) fn one_line(error: &wasmtime::Error) -> String {
    let lines: Vec<String> = error
        .chain()
        .map(|cause| {
            cause.to_string().lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
        })
        .collect();
    lines.join(": ")
}

fn load_embedded(
    engine: &Engine,
    embedded: Embedded,
    cache: Option<&Path>,
) -> Result<wasmtime::Result<Component>, CacheError> {
    match unchecked::load_own(engine.inner(), embedded.code()) {
        Ok(component) => Ok(Ok(component)),
        Err(error) => {
            tracing::warn!(
                "the embedded code of {} is refused and compiled anew: {}",
                embedded.name(),
                one_line(&error)
            );
            compile(engine, embedded.component(), cache)
        }
    }
}

fn compile(engine: &Engine, component: &[u8], cache: Option<&Path>) -> Result<wasmtime::Result<Component>, CacheError> {
    Ok(match cache {
        Some(directory) => CompileCache::open(directory.to_owned())?.load_or_compile(engine, component),
        None => Component::new(engine.inner(), component),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(MAX_COMPONENT_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_COMPONENT_BYTES {
        return Err(LoadError::TooLarge { path: path.to_owned(), max_bytes: MAX_COMPONENT_BYTES });
    }
    match kind_of(&bytes) {
        None => Ok(bytes),
        Some((what, step)) => Err(LoadError::NotAComponent { path: path.to_owned(), what, step }),
    }
}

/// What a file is if it is no component, and what to do about it.
fn kind_of(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const BUILD: &str = "build one with `cargo build --target wasm32-wasip2`";
    match bytes {
        [] => Some(("an empty file", BUILD)),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => None,
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            Some(("a core module", "build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"))
        }
        [0, b'a', b's', b'm', ..] => Some(("WebAssembly of an unknown version", BUILD)),
        [0x7f, b'E', b'L', b'F', ..] => {
            Some(("native code", "precompiled guests are not taken by their content; name the component"))
        }
        [b'(', ..] => Some(("WebAssembly in text form", "turn it into a component with `wasm-tools parse`")),
        bytes if std::str::from_utf8(bytes).is_ok() => Some(("a text file", BUILD)),
        _ => Some(("not WebAssembly", BUILD)),
    }
}
