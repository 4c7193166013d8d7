//! A process on its way to running a guest: what has to be there before it is confined, and the confinement.

use super::Launch;
use crate::confine::{self, NotConfined, Reach};
use crate::sandbox::{Compiler, Engines, LoadError, Network, OpenDirectory, Template};
use rustix::fs::Mode;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// A process that is ready to load the guest of a launch. It has one thread.
pub struct Prepared<'a> {
    launch: &'a Launch,
    runtime: Runtime,
    engines: Engines,
    network: Arc<Network>,
    /// The umask that the process was started with.
    pub process_umask: u16,
}

impl Launch {
    /// Makes the process ready. The process that looks up names is started here, if one is needed.
    pub fn prepare(&self) -> anyhow::Result<Prepared<'_>> {
        // Created files get exactly the permissions that the guest is asked for: the umask is taken off before that.
        let process_umask = rustix::process::umask(Mode::empty());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let network = Network::start(&self.grants.network, &self.limits.instance.network, self.confinement)
            .map_err(|error| anyhow::anyhow!("the process that looks up names cannot be started: {error}"))?;
        Ok(Prepared {
            launch: self,
            runtime,
            engines: Engines::default(),
            network,
            process_umask: u16::try_from(process_umask.bits() & 0o777).unwrap_or(0o022),
        })
    }
}

impl Prepared<'_> {
    /// Loads the guest, compiled in a process of its own if it must be.
    pub fn load(&self) -> Result<Template, LoadError> {
        let launch = self.launch;
        let compiler = Compiler::Child { limits: launch.limits.compile, confinement: launch.confinement };
        Template::load(
            &self.engines,
            &launch.guest,
            launch.cache_dir.clone(),
            &compiler,
            launch.grants.clone(),
            Arc::clone(&self.network),
            launch.limits.instance.clone(),
        )
    }

    /// Gives up what is not needed from here on.
    pub fn confine(&self) -> Result<(), NotConfined> {
        let grants = &self.launch.grants;
        let directories = grants.directories.iter().map(OpenDirectory::reach).collect();
        let ports = grants.network.destinations.iter().map(|grant| grant.destination.port.get()).collect();
        confine::apply(self.launch.confinement, &Reach { directories, ports, system_log: self.launch.system_log })
    }

    /// Runs what is to be done with the guest.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}
