//! The bytes of a file, in pages: what was never written takes no memory, and growing copies nothing but the end.

use crate::budget::Budget;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use strongroom_bindings::types::ErrorCode;

/// The most bytes in a page.
const PAGE: usize = 64 << 10;
/// What the smallest page takes: a small file is not to cost much more than it holds.
const SMALLEST_PAGE: usize = 256;
/// A page beside its bytes, with its share of the table that it stands in.
const PAGE_COST: u64 = 128;
/// The largest size of a file, as of Linux's.
const SIZE_MAX: u64 = i64::MAX as u64;

/// The bytes of one file.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    size: u64,
    /// By offset divided by [`PAGE`]. What lies past a page's end, and in a page that is not here, is zero.
    pages: BTreeMap<u64, Vec<u8>>,
}

/// The part of one page that a range of the file covers.
struct Piece {
    page: u64,
    start: usize,
    length: usize,
}

impl Contents {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// What its pages account for.
    pub(crate) fn cost(&self) -> u64 {
        self.pages.values().map(|page| page_cost(page.len())).sum()
    }

    /// Up to `length` bytes from `offset`; fewer only at the end.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let length = self.size.saturating_sub(offset).min(length as u64) as usize;
        let mut data = Vec::with_capacity(length);
        for piece in pieces(offset, length) {
            let end = data.len() + piece.length;
            if let Some(page) = self.pages.get(&piece.page) {
                let written = page.get(piece.start..).unwrap_or_default();
                data.extend_from_slice(written.get(..piece.length).unwrap_or(written));
            }
            data.resize(end, 0);
        }
        data
    }

    /// All of `data` at `offset`, or an error and nothing has changed.
    pub(crate) fn write(&mut self, budget: &mut Budget, offset: u64, data: &[u8]) -> Result<(), ErrorCode> {
        if data.is_empty() {
            return Ok(());
        }
        let end =
            offset.checked_add(data.len() as u64).filter(|end| *end <= SIZE_MAX).ok_or(ErrorCode::FileTooLarge)?;
        budget.charge(pieces(offset, data.len()).map(|piece| self.growth(&piece)).sum())?;
        let mut rest = data;
        for piece in pieces(offset, data.len()) {
            let (now, later) = rest.split_at(piece.length);
            rest = later;
            put(self.pages.entry(piece.page).or_default(), piece.start, now);
        }
        self.size = self.size.max(end);
        Ok(())
    }

    /// Cuts the file, or makes it longer by zeros that take no memory.
    pub(crate) fn resize(&mut self, budget: &mut Budget, size: u64) -> Result<(), ErrorCode> {
        if size > SIZE_MAX {
            return Err(ErrorCode::FileTooLarge);
        }
        if size < self.size {
            let before = self.cost();
            self.cut(size);
            budget.release(before - self.cost());
        }
        self.size = size;
        Ok(())
    }

    fn cut(&mut self, size: u64) {
        let (last, kept) = (size / PAGE as u64, (size % PAGE as u64) as usize);
        let mut tail = self.pages.split_off(&last);
        if kept > 0
            && let Some(mut page) = tail.remove(&last)
        {
            page.truncate(kept);
            page.shrink_to(page_capacity(page.len()));
            self.pages.insert(last, page);
        }
    }

    fn growth(&self, piece: &Piece) -> u64 {
        let (before, length) = self.pages.get(&piece.page).map_or((0, 0), |page| (page_cost(page.len()), page.len()));
        page_cost(length.max(piece.start + piece.length)) - before
    }
}

/// Writes `bytes` into a page, over what is there and past its end.
fn put(page: &mut Vec<u8>, start: usize, bytes: &[u8]) {
    page.reserve_exact(page_capacity(page.len().max(start + bytes.len())) - page.len());
    if page.len() < start {
        page.resize(start, 0);
    }
    let (over, past) = bytes.split_at(bytes.len().min(page.len() - start));
    if let Some(target) = page.get_mut(start..).and_then(|rest| rest.get_mut(..over.len())) {
        target.copy_from_slice(over);
    }
    page.extend_from_slice(past);
}

fn page_cost(length: usize) -> u64 {
    PAGE_COST + page_capacity(length) as u64
}

