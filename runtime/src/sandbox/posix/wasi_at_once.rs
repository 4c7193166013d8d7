//! WASI's calls on open files and on the log that never wait, in the place of wasmtime's, which only might: files are read
//! and written in place here, and the log is always ready. For guests that the engine is to enter without a task.

use super::errors::wasi_code;
use crate::sandbox::state::State;
use crate::sandbox::unchecked;
use futures_util::FutureExt;
use rustix::io::Errno;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable, ResourceType, WasmList};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorType, ErrorCode, Filesize, Host, HostDescriptor};
use wasmtime_wasi::p2::bindings::io::poll::HostPollable;
use wasmtime_wasi::p2::bindings::io::streams::{Host as _, HostOutputStream, StreamError};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, FsResult, StreamResult};

const TYPES: &str = "wasi:filesystem/types@0.2.12";
const STREAMS: &str = "wasi:io/streams@0.2.12";
const POLL: &str = "wasi:io/poll@0.2.12";

/// The most that one read gives.
const MAX_READ_BYTES: usize = 1 << 20;

type Answer<T> = wasmtime::Result<(Result<T, ErrorCode>,)>;

/// Takes the place of what `waiting` lets a guest call of open files, which must be linked.
pub fn replace_files(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]descriptor.get-type",
        |mut store: StoreContextMut<'_, State>, (file,): (Resource<Descriptor>,)| -> Answer<DescriptorType> {
            let state = store.data_mut();
            let done = state.filesystem().get_type(file).now_or_never();
            finish(state, done)
        },
    )?;
    types.func_wrap(
        "[method]descriptor.sync",
        |mut store: StoreContextMut<'_, State>, (file,): (Resource<Descriptor>,)| -> Answer<()> {
            let state = store.data_mut();
            let done = state.filesystem().sync(file).now_or_never();
            finish(state, done)
        },
    )?;
    types.func_wrap(
        "[method]descriptor.write",
        |store: StoreContextMut<'_, State>,
         (file, data, offset): (Resource<Descriptor>, WasmList<u8>, Filesize)|
         -> Answer<Filesize> {
            let Descriptor::File(file) = store.data().table.get(&file)? else {
                return Ok((Err(ErrorCode::BadDescriptor),));
            };
            if file.perms.write_not_permitted() {
                return Ok((Err(ErrorCode::NotPermitted),));
            }
            // From where it lies in the guest's memory.
            let data = data.as_le_slice(&store);
            let written = loop {
                match rustix::io::pwrite(&*file.file, data, offset) {
                    Err(Errno::INTR) => {}
                    written => break written,
                }
            };
            Ok((written.map(|count| count as Filesize).map_err(wasi_code),))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.read",
        |store: StoreContextMut<'_, State>,
         (file, length, offset): (Resource<Descriptor>, Filesize, Filesize)|
         -> Answer<(Vec<u8>, bool)> {
            let Descriptor::File(file) = store.data().table.get(&file)? else {
                return Ok((Err(ErrorCode::BadDescriptor),));
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(MAX_READ_BYTES);
            let mut data = Vec::with_capacity(length);
            let read = loop {
                match unchecked::pread(&file.file, &mut data, length, offset) {
                    Err(Errno::INTR) => {}
                    read => break read,
                }
            };
            Ok((read.map(|count| (data, count == 0)).map_err(wasi_code),))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The same for output, with the ends of streams.
pub fn replace_streams(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(STREAMS)?;
    types.func_wrap(
        "[method]output-stream.blocking-write-and-flush",
        |mut store: StoreContextMut<'_, State>, (stream, bytes): (Resource<DynOutputStream>, Vec<u8>)| {
            let table = &mut store.data_mut().table;
            let done = table.blocking_write_and_flush(stream, bytes).now_or_never();
            finish_stream(table, done)
        },
    )?;
    types.func_wrap(
        "[method]output-stream.blocking-flush",
        |mut store: StoreContextMut<'_, State>, (stream,): (Resource<DynOutputStream>,)| {
            let table = &mut store.data_mut().table;
            let done = table.blocking_flush(stream).now_or_never();
            finish_stream(table, done)
        },
    )?;
    types.resource("input-stream", ResourceType::host::<DynInputStream>(), |mut store, number| {
        store.data_mut().table.delete(Resource::<DynInputStream>::new_own(number))?;
        Ok(())
    })?;
    types.resource("output-stream", ResourceType::host::<DynOutputStream>(), |mut store, number| {
        store.data_mut().table.delete(Resource::<DynOutputStream>::new_own(number))?;
        Ok(())
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The same for what can be waited for, which is output alone.
pub fn replace_poll(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(POLL)?;
    types.func_wrap(
        "[method]pollable.block",
        |mut store: StoreContextMut<'_, State>, (pollable,): (Resource<DynPollable>,)| {
            store.data_mut().table.block(pollable).now_or_never().ok_or_else(waits)?
        },
    )?;
    types.func_wrap(
        "[method]pollable.ready",
        |mut store: StoreContextMut<'_, State>, (pollable,): (Resource<DynPollable>,)| {
            Ok((store.data_mut().table.ready(pollable).now_or_never().ok_or_else(waits)??,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn finish<T>(state: &mut State, done: Option<FsResult<T>>) -> Answer<T> {
    Ok((match done.ok_or_else(waits)? {
        Ok(done) => Ok(done),
        Err(error) => Err(state.filesystem().convert_error_code(error)?),
    },))
}

fn finish_stream(
    table: &mut ResourceTable,
    done: Option<StreamResult<()>>,
) -> wasmtime::Result<(Result<(), StreamError>,)> {
    Ok((match done.ok_or_else(waits)? {
        Ok(()) => Ok(()),
        Err(error) => Err(table.convert_stream_error(error)?),
    },))
}

fn waits() -> wasmtime::Error {
    wasmtime::Error::msg("a call of WASI waits where none may")
}
