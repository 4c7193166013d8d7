//! The contract's `posix` for guests that call it with a task for each call. In a process of one session all is done
//! before such a task could wait, as `posix-at-once` does it.

use super::Listing;
use super::host::share;
use crate::sandbox::bindings::posix_at_once as at_once;
use crate::sandbox::bindings::{posix, types};
use crate::sandbox::native::NativeFile;
use crate::sandbox::state::State;
use wasmtime::component::{Accessor, HasSelf, Resource};
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

type Outcome<T> = wasmtime::Result<Result<T, ErrorCode>>;
type Caller = Accessor<State, HasSelf<State>>;
type Handle = Resource<Descriptor>;

impl posix::Host for State {
    fn share(&mut self, file: Handle, access: posix::Access) -> Outcome<Resource<NativeFile>> {
        share(self, &file, access.contains(posix::Access::READ), access.contains(posix::Access::WRITE))
    }
}

impl posix::HostListing for State {
    fn drop(&mut self, listing: Resource<Listing>) -> wasmtime::Result<()> {
        at_once::HostListing::drop(self, listing)
    }
}

impl posix::HostListingWithStore<State> for HasSelf<State> {
    async fn read(caller: &Caller, listing: Resource<Listing>, max: u32) -> Outcome<Vec<types::DirectoryEntry>> {
        caller.with(|mut access| at_once::HostListing::read(access.get(), listing, max))
    }
}

/// Each function of `posix`, by the one of `posix-at-once` that has its name.
macro_rules! forward {
    ($($function:ident($($parameter:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl posix::HostWithStore<State> for HasSelf<State> {
            $(async fn $function(caller: &Caller, $($parameter: $type),*) -> Outcome<$answer> {
                caller.with(|mut access| at_once::Host::$function(access.get(), $($parameter),*))
            })*
        }
    };
}

forward! {
    open_at(directory: Handle, path: String, flags: types::OpenFlags, permissions: u16) -> Handle;
    make_directory_at(directory: Handle, path: String, permissions: u16) -> ();
    remove_directory_at(directory: Handle, path: String) -> ();
    remove_at(directory: Handle, path: String) -> ();
    rename_at(directory: Handle, path: String, new_directory: Handle, new_path: String, replace: bool) -> ();
    link_at(directory: Handle, path: String, new_directory: Handle, new_path: String) -> ();
    symlink_at(target: String, directory: Handle, path: String) -> ();
    read_link_at(directory: Handle, path: String) -> String;
    real_path_at(directory: Handle, path: String) -> String;
    stat_at(directory: Handle, path: String, follow: bool) -> types::Attributes;
    set_stat_at(directory: Handle, path: String, follow: bool, changes: types::AttributeChanges) -> ();
    usage_at(directory: Handle, path: String) -> types::Usage;
    stat(file: Handle) -> types::Attributes;
    set_stat(file: Handle, changes: types::AttributeChanges) -> ();
    usage_of(file: Handle) -> types::Usage;
    open_listing(directory: Handle, path: String) -> Resource<Listing>;
    copy_range(source: Handle, source_offset: u64, length: u64, destination: Handle, offset: u64) -> u64;
}
