//! What a resource of the contract holds until its `close`: the host drops the resource itself only later.

use crate::{Error, Result};
use alloc::rc::Rc;
use core::cell::RefCell;

/// Something open.
#[derive(Debug)]
pub struct Slot<T>(RefCell<Option<Rc<T>>>);

impl<T> Slot<T> {
    /// A slot that is open with `value`.
    pub fn new(value: T) -> Self {
        Self(RefCell::new(Some(Rc::new(value))))
    }

    /// What is open here, for the time of one call; `failure` after [`Slot::close`].
    pub fn get(&self) -> Result<Rc<T>> {
        self.0.borrow().clone().ok_or_else(|| Error::failure("called after its close"))
    }

    /// Takes out what is open; `failure` the second time, and while a call uses it, which the host promised not to do.
    pub fn close(&self) -> Result<T> {
        let value = self.get()?;
        self.0.borrow_mut().take();
        Rc::into_inner(value).ok_or_else(|| Error::failure("closed while a call on it was in flight"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_gives_what_was_open_and_only_once() {
        let slot = Slot::new(7);
        assert_eq!(slot.get().map(|value| *value), Ok(7));
        assert_eq!(slot.close(), Ok(7));
        assert_eq!(slot.get(), Err(Error::failure("called after its close")));
        assert_eq!(slot.close(), Err(Error::failure("called after its close")));
    }

    #[test]
    fn a_call_that_is_under_way_keeps_what_it_uses() {
        let slot = Slot::new(7);
        let used = slot.get().unwrap();
        assert!(slot.close().is_err());
        assert_eq!(*used, 7);
    }
}
