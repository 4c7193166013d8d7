//! What a store holds for its guest: WASI's context, the resource table, the limits on memory.

use super::clocks::{CoarseMonotonicClock, CoarseWallClock};
use super::grants::{Access, OpenGrants};
use super::limits::Limits;
use super::native::NativeFile;
use super::network::{self, Network};
use super::output::GuestOutput;
use super::posix::PosixPolicy;
use super::watch::Watch;
use std::fs::File;
use std::sync::Arc;
use wasmtime::ResourceLimiter;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtx};
use wasmtime_wasi::{FsPerms, OpenMode, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_tls::{WasiTlsCtx, WasiTlsCtxBuilder, WasiTlsCtxView, WasiTlsView};

pub struct State {
    wasi: WasiCtx,
    pub(super) table: ResourceTable,
    pub(super) posix: PosixPolicy,
    pub(super) memory: MemoryLimiter,
    pub(super) watch: Arc<Watch>,
    network: Arc<Network>,
    tls: WasiTlsCtx,
    closed: Option<Arc<File>>,
}

impl State {
    pub fn new(
        grants: &OpenGrants,
        filesystem: &WasiFilesystemCtx,
        network: Arc<Network>,
        output: &GuestOutput,
        limits: &Limits,
    ) -> Self {
        let mut wasi = WasiCtx::builder()
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .wall_clock(CoarseWallClock)
            .monotonic_clock(CoarseMonotonicClock::new())
            .max_random_size(limits.random_bytes)
            .stdout(output.clone())
            .stderr(output.clone())
            .envs(&grants.environment)
            .build();
        *wasi.filesystem() = filesystem.clone();
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.resources);
        Self {
            wasi,
            table,
            posix: PosixPolicy { allow_chown: grants.allow_chown, allow_setid: grants.allow_setid },
            memory: MemoryLimiter::new(limits),
            watch: Arc::new(Watch::new()),
            network,
            // One that refuses.
            tls: WasiTlsCtxBuilder::new().build(),
            closed: grants.closed.clone(),
        }
    }

    /// For a guest that asks for TLS.
    pub(super) fn set_tls(&mut self, tls: WasiTlsCtx) {
        self.tls = tls;
    }

    /// Takes a file that the guest shared out of its descriptor, through which nothing can be read or changed any more;
    /// false if it is not there or nothing can take its place.
    pub(super) fn take_back(&mut self, native: &NativeFile) -> bool {
        match (self.table.get_mut(&Resource::new_own(native.descriptor)), &self.closed) {
            (Ok(Descriptor::File(file)), Some(closed)) if Arc::ptr_eq(&file.file, &native.file) => {
                file.file = Arc::clone(closed);
                file.perms = FsPerms::ReadOnly;
                file.open_mode = OpenMode::empty();
                true
            }
            _ => false,
        }
    }

    /// What calls on sockets of WASI 0.3 need.
    pub(super) fn network(&mut self) -> network::View<'_> {
        network::View { network: &self.network, table: &mut self.table }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiTlsView for State {
    fn tls(&mut self) -> WasiTlsCtxView<'_> {
        WasiTlsCtxView { ctx: &mut self.tls, table: &mut self.table }
    }
}

/// Hands the granted directories to WASI by descriptor. WASI's builder opens directories by path only, so each is
/// opened once more through /proc/self/fd, here, before anything is confined.
pub fn preopens(grants: &OpenGrants) -> wasmtime::Result<WasiFilesystemCtx> {
    let mut builder = WasiCtx::builder();
    builder.allow_blocking_current_thread(true);
    for directory in &grants.directories {
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&*directory.file));
        let perms = match directory.access {
            Access::ReadOnly => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        builder.preopened_dir(path, &directory.guest, perms)?;
    }
    Ok(builder.build().filesystem().clone())
}

/// What an element of a table takes up.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// Bounds linear memories and tables together, and tables one by one. A refusal is noted, so that the log can say why a
/// guest trapped afterwards.
pub struct MemoryLimiter {
    used_bytes: usize,
    max_bytes: usize,
    max_table_elements: usize,
    max_items: usize,
    pub refused: bool,
}

impl MemoryLimiter {
    fn new(limits: &Limits) -> Self {
        Self {
            used_bytes: 0,
            max_bytes: limits.memory_bytes,
            max_table_elements: limits.table_elements,
            max_items: limits.core_items,
            refused: false,
        }
    }
}

impl MemoryLimiter {
    fn take(&mut self, bytes: usize) -> bool {
        let used_bytes = self.used_bytes.saturating_add(bytes);
        if used_bytes > self.max_bytes {
            self.refused = true;
            return false;
        }
        self.used_bytes = used_bytes;
        true
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let is_past_its_own = maximum.is_some_and(|maximum| desired > maximum);
        Ok(!is_past_its_own && self.take(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT_BYTES);
        let is_too_long = desired > self.max_table_elements || maximum.is_some_and(|maximum| desired > maximum);
        Ok(!is_too_long && self.take(growth))
    }

    fn instances(&self) -> usize {
        self.max_items
    }

    fn tables(&self) -> usize {
        self.max_items
    }

    fn memories(&self) -> usize {
        self.max_items
    }
}
