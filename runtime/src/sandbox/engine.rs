//! The engines of a process, one for each way of calling, with the threads that interrupt guests which do not return.

use super::config::{Calling, engine_config};
use super::fault::Fault;
use super::ticker::Ticker;
use super::unchecked::CodePages;
use std::sync::{Arc, OnceLock};

/// Engines that are set up when they are first asked for: a process has guests of one kind, as a rule.
#[derive(Default)]
pub struct Engines {
    tasks: OnceLock<Engine>,
    at_once: OnceLock<Engine>,
}

impl Engines {
    /// Fails only on a machine that the engine does not support.
    pub fn get(&self, calling: Calling) -> wasmtime::Result<&Engine> {
        let slot = match calling {
            Calling::Tasks => &self.tasks,
            Calling::AtOnce => &self.at_once,
        };
        if let Some(engine) = slot.get() {
            return Ok(engine);
        }
        let engine = Engine::new(calling)?;
        Ok(slot.get_or_init(|| engine))
    }
}

/// Compiles, loads and runs components. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    calling: Calling,
    engine: wasmtime::Engine,
    compiling: Arc<OnceLock<wasmtime::Engine>>,
    ticker: Arc<OnceLock<Ticker>>,
}

impl Engine {
    /// Fails only on a machine that the engine does not support.
    pub fn new(calling: Calling) -> wasmtime::Result<Self> {
        Ok(Self { calling, engine: build(calling, false)?, compiling: Arc::default(), ticker: Arc::default() })
    }

    /// The same with a compiler, set up when it is first asked for, because sessions of embedded guests never do.
    pub(super) fn compiling(&self) -> &wasmtime::Engine {
        // Where there is none after all, the one at hand says so when it is to compile.
        self.compiling.get_or_init(|| build(self.calling, true).unwrap_or_else(|_| self.engine.clone()))
    }

    pub(super) fn calling(&self) -> Calling {
        self.calling
    }

    pub(super) fn inner(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Starts the thread that interrupts guests, unless it runs. Not before the first guest does: what confines a
    /// process wants to find one thread.
    pub(super) fn start_ticker(&self) -> Result<(), Fault> {
        if self.ticker.get().is_none() {
            let ticker = Ticker::start(&self.engine)
                .map_err(|error| Fault::Instantiation(format!("the epoch thread cannot be started: {error}")))?;
            // Of two that were started at once the later one ends.
            let _ = self.ticker.set(ticker);
        }
        Ok(())
    }

    /// To be called before guest code runs, as [`Ticker::wake`].
    pub(super) fn wake_ticker(&self) {
        if let Some(ticker) = self.ticker.get() {
            ticker.wake();
        }
    }
}

fn build(calling: Calling, compiles: bool) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = engine_config(calling, None)?;
    config.enable_compiler(compiles).with_custom_code_memory(Some(Arc::new(CodePages)));
    wasmtime::Engine::new(&config)
}
