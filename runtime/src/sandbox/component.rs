//! From a file to a compiled component, and in plain words why it cannot be one.

use super::cache::{CacheError, CompileCache};
use super::compile::{CompileError, Compiler};
use super::embedded::Embedded;
use super::{Engine, artifact, unchecked};
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
    #[error("{name}: {reason}")]
    Compile { name: String, reason: CompileError },
    #[error("{name}: cannot be loaded: {reason}; build it again for wasm32-wasip2")]
    Load { name: String, reason: String },
    #[error("{name}: does not export {expected}; build it for the world `guest` of wit/")]
    NoExport { name: String, expected: &'static str },
    #[error("{name}: was built for {found}, and this host speaks {expected}; build it with that version of wit/")]
    OtherContract { name: String, found: String, expected: &'static str },
    #[error("{name}: imports {import}, which this host does not offer; build it without that import")]
    UnknownImport { name: String, import: String },
    #[error("{name}: imports wasi:tls, which is offered with a destination only; grant one with --connect HOST:PORT")]
    NoNetwork { name: String },
    #[error("{name}: does not fit the contract {expected}: {reason}; build it with that version of wit/")]
    Mismatch { name: String, expected: &'static str, reason: String },
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the granted directories cannot be handed to the guest: {reason}")]
    Preopen { reason: String },
}

/// Python guests have 20 MB; what is several times as large is no storage.
pub(super) const MAX_COMPONENT_BYTES: u64 = 64 << 20;

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
    pub fn load(&self, engine: &Engine, cache: Option<&Path>, compiler: &Compiler) -> Result<Component, LoadError> {
        let component = match self {
            Self::Embedded(embedded) => match embedded.load(engine.inner()) {
                Ok(component) => component,
                Err(error) => {
                    let (name, reason) = (embedded.name(), one_line(&error));
                    tracing::warn!("the embedded code of {name} is refused and compiled anew: {reason}");
                    self.compile(engine, embedded.component(), cache, compiler)?
                }
            },
            Self::File(path) => self.compile(engine, &read(path)?, cache, compiler)?,
        };
        self.check_exports(engine, &component)?;
        Ok(component)
    }

    fn compile(
        &self,
        engine: &Engine,
        component: &[u8],
        cache: Option<&Path>,
        compiler: &Compiler,
    ) -> Result<Component, LoadError> {
        let cache = cache.map(|directory| CompileCache::open(directory.to_owned())).transpose()?;
        if let Some(found) = cache.as_ref().and_then(|cache| cache.load(engine, component)) {
            return Ok(found);
        }
        tracing::info!("compiling the guest ({} bytes)", component.len());
        let sealed =
            compiler.compile(engine, component).map_err(|reason| LoadError::Compile { name: self.name(), reason })?;
        if let Some(cache) = cache {
            cache.store(engine, component, &sealed);
        }
        let code = artifact::unseal(engine, &sealed).unwrap_or_default();
        unchecked::load_compiled(engine.inner(), code)
            .map_err(|error| LoadError::Load { name: self.name(), reason: one_line(&error) })
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

/// An error with its causes in one line. What a component says of itself may stand in it, control characters too.
pub(super) fn one_line(error: &wasmtime::Error) -> String {
    error.chain().map(|cause| join_lines(&cause.to_string())).collect::<Vec<_>>().join(": ")
}

/// A text of several lines in one, without control characters.
pub(super) fn join_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ").replace(char::is_control, "?")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_whatever_a_component_calls_its_parts() {
        assert_eq!(join_lines("first\n  second\r\n\nthird"), "first; second; third");
        assert_eq!(join_lines("export name `a\rb\x1b[2J`"), "export name `a?b?[2J`");
    }
}
