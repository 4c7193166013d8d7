//! What a row may have made, so that it can be taken away again without listing or following anything: whatever a wrong
//! guest says, no path is removed that the check did not name itself.

use crate::storage::StoragePath;
use std::cell::RefCell;

/// Paths in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Made(RefCell<Vec<StoragePath>>);

impl Made {
    pub fn note(&self, path: &StoragePath) {
        let mut paths = self.0.borrow_mut();
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    }

    /// What was, or may have been, moved stands in two places until it is removed.
    pub fn note_rename(&self, source: &StoragePath, destination: &StoragePath) {
        self.note(destination);
        let inside = format!("{source}/");
        let paths = self.0.borrow().clone();
        for rest in paths.iter().filter_map(|path| path.as_str().strip_prefix(&inside)) {
            if let Ok(path) = StoragePath::from_normal(format!("{destination}/{rest}")) {
                self.note(&path);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// The deepest first, so that a directory comes after what is in it.
    pub fn take(&self) -> Vec<StoragePath> {
        let mut paths = self.0.take();
        paths.sort_by_key(|path| std::cmp::Reverse(path.as_str().matches('/').count()));
        paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> StoragePath {
        StoragePath::from_normal(text.to_owned()).unwrap()
    }

    #[test]
    fn what_is_in_a_directory_goes_before_it_also_where_it_was_moved_to() {
        let made = Made::default();
        for text in ["/s", "/s/d", "/s/d/f", "/s/d/f"] {
            made.note(&path(text));
        }
        made.note_rename(&path("/s/d"), &path("/s/e"));
        let order: Vec<String> = made.take().into_iter().map(StoragePath::into_string).collect();
        assert_eq!(order, ["/s/d/f", "/s/e/f", "/s/d", "/s/e", "/s"]);
        assert!(made.take().is_empty());
    }
}
