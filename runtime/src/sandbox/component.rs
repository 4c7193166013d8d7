//! From a guest's bytes to a compiled component, and in plain words why there is none.

use super::cache::{CacheError, CompileCache};
use super::compile::{CompileError, Compiler};
use super::config::Calling;
use super::embedded::Embedded;
use super::guest_file::{NotAGuest, check_exports, read_guest};
use super::precompiled::{self, PrecompiledError};
use super::waiting::calling;
use super::{Engine, Engines, artifact, unchecked};
use crate::inspect::Export;
use std::borrow::Cow;
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
    /// Code that was compiled ahead of time, which is trusted.
    Precompiled(PathBuf),
}

/// A guest that cannot be used, in one line: the thing, the reason, the next step.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error(transparent)]
    NotAGuest(#[from] NotAGuest),
    #[error("{name}: {reason}")]
    Compile { name: String, reason: CompileError },
    #[error("{name}: cannot be loaded: {reason}; build it again for wasm32-wasip2")]
    Load { name: String, reason: String },
    #[error("{name}: was built for {found}, and this host speaks {expected}; build it with that version of wit/")]
    OtherContract { name: String, found: String, expected: &'static str },
    #[error("{name}: imports {import}, which this host does not offer; build it without that import")]
    UnknownImport { name: String, import: String },
    #[error("{name}: imports wasi:tls, which is offered with a destination only; grant one with --connect HOST:PORT")]
    NoNetwork { name: String },
    #[error("{name}: does not fit the contract {expected}: {reason}; build it with that version of wit/")]
    Mismatch { name: String, expected: &'static str, reason: String },
    #[error(transparent)]
    Precompiled(#[from] PrecompiledError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("{name}: cannot be run on this machine: {reason}")]
    Engine { name: String, reason: String },
    #[error("the granted directories cannot be handed to the guest: {reason}")]
    Preopen { reason: String },
}

/// A guest that is compiled, for an engine.
pub struct Loaded<'a> {
    pub engine: &'a Engine,
    pub component: Component,
}

impl Source {
    /// The guest's name in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Embedded(embedded) => embedded.name().to_owned(),
            Self::File(path) | Self::Precompiled(path) => path.display().to_string(),
        }
    }

    /// Compiles the component or takes code that was compiled before, for the engine that calls it as it can be called, and
    /// checks what it exports.
    pub fn load<'a>(
        &self,
        engines: &'a Engines,
        cache: Option<&Path>,
        compiler: &Compiler,
    ) -> Result<Loaded<'a>, LoadError> {
        let engine_for = |calling| {
            engines.get(calling).map_err(|error| LoadError::Engine { name: self.name(), reason: one_line(&error) })
        };
        let loaded = match self {
            Self::Embedded(embedded) => {
                let engine = engine_for(embedded.calling())?;
                let component = match embedded.load(engine.inner()) {
                    Ok(component) => component,
                    Err(error) => {
                        let (name, reason) = (embedded.name(), one_line(&error));
                        tracing::warn!("the embedded code of {name} is refused and compiled anew: {reason}");
                        self.compile(engine, embedded.component(), cache, compiler)?
                    }
                };
                Loaded { engine, component }
            }
            Self::File(path) => {
                let bytes = read_guest(path)?;
                let engine = engine_for(calling(&bytes))?;
                match self.compile(engine, &bytes, cache, compiler) {
                    // It may speak of tasks where nothing uses them; and what is wrong with it is told of its own bytes.
                    Err(LoadError::Compile { reason: CompileError::Invalid(_), .. })
                        if engine.calling() == Calling::AtOnce =>
                    {
                        let engine = engine_for(Calling::Tasks)?;
                        Loaded { engine, component: self.compile(engine, &bytes, cache, compiler)? }
                    }
                    compiled => Loaded { engine, component: compiled? },
                }
            }
            // `compile` makes code for tasks, which fits all.
            Self::Precompiled(path) => {
                let engine = engine_for(Calling::Tasks)?;
                Loaded { engine, component: precompiled::load(engine, path)? }
            }
        };
        self.check_exports(loaded.engine, &loaded.component)?;
        Ok(loaded)
    }

    /// The component's bytes, which export the contract.
    pub fn component(&self) -> Result<Cow<'static, [u8]>, NotAGuest> {
        match self {
            Self::Embedded(embedded) => Ok(Cow::Borrowed(embedded.component())),
            Self::File(path) | Self::Precompiled(path) => read_guest(path).map(Cow::Owned),
        }
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
        let sealed = self.sealed(engine, component, compiler)?;
        if let Some(cache) = cache {
            cache.store(engine, component, &sealed);
        }
        let code = artifact::unseal(engine, &sealed).unwrap_or_default();
        unchecked::load_compiled(engine.inner(), code)
            .map_err(|error| LoadError::Load { name: self.name(), reason: one_line(&error) })
    }

    /// Compiles the component, whatever a cache may hold.
    pub(super) fn sealed(&self, engine: &Engine, component: &[u8], compiler: &Compiler) -> Result<Vec<u8>, LoadError> {
        tracing::info!("compiling the guest ({} bytes)", component.len());
        compiler.compile(engine, component).map_err(|reason| LoadError::Compile { name: self.name(), reason })
    }

    fn check_exports(&self, engine: &Engine, component: &Component) -> Result<(), NotAGuest> {
        let component_type = component.component_type();
        let exports = component_type
            .exports(engine.inner())
            .map(|(name, item)| Export { name, is_instance: matches!(item.ty, ComponentItem::ComponentInstance(_)) });
        check_exports(&self.name(), exports)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_whatever_a_component_calls_its_parts() {
        assert_eq!(join_lines("first\n  second\r\n\nthird"), "first; second; third");
        assert_eq!(join_lines("export name `a\rb\x1b[2J`"), "export name `a?b?[2J`");
    }
}