/// Doubling, so that a page which grows by small writes is not copied for each.
fn page_capacity(length: usize) -> usize {
    length.next_power_of_two().clamp(SMALLEST_PAGE, PAGE)
}

fn pieces(offset: u64, length: usize) -> impl Iterator<Item = Piece> {
    let (mut page, mut start, mut rest) = (offset / PAGE as u64, (offset % PAGE as u64) as usize, length);
    core::iter::from_fn(move || {
        let piece = Piece { page, start, length: rest.min(PAGE - start) };
        (page, start, rest) = (page + 1, 0, rest - piece.length);
        (piece.length > 0).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn holes_are_zeros_and_free() {
        let mut budget = Budget::new(1 << 20);
        let mut contents = Contents::default();
        contents.write(&mut budget, 1 << 40, b"end").unwrap();
        assert!(budget.used() < 2 * PAGE as u64);
        assert_eq!(contents.size(), (1 << 40) + 3);
        assert_eq!(contents.read(1 << 39, 4), [0; 4]);
        assert_eq!(contents.read((1 << 40) - 2, 100), b"\0\0end");
        assert_eq!(contents.read(u64::MAX, 1), b"");
    }

    #[test]
    fn what_was_cut_comes_back_as_zeros() {
        let mut budget = Budget::new(1 << 20);
        let mut contents = Contents::default();
        contents.write(&mut budget, 0, &[7; 3 * PAGE]).unwrap();
        contents.resize(&mut budget, 10).unwrap();
        contents.resize(&mut budget, 20).unwrap();
        assert_eq!(contents.read(0, 100), [[7; 10], [0; 10]].concat());
        assert_eq!(budget.used(), contents.cost());
    }

    #[test]
    fn a_write_that_does_not_fit_changes_nothing() {
        let mut budget = Budget::new(2 * PAGE as u64);
        let mut contents = Contents::default();
        contents.write(&mut budget, 0, b"kept").unwrap();
        let used = budget.used();
        assert_eq!(contents.write(&mut budget, 0, &[1; 3 * PAGE]), Err(ErrorCode::NoSpace));
        assert_eq!(contents.read(0, 100), b"kept");
        assert_eq!((budget.used(), contents.cost()), (used, used));
    }

    #[test]
    fn sizes_end_where_offsets_do() {
        let mut budget = Budget::new(1 << 20);
        let mut contents = Contents::default();
        assert_eq!(contents.write(&mut budget, u64::MAX, b"x"), Err(ErrorCode::FileTooLarge));
        assert_eq!(contents.write(&mut budget, SIZE_MAX, b"x"), Err(ErrorCode::FileTooLarge));
        assert_eq!(contents.resize(&mut budget, SIZE_MAX + 1), Err(ErrorCode::FileTooLarge));
        contents.write(&mut budget, SIZE_MAX - 1, b"x").unwrap();
        assert_eq!(contents.read(SIZE_MAX - 1, 9), b"x");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Write(usize, usize, u8),
        Resize(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let offset = 0..3 * PAGE;
        prop_oneof![
            (offset.clone(), 0..2 * PAGE, 1u8..).prop_map(|(offset, length, byte)| Step::Write(offset, length, byte)),
            offset.prop_map(Step::Resize),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_file_is_a_vector_of_bytes(steps in prop::collection::vec(step(), 1..12), at in 0..6 * PAGE, length in 0..2 * PAGE) {
            let mut budget = Budget::new(1 << 30);
            let mut contents = Contents::default();
            let mut model: Vec<u8> = vec![];
            for step in steps {
                match step {
                    Step::Write(offset, length, byte) => {
                        contents.write(&mut budget, offset as u64, &vec![byte; length]).unwrap();
                        if length > 0 {
                            model.resize(model.len().max(offset + length), 0);
                            model[offset..offset + length].fill(byte);
                        }
                    }
                    Step::Resize(size) => {
                        contents.resize(&mut budget, size as u64).unwrap();
                        model.resize(size, 0);
                    }
                }
                prop_assert_eq!(contents.size(), model.len() as u64);
                prop_assert_eq!(budget.used(), contents.cost());
            }
            let expected: Vec<u8> = model.iter().copied().skip(at).take(length).collect();
            prop_assert_eq!(contents.read(at as u64, length), expected);
            prop_assert_eq!(contents.read(0, model.len()), model);
        }
    }
}
