//! The ways into a guest. One that may wait is called with a task of its own for each call, in the instance's event loop,
//! so that many are in flight. One that never waits is called as a function is.

use super::config::{Calling, GUEST_STACK_BYTES};
use super::instance::Guest;
use super::state::State;
use futures_util::FutureExt;
use rustix::process::Resource;
use std::cell::RefCell;
use wasmtime::component::{Accessor, ComponentNamedList, Lift, Lower, ResourceAny, TypedFunc};
use wasmtime::{AsContextMut, Store};

/// How a guest is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entering {
    /// With a task for each call, which has a stack of its own.
    Tasks,
    /// As a function, on the caller's stack.
    OnThisStack,
    /// As a function, but on a stack of its own: on less than its own and the host's part a guest that recurses would end
    /// the process and not its instance.
    OnItsOwnStack,
}

impl Entering {
    /// For guests of an engine that calls so, on the stack that this process has been given. To be asked before the
    /// process is confined, which forbids the question.
    pub fn of(calling: Calling) -> Self {
        let stack = rustix::process::getrlimit(Resource::Stack).current;
        let has_room = stack.is_none_or(|bytes| bytes >= 4 * GUEST_STACK_BYTES as u64);
        match calling {
            Calling::Tasks => Self::Tasks,
            Calling::AtOnce if has_room => Self::OnThisStack,
            Calling::AtOnce => Self::OnItsOwnStack,
        }
    }
}

/// What calls are made with, by [`Entering`].
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    Tasks(&'a Accessor<State>),
    // Of many calls on one instance none begins before another has returned.
    OnThisStack(&'a RefCell<Store<State>>),
    OnItsOwnStack(&'a RefCell<Store<State>>),
}

/// Calls into a guest.
#[derive(Clone, Copy)]
pub(super) struct Entrance<'a> {
    pub way: Way<'a>,
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
        match self.way {
            Way::Tasks(accessor) => export.call_concurrent(accessor, parameters).await,
            Way::OnThisStack(store) => export.call(&mut *store.try_borrow_mut()?, parameters),
            Way::OnItsOwnStack(store) => {
                let mut store = store.try_borrow_mut()?;
                export.call_async(&mut *store, parameters).now_or_never().unwrap_or_else(|| Err(waited()))
            }
        }
    }

    /// Drops a resource of a guest that never waits; that of another cannot be dropped while its event loop runs.
    pub fn drop_resource(self, resource: ResourceAny) -> wasmtime::Result<()> {
        match self.way {
            Way::Tasks(_) => Err(wasmtime::Error::msg("a resource cannot be dropped inside the event loop")),
            Way::OnThisStack(store) => resource.resource_drop(&mut *store.try_borrow_mut()?),
            Way::OnItsOwnStack(store) => {
                let mut store = store.try_borrow_mut()?;
                resource.resource_drop_async(&mut *store).now_or_never().unwrap_or_else(|| Err(waited()))
            }
        }
    }

    /// Does something with what the host holds for the guest.
    pub fn with<R>(self, act: impl FnOnce(&mut State) -> R) -> wasmtime::Result<R> {
        match self.way {
            Way::Tasks(accessor) => Ok(accessor.with(|mut access| act(access.as_context_mut().data_mut()))),
            Way::OnThisStack(store) | Way::OnItsOwnStack(store) => Ok(act(store.try_borrow_mut()?.data_mut())),
        }
    }
}

/// The error for a guest that was to return and has not.
pub(super) fn waited() -> wasmtime::Error {
    wasmtime::Error::msg("a guest that never waits has not returned")
}
