//! The two ways into a guest. One that may wait is called with a task of its own for each call, in the instance's event
//! loop, so that many are in flight. One that never waits is called as a function is: for a short call the task, its
//! stack and the engine's queues cost more than all that is done in it.

use super::config::GUEST_STACK_BYTES;
use super::instance::Guest;
use super::state::State;
use rustix::process::Resource;
use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, ComponentNamedList, Lift, Lower, ResourceAny, TypedFunc};

/// Whether a guest can be entered on the stack that this process has been given: on less than its own and the host's part it
/// would end the process and not its instance.
pub fn has_room_on_stack() -> bool {
    let limit = rustix::process::getrlimit(Resource::Stack).current;
    limit.is_none_or(|bytes| bytes >= 4 * GUEST_STACK_BYTES as u64)
}

/// Calls into a guest, from inside its event loop.
#[derive(Clone, Copy)]
pub(super) struct Entrance<'a> {
    pub accessor: &'a Accessor<State>,
    pub guest: &'a Guest,
}

impl Entrance<'_> {
    /// What an export with an answer gives. Ready when it is first polled if the guest never waits.
    pub async fn call<P, R>(self, export: TypedFunc<P, (R,)>, parameters: P) -> wasmtime::Result<R>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: Lift + Send + Sync + 'static,
        (R,): ComponentNamedList + Lift,
    {
        self.enter(export, parameters).await.map(|(answer,)| answer)
    }

    /// The same for an export with no answer, or with any.
    pub async fn enter<P, R>(self, export: TypedFunc<P, R>, parameters: P) -> wasmtime::Result<R>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        if self.guest.never_waits {
            self.accessor.with(|mut access| export.call(access.as_context_mut(), parameters))
        } else {
            export.call_concurrent(self.accessor, parameters).await
        }
    }

    /// Drops a resource of a guest that never waits; that of another cannot be dropped while its event loop runs.
    pub fn drop_resource(self, resource: ResourceAny) -> wasmtime::Result<()> {
        self.accessor.with(|mut access| resource.resource_drop(access.as_context_mut()))
    }
}
