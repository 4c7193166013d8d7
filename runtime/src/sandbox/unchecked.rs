//! The `unsafe` of this project: what a system call or wasmtime demands, each with the reason why it is sound.

#![allow(unsafe_code)]

use rustix::io::Errno;
use std::fs::File;
use std::os::fd::AsRawFd;
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

/// Code that wasmtime's compiler made in a process of this executable, or in the build of it, which contains it.
pub fn load_own(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes came out of wasmtime's own compiler and have been in nobody else's hands; wasmtime refuses
    // them if this engine or CPU differs.
    unsafe { Component::deserialize(engine, code) }
}

/// Code from the compile cache: a file that the cache has checked to belong to the user that runs this process and to
/// be writable by nobody else, and whose hash it has checked.
pub fn load_cached(engine: &wasmtime::Engine, file: &File) -> wasmtime::Result<Component> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: only this user can have written the file, and this program writes nothing there but what wasmtime's
    // compiler gave it; someone who can write as this user can replace this executable as well. The path names the
    // very file that was checked.
    unsafe { Component::deserialize_file(engine, path) }
}
