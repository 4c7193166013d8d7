//! The `unsafe` of this project: what a system call or wasmtime demands, each with the reason why it is sound.

#![allow(unsafe_code)]

use rustix::io::Errno;
use std::fs::File;
use std::path::Path;
use wasmtime::component::Component;

/// pread(2) of at most `length` bytes to the end of `buffer`, as far as its capacity goes.
pub fn pread(file: &File, buffer: &mut Vec<u8>, length: usize, offset: u64) -> Result<usize, Errno> {
    let old_length = buffer.len();
    let spare = buffer.spare_capacity_mut();
    let room = spare.len().min(length);
    let Some(window) = spare.get_mut(..room) else { return Ok(0) };
    let (filled, _) = rustix::io::pread(file, window, offset)?;
    let filled = filled.len();
    // SAFETY: `filled` bytes directly behind `old_length`, within the capacity, were initialised by the kernel:
    // rustix returns exactly the part of `window` that the system call wrote.
    unsafe { buffer.set_len(old_length + filled) };
    Ok(filled)
}

/// Code that the build script compiled and that is part of this executable.
pub fn load_embedded(engine: &wasmtime::Engine, code: &'static [u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes came out of wasmtime's own compiler at build time and are as trusted as the executable that
    // contains them; wasmtime refuses them if this engine or CPU differs.
    unsafe { Component::deserialize(engine, code) }
}

/// Code from the compile cache. `path` must name a file that the cache has checked: owned by the user that runs this
/// process and writable by nobody else, in a directory of the same kind.
pub fn load_cached(engine: &wasmtime::Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: only this user can have written the file, and this program writes nothing there but what wasmtime's
    // compiler gave it; someone who can write as this user can replace this executable as well.
    unsafe { Component::deserialize_file(engine, path) }
}
