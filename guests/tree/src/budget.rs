//! How much memory a tree may take, and that memory is there before it is taken.

use crate::node;
use alloc::vec::Vec;
use core::hint::black_box;
use strongroom_bindings::types::ErrorCode;

/// Kept free of the tree's data for the arguments and answers of the calls in flight: an allocation that fails
/// there ends the instance, while one that fails here is an answer.
const RESERVE: u64 = 4 << 20;

/// The bytes that a tree may take and those that it takes.
#[derive(Debug)]
pub struct Budget {
    capacity: u64,
    used: u64,
}

impl Budget {
    pub(crate) fn new(capacity: u64) -> Self {
        Self { capacity, used: 0 }
    }

    /// The most that the tree may take, in bytes.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// What names, nodes and contents take, in bytes: never less than what they really take.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// What is left of the capacity, in bytes.
    pub fn free(&self) -> u64 {
        self.capacity - self.used
    }

    /// How many more files could be made in what is left.
    pub fn files_free(&self) -> u64 {
        node::files_in(self.free())
    }

    /// Takes `bytes`, for which memory is there when this returns; or `no-space`, and nothing has changed.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), ErrorCode> {
        if bytes == 0 {
            return Ok(());
        }
        if bytes > self.free() || !is_available(bytes.saturating_add(RESERVE)) {
            return Err(ErrorCode::NoSpace);
        }
        self.used += bytes;
        Ok(())
    }

    pub(crate) fn release(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.used);
        self.used = self.used.saturating_sub(bytes);
    }
}

/// Whether the allocator has, or gets, so many bytes in one piece.
fn is_available(bytes: u64) -> bool {
    usize::try_from(bytes).is_ok_and(|bytes| black_box(Vec::<u8>::new()).try_reserve_exact(bytes).is_ok())
}
