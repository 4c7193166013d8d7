//! The `unsafe` of this project: what a system call or wasmtime demands, each with the reason why it is sound.

#![allow(unsafe_code)]

use rustix::io::Errno;
use rustix::mm::MprotectFlags;
use std::arch::global_asm;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::CustomCodeMemory;
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

/// Code that wasmtime's compiler made in the build of this executable. The first time it is used where it lies, in the
/// executable segment: nothing is copied, no page changes its rights, and processes share its pages. wasmtime knows
/// code by its address and takes none twice, so that a process which loads a guest again gets a copy.
pub fn load_own(engine: &wasmtime::Engine, code: &'static [u8], is_in_use: &AtomicBool) -> wasmtime::Result<Component> {
    if is_in_use.swap(true, Ordering::SeqCst) {
        return load_compiled(engine, code);
    }
    // SAFETY: the bytes came out of wasmtime's own compiler and have been in nobody else's hands; wasmtime refuses
    // them if this engine or CPU differs. They are mapped, read-only, for as long as the process lives.
    unsafe { Component::deserialize_raw(engine, NonNull::from(code)) }
}

/// Code that wasmtime's compiler has just made, in a process of this executable.
pub fn load_compiled(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes came out of wasmtime's own compiler and have been in nobody else's hands.
    unsafe { Component::deserialize(engine, code) }
}

macro_rules! own_code {
    ($name:ident, $start:ident, $end:ident, $file:literal) => {
        global_asm!(
            concat!(".pushsection .text.", stringify!($start), ", \"ax\", @progbits"),
            ".balign 4096",
            concat!(".globl ", stringify!($start)),
            concat!(".hidden ", stringify!($start)),
            concat!(stringify!($start), ":"),
            concat!(".incbin \"", env!("OUT_DIR"), "/", $file, "\" /* ", env!("STRONGROOM_CODE_HASH"), " */"),
            concat!(".globl ", stringify!($end)),
            concat!(".hidden ", stringify!($end)),
            concat!(stringify!($end), ":"),
            ".popsection",
        );

        unsafe extern "C" {
            static $start: u8;
            static $end: u8;
        }

        /// The code of the embedded guest of this name.
        pub fn $name() -> &'static [u8] {
            let (start, end) = (&raw const $start, &raw const $end);
            // SAFETY: the symbols enclose what the assembler put into the executable's text, which nobody writes to.
            unsafe { slice::from_raw_parts(start, end.addr() - start.addr()) }
        }
    };
}

own_code!(jail_code, strongroom_jail_code, strongroom_jail_code_end, "strongroom_jail.cwasm");
own_code!(memory_code, strongroom_memory_code, strongroom_memory_code_end, "strongroom_memory.cwasm");
own_code!(gridfs_code, strongroom_gridfs_code, strongroom_gridfs_code_end, "strongroom_gridfs.cwasm");

/// Wasmtime aligns code to the largest page of each CPU family; this is the least of what they have.
const SMALLEST_PAGE: usize = 4096;

/// Makes code executable that wasmtime has read or compiled. What lies in this executable is so already.
pub struct CodePages;

impl CustomCodeMemory for CodePages {
    fn required_alignment(&self) -> usize {
        SMALLEST_PAGE
    }

    fn publish_executable(&self, start: *const u8, length: usize) -> wasmtime::Result<()> {
        protect(start, length, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    fn unpublish_executable(&self, start: *const u8, length: usize) -> wasmtime::Result<()> {
        protect(start, length, MprotectFlags::READ)
    }
}

fn protect(start: *const u8, length: usize, flags: MprotectFlags) -> wasmtime::Result<()> {
    if [jail_code(), memory_code(), gridfs_code()].iter().any(|own| own.as_ptr_range().contains(&start)) {
        return Ok(());
    }
    // SAFETY: the pages are wasmtime's own, which has written all that it will write to them before it publishes
    // them, and runs nothing there when it takes that back.
    Ok(unsafe { rustix::mm::mprotect(start.cast_mut().cast(), length, flags) }?)
}

/// Code from the compile cache or compiled ahead of time: a file that was checked to belong to the user that runs this
/// process, or to root, and to be writable by nobody else, and whose hash was checked.
pub fn load_file(engine: &wasmtime::Engine, file: &File) -> wasmtime::Result<Component> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: only this user, or root, can have written the file, and this program writes nothing of that form but what
    // wasmtime's compiler gave it; someone who can write as either can replace this executable as well. The path names
    // the very file that was checked.
    unsafe { Component::deserialize_file(engine, path) }
}
