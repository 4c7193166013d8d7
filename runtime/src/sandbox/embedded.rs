//! The guests that are built into the executable: the component, and its code compiled ahead of time for the
//! baseline of the CPU family, so that any machine of the family starts at once.

use super::config::Calling;
use super::unchecked;
use std::sync::atomic::AtomicBool;
use wasmtime::component::Component;

/// A guest of this executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    Jail,
    Memory,
    Gridfs,
}

impl Embedded {
    pub fn name(self) -> &'static str {
        match self {
            Self::Jail => "jail",
            Self::Memory => "memory",
            Self::Gridfs => "gridfs",
        }
    }

    /// The component, for engines that refuse [`Embedded::code`] and for readers.
    pub fn component(self) -> &'static [u8] {
        match self {
            Self::Jail => include_bytes!(concat!(env!("OUT_DIR"), "/strongroom_jail.wasm")),
            Self::Memory => include_bytes!(concat!(env!("OUT_DIR"), "/strongroom_memory.wasm")),
            Self::Gridfs => include_bytes!(concat!(env!("OUT_DIR"), "/strongroom_gridfs.wasm")),
        }
    }

    /// What its code was compiled for: known, so that no start has to find it out.
    pub(super) fn calling(self) -> Calling {
        match self {
            Self::Jail | Self::Memory => Calling::AtOnce,
            Self::Gridfs => Calling::Tasks,
        }
    }

    /// Loads [`Embedded::code`], which an engine or CPU may refuse.
    pub(super) fn load(self, engine: &wasmtime::Engine) -> wasmtime::Result<Component> {
        static JAIL: AtomicBool = AtomicBool::new(false);
        static MEMORY: AtomicBool = AtomicBool::new(false);
        static GRIDFS: AtomicBool = AtomicBool::new(false);
        let is_in_use = match self {
            Self::Jail => &JAIL,
            Self::Memory => &MEMORY,
            Self::Gridfs => &GRIDFS,
        };
        unchecked::load_own(engine, self.code(), is_in_use)
    }

    pub(super) fn code(self) -> &'static [u8] {
        match self {
            Self::Jail => unchecked::jail_code(),
            Self::Memory => unchecked::memory_code(),
            Self::Gridfs => unchecked::gridfs_code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::waiting::calling;

    #[test]
    fn whether_a_guest_waits_is_what_its_component_says() {
        for guest in [Embedded::Jail, Embedded::Memory, Embedded::Gridfs] {
            assert_eq!(guest.calling(), calling(guest.component()), "{}", guest.name());
        }
    }
}
