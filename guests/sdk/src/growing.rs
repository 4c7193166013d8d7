//! Files in memory that are written: bytes that grow, within room that they share with others.

use crate::{ErrorCode, Result, Usage, slice};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// How many bytes several [`GrowingBytes`] may take, and how many are left.
#[derive(Debug)]
pub struct Room {
    capacity: u64,
    free: Cell<u64>,
}

impl Room {
    /// Room for `capacity` bytes.
    pub fn new(capacity: u64) -> Rc<Self> {
        Rc::new(Self { capacity, free: Cell::new(capacity) })
    }

    /// How full it is, as `df` shows it.
    pub fn usage(&self) -> Usage {
        Usage::of_bytes(self.capacity, self.free.get())
    }
}

/// The bytes of one file. When it is dropped, its room is free again.
///
/// ```
/// use strongroom_guest::{ErrorCode, GrowingBytes, Room};
///
/// let bytes = GrowingBytes::new(&Room::new(10));
/// bytes.write(3, b"def").unwrap();
/// bytes.write(0, b"abc").unwrap();
/// assert_eq!(bytes.read(1, 100), b"bcdef");
/// assert_eq!(bytes.write(10, b"x").unwrap_err().code, ErrorCode::NoSpace);
/// bytes.resize(1).unwrap();
/// assert_eq!(bytes.size(), 1);
/// ```
#[derive(Debug)]
pub struct GrowingBytes {
    room: Rc<Room>,
    bytes: RefCell<Vec<u8>>,
}

impl GrowingBytes {
    /// No bytes, to grow within `room`.
    pub fn new(room: &Rc<Room>) -> Self {
        Self { room: room.clone(), bytes: RefCell::default() }
    }

    /// What they share with others.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// How many there are.
    pub fn size(&self) -> u64 {
        self.bytes.borrow().len() as u64
    }

    /// Up to `length` bytes from `offset` on; none at or past the end.
    pub fn read(&self, offset: u64, length: u32) -> Vec<u8> {
        slice(&self.bytes.borrow(), offset, length).to_vec()
    }

    /// Writes all of `data` at `offset`; what lies between the end and there is zeros.
    ///
    /// # Errors
    ///
    /// `no-space`, `file-too-large`; nothing has changed then.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let end = offset.checked_add(data.len() as u64).ok_or(ErrorCode::FileTooLarge)?;
        self.resize(self.size().max(end))?;
        let mut bytes = self.bytes.borrow_mut();
        let place = usize::try_from(offset).ok().and_then(|offset| bytes.get_mut(offset..)?.get_mut(..data.len()));
        place.ok_or(ErrorCode::FileTooLarge)?.copy_from_slice(data);
        Ok(())
    }

    /// Cuts them, or appends zeros.
    ///
    /// # Errors
    ///
    /// `no-space`, if there is no room or no memory; nothing has changed then.
    pub fn resize(&self, size: u64) -> Result<()> {
        let mut bytes = self.bytes.borrow_mut();
        let available = self.room.free.get() + bytes.len() as u64;
        let free = available.checked_sub(size).ok_or(ErrorCode::NoSpace)?;
        let size = usize::try_from(size).map_err(|_| ErrorCode::NoSpace)?;
        let more = size.saturating_sub(bytes.len());
        bytes.try_reserve(more).map_err(|_| ErrorCode::NoSpace)?;
        bytes.resize(size, 0);
        self.room.free.set(free);
        Ok(())
    }
}

impl Drop for GrowingBytes {
    fn drop(&mut self) {
        self.room.free.set(self.room.free.get() + self.size());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<()>) -> ErrorCode {
        result.unwrap_err().code
    }

    #[test]
    fn files_share_their_room_and_give_it_back() {
        let room = Room::new(10);
        let (one, other) = (GrowingBytes::new(&room), GrowingBytes::new(&room));
        one.write(0, b"sixsix").unwrap();
        assert_eq!(code(other.write(0, b"fives")), ErrorCode::NoSpace);
        one.resize(5).unwrap();
        other.write(0, b"fives").unwrap();
        assert_eq!(room.free.get(), 0);
        drop(one);
        assert_eq!(room.free.get(), 5);
        assert_eq!((room.usage().blocks, Room::new(8192).usage().blocks_free), (0, 2));
    }

    #[test]
    fn what_fails_changes_nothing() {
        let bytes = GrowingBytes::new(&Room::new(u64::MAX));
        bytes.write(0, b"kept").unwrap();
        assert_eq!(code(bytes.write(u64::MAX, b"x")), ErrorCode::FileTooLarge);
        assert_eq!(code(bytes.resize(u64::MAX)), ErrorCode::NoSpace);
        bytes.write(100, b"").unwrap();
        assert_eq!(bytes.read(0, 100), b"kept");
    }

    #[test]
    fn holes_and_what_was_cut_are_zeros() {
        let bytes = GrowingBytes::new(&Room::new(100));
        bytes.write(4, b"end").unwrap();
        bytes.resize(5).unwrap();
        bytes.resize(7).unwrap();
        assert_eq!(bytes.read(0, 100), b"\0\0\0\0e\0\0");
    }
}
