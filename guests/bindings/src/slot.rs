//! What a resource of the contract holds until its `close`: the host drops the resource itself only later.

use crate::types::{Error, ErrorCode};
use alloc::rc::Rc;
use core::cell::RefCell;

/// Something open. A call that runs while another closes it keeps it until that call returns.
#[derive(Debug)]
pub struct Slot<T>(RefCell<Option<Rc<T>>>);

impl<T> Slot<T> {
    /// A slot that is open with `value`.
    pub fn new(value: T) -> Self {
        Self(RefCell::new(Some(Rc::new(value))))
    }

    /// What is open here; `failure` after [`Slot::close`].
    pub fn get(&self) -> Result<Rc<T>, Error> {
        self.0.borrow().clone().ok_or_else(|| Error::new(ErrorCode::Failure).with_detail("called after its close"))
    }

    /// Lets go of what is open; `failure` the second time.
    pub fn close(&self) -> Result<(), Error> {
        let value = self.get()?;
        self.0.borrow_mut().take();
        drop(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::rc::Weak;

    #[test]
    fn closing_drops_at_once_and_only_once() {
        let value = Rc::new(());
        let watch: Weak<()> = Rc::downgrade(&value);
        let slot = Slot::new(value);
        assert!(slot.get().is_ok());
        assert!(slot.close().is_ok());
        assert_eq!(watch.strong_count(), 0);
        assert_eq!(slot.get().map(drop).unwrap_err().code, ErrorCode::Failure);
        assert_eq!(slot.close().unwrap_err().code, ErrorCode::Failure);
    }

    #[test]
    fn a_call_that_is_under_way_keeps_what_it_uses() {
        let slot = Slot::new(7);
        let used = slot.get().unwrap();
        slot.close().unwrap();
        assert_eq!(*used, 7);
    }
}
