//! The one engine of a process, with the thread that interrupts guests which do not return.

use super::config::engine_config;
use super::ticker::Ticker;
use std::sync::Arc;

/// Compiles, loads and runs components. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    engine: wasmtime::Engine,
    ticker: Arc<Ticker>,
}

impl Engine {
    /// Fails only on a machine that the engine does not support.
    pub fn new() -> wasmtime::Result<Self> {
        let engine = wasmtime::Engine::new(&engine_config(None)?)?;
        let ticker = Arc::new(Ticker::start(&engine)?);
        Ok(Self { engine, ticker })
    }

    pub(super) fn inner(&self) -> &wasmtime::Engine {
        &self.engine
    }

    pub(super) fn ticker(&self) -> &Ticker {
        &self.ticker
    }
}
