//! Which chunks of a file were sent, in stretches: a file that is written in order is one.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of numbers.
#[derive(Clone, Debug, Default)]
pub struct Runs(BTreeMap<u32, u32>);

impl Runs {
    /// Whether `n` is in it.
    pub fn contains(&self, n: u32) -> bool {
        self.0.range(..=n).next_back().is_some_and(|(_, end)| n < *end)
    }

    /// Puts `n` into it.
    pub fn insert(&mut self, n: u32) {
        if self.contains(n) {
            return;
        }
        let before = self.0.range(..=n).next_back().filter(|(_, end)| **end == n).map(|(start, _)| *start);
        let end = self.0.remove(&(n + 1)).unwrap_or(n + 1);
        self.0.insert(before.unwrap_or(n), end);
    }

    /// Takes everything from `end` on out of it.
    pub fn truncate(&mut self, end: u32) {
        self.0.split_off(&end);
        if let Some((_, last)) = self.0.iter_mut().next_back() {
            *last = end.min(*last);
        }
    }

    /// The first number after all that are in it.
    pub fn end(&self) -> u32 {
        self.0.last_key_value().map_or(0, |(_, end)| *end)
    }

    /// How many stretches it has.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What below `end` is not in it.
    pub fn gaps(&self, end: u32) -> Vec<Range<u32>> {
        let mut start = 0;
        let mut gaps = vec![];
        for (run_start, run_end) in &self.0 {
            gaps.push(start..end.min(*run_start));
            start = *run_end;
        }
        gaps.push(start..end);
        gaps.retain(|gap| !gap.is_empty());
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn as_a_set_of_numbers(steps in prop::collection::vec((any::<bool>(), 0_u32..40), 0..60)) {
            let (mut runs, mut set) = (Runs::default(), BTreeSet::new());
            for (is_cut, n) in steps {
                if is_cut && n > 20 {
                    runs.truncate(n);
                    set.split_off(&n);
                } else {
                    runs.insert(n);
                    set.insert(n);
                }
                let gaps: BTreeSet<_> = runs.gaps(40).into_iter().flatten().collect();
                prop_assert_eq!(gaps, (0..40).filter(|n| !set.contains(n)).collect());
                prop_assert!((0..45).all(|n| runs.contains(n) == set.contains(&n)));
                prop_assert_eq!(runs.end(), set.last().map_or(0, |n| n + 1));
            }
        }

        #[test]
        fn neighbours_are_one_stretch(mut numbers in Just((0..20_u32).collect::<Vec<_>>()).prop_shuffle()) {
            let mut runs = Runs::default();
            numbers.drain(..).for_each(|n| runs.insert(n));
            prop_assert_eq!(runs.count(), 1);
        }
    }
}
