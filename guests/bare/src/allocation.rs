//! The guest's heap, for its own code and for the arguments that the host passes in.

extern crate alloc;

use alloc::alloc::{Layout, alloc, realloc};
use core::arch::wasm32;
use core::ptr;

#[global_allocator]
static HEAP: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// The canonical ABI's allocator. The standard library holds the only other definition of it for this target.
///
/// # Safety
///
/// Only the host calls it, as the canonical ABI says: `old` is null with `old_length` 0, or a block that an earlier call
/// gave for `old_length` and `alignment`; `alignment` is a power of two, and `new_length` is at least `old_length`.
#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_length: usize, alignment: usize, new_length: usize) -> *mut u8 {
    if new_length == 0 {
        return ptr::without_provenance_mut(alignment);
    }
    let (Ok(before), Ok(after)) =
        (Layout::from_size_align(old_length, alignment), Layout::from_size_align(new_length, alignment))
    else {
        wasm32::unreachable()
    };
    // SAFETY: `after` is not empty, and `old` was allocated here with `before` unless that is empty.
    let block = unsafe { if old_length == 0 { alloc(after) } else { realloc(old, before, new_length) } };
    // No panic with a message: a guest may not call out while its arguments are placed.
    if block.is_null() { wasm32::unreachable() } else { block }
}
