//! A guest that is compiled, linked and granted what it gets: all that an instance needs, so that a fresh one after a
//! fault opens no file and looks nothing up.

use super::bindings::{copying, storage};
use super::component::{LoadError, Loaded, Source, one_line};
use super::config::Calling;
use super::entrance::Entering;
use super::instance::{Guest, Instance, supervise};
use super::linker::{imports_tls, linker, unknown_import};
use super::network::Tls;
use super::output::GuestOutput;
use super::state::{State, preopens};
use super::watch::{CpuMeter, TimeLimit};
use super::{CONTRACT_VERSION, Compiler, Engine, Engines, Fault, Limits, Network, OpenGrants};
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use wasmtime::component::{Component, InstancePre};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::filesystem::WasiFilesystemCtx;

/// A guest that is ready to be instantiated, many times.
pub struct Template {
    engine: Engine,
    /// Built with this executable, so that its start and its `connect` are known to return.
    is_own: bool,
    entering: Entering,
    instance: InstancePre<State>,
    storage: storage::GuestIndices,
    copying: Option<copying::GuestIndices>,
    grants: OpenGrants,
    filesystem: WasiFilesystemCtx,
    network: Arc<Network>,
    tls: Option<Tls>,
    output: GuestOutput,
    limits: Limits,
}

impl Template {
    /// Loads the guest of `source`. What `compiler` must compile is kept in the directory `cache`, if there is one.
    pub fn load(
        engines: &Engines,
        source: &Source,
        cache: Option<PathBuf>,
        compiler: &Compiler,
        grants: OpenGrants,
        network: Arc<Network>,
        limits: Limits,
    ) -> Result<Self, LoadError> {
        let Loaded { engine, component } = source.load(engines, cache.as_deref(), compiler)?;
        let is_own = matches!(source, Source::Embedded(_));
        if engine.calling() == Calling::AtOnce && !is_own {
            tracing::debug!("guest: never waits, so that its calls need no tasks");
        }
        let mismatch = |error: wasmtime::Error| LoadError::Mismatch {
            name: source.name(),
            expected: CONTRACT_VERSION,
            reason: one_line(&error),
        };
        let has_tls = imports_tls(engine, &component);
        if has_tls && !network.is_granted() {
            return Err(LoadError::NoNetwork { name: source.name() });
        }
        let tls = has_tls.then(|| Tls::new(&network)).transpose().map_err(mismatch)?;
        let linker = linker(engine, &component, network.is_granted()).map_err(mismatch)?;
        let instance =
            linker.instantiate_pre(&component).map_err(|error| link_error(source, engine, &component, &error))?;
        let storage = storage::GuestIndices::new(&instance).map_err(mismatch)?;
        let copying = copying::GuestIndices::new(&instance).ok();
        let filesystem = preopens(&grants).map_err(|error| LoadError::Preopen { reason: one_line(&error) })?;
        let output = GuestOutput::new(limits.log_bytes);
        Ok(Self {
            engine: engine.clone(),
            is_own,
            entering: Entering::of(engine.calling()),
            instance,
            storage,
            copying,
            grants,
            filesystem,
            network,
            tls,
            output,
            limits,
        })
    }

    /// Whether the guest exports the interface `copying`; the host copies by reading and writing otherwise.
    pub fn copies(&self) -> bool {
        self.copying.is_some()
    }

    /// A fresh instance. Its start-up code runs under the limits of a call.
    pub async fn instantiate(&self) -> Result<Instance, Fault> {
        if !self.is_own {
            self.engine.start_ticker()?;
        }
        let mut store = self.store();
        let watch = Arc::clone(&store.data().watch);
        let guest = {
            let _guard = watch.begin("instantiate", TimeLimit::call(&self.limits));
            let instantiating = async {
                let instance = match self.entering {
                    Entering::OnThisStack => self.instance.instantiate(&mut store)?,
                    Entering::Tasks | Entering::OnItsOwnStack => self.instance.instantiate_async(&mut store).await?,
                };
                let storage = self.storage.load(&mut store, &instance)?;
                let copying = self.copying.as_ref().map(|copying| copying.load(&mut store, &instance)).transpose()?;
                wasmtime::Result::Ok((storage, copying))
            };
            supervise(&self.engine, &watch, instantiating).await?
        };
        let (storage, copying) = guest.map_err(|error| match Fault::from_error(&error) {
            Fault::Trap(reason) if store.data().memory.refused => {
                Fault::Instantiation(format!("{reason} (it was refused memory: limit --max-memory)"))
            }
            Fault::Trap(reason) => Fault::Instantiation(reason),
            fault => fault,
        })?;
        let guest = Guest { storage, copying, settings: self.grants.settings.clone(), limits: self.limits.clone() };
        Ok(Instance { store: RefCell::new(store), guest, entering: self.entering, engine: self.engine.clone(), watch })
    }

    fn store(&self) -> Store<State> {
        let mut state =
            State::new(&self.grants, &self.filesystem, Arc::clone(&self.network), &self.output, &self.limits);
        if let Some(tls) = &self.tls {
            state.set_tls(tls.context(&self.network));
        }
        let mut store = Store::new(self.engine.inner(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(self.limits.host_call_bytes);
        store.set_max_component_handles(self.limits.resources);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(self.limits.resources);
        }
        let mut meter = CpuMeter::new(self.limits.cpu_time);
        store.set_epoch_deadline(1);
        let engine = self.engine.clone();
        store.epoch_deadline_callback(move |context| {
            engine.wake_ticker();
            meter.check(&context.data().watch)?;
            Ok(UpdateDeadline::Continue(1))
        });
        store
    }
}

/// Which import is in the way.
fn link_error(source: &Source, engine: &Engine, component: &Component, error: &wasmtime::Error) -> LoadError {
    match unknown_import(engine, component) {
        Some(import) if import.starts_with("strongroom:storage/") => {
            LoadError::OtherContract { name: source.name(), found: import, expected: CONTRACT_VERSION }
        }
        Some(import) => LoadError::UnknownImport { name: source.name(), import },
        None => LoadError::Mismatch { name: source.name(), expected: CONTRACT_VERSION, reason: one_line(error) },
    }
}
