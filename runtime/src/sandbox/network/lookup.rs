//! `wasi:sockets/ip-name-lookup`: granted names only, and of what they lead to only what is granted.

use super::bindings::ip_name_lookup::{ErrorCode, Host, HostWithStore};
use super::bindings::types::IpAddress;
use super::{Sockets, View};
use std::sync::Arc;
use wasmtime::component::Accessor;

impl Host for View<'_> {}

impl<T: Send> HostWithStore<T> for Sockets {
    async fn resolve_addresses(
        store: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<Vec<IpAddress>, ErrorCode>> {
        let network = store.with(|mut view| Arc::clone(view.get().network));
        let found = network.look_up(&name).await;
        Ok(found.map(|addresses| addresses.into_iter().map(IpAddress::from).collect()).map_err(ErrorCode::from))
    }
}
