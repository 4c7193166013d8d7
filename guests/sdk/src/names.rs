//! What there is, for a storage that keeps its files by whole paths.

use crate::{ErrorCode, Result, path};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

/// A table from paths on which no links are to files, as `Rc`s, in order. What its files are it does not know: that a name's
/// parent is a directory is for [`path::resolve`] to find out.
///
/// ```
/// use strongroom_guest::{ErrorCode, Names};
///
/// let names = Names::new("the root");
/// names.add("/photos", "a directory").unwrap();
/// names.add("/photos/cat.jpg", "a cat").unwrap();
/// assert_eq!(names.remove("/photos").unwrap_err().code, ErrorCode::NotEmpty);
/// names.rename("/photos", "/pictures");
/// assert_eq!(names.get("/pictures/cat.jpg").unwrap(), "a cat");
/// assert_eq!(names.list("/pictures"), [("cat.jpg".to_string(), "a cat")]);
/// ```
#[derive(Debug)]
pub struct Names<T>(RefCell<BTreeMap<String, T>>);

impl<T: Clone> Names<T> {
    /// Nothing but what is at "/".
    pub fn new(root: T) -> Self {
        Self(RefCell::new(BTreeMap::from([("/".to_owned(), root)])))
    }

    /// What is at `path`.
    ///
    /// # Errors
    ///
    /// `no-such-file`.
    pub fn get(&self, path: &str) -> Result<T> {
        self.0.borrow().get(path).cloned().ok_or(ErrorCode::NoSuchFile.into())
    }

    /// What is in a directory, in the order of its names.
    pub fn list(&self, directory: &str) -> Vec<(String, T)> {
        let named = |(path, file): (&String, &T)| Some((path::name_in(directory, path)?.to_owned(), file.clone()));
        self.0.borrow().iter().filter_map(named).collect()
    }

    /// Gives `file` the name `path`.
    ///
    /// # Errors
    ///
    /// `already-exists`.
    pub fn add(&self, path: &str, file: T) -> Result<()> {
        if self.get(path).is_ok() {
            return Err(ErrorCode::AlreadyExists.into());
        }
        self.0.borrow_mut().insert(path.to_owned(), file);
        Ok(())
    }

    /// Takes a name away.
    ///
    /// # Errors
    ///
    /// `no-such-file`; `not-empty` for what has names beneath it and for the root.
    pub fn remove(&self, path: &str) -> Result<()> {
        let mut names = self.0.borrow_mut();
        if path == "/" || names.keys().any(|other| path::is_beneath(other, path)) {
            return Err(ErrorCode::NotEmpty.into());
        }
        let removed = names.remove(path).ok_or(ErrorCode::NoSuchFile)?;
        // What ends with it may look here.
        drop(names);
        drop(removed);
        Ok(())
    }

    /// Moves what is at `from`, with all that is beneath it, to `to`, which is not beneath it. What has that name loses it.
    pub fn rename(&self, from: &str, to: &str) {
        let mut names = self.0.borrow_mut();
        let is_moved = |path: &str| path == from || path::is_beneath(path, from);
        let (moved, kept): (BTreeMap<_, _>, _) =
            mem::take(&mut *names).into_iter().partition(|(path, _)| is_moved(path));
        *names = kept;
        names.extend(moved.into_iter().map(|(path, file)| (path.replacen(from, to, 1), file)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn names() -> Names<u8> {
        let names = Names::new(0);
        for (path, file) in [("/a", 1), ("/a/f", 2), ("/a/f/g", 3), ("/ab", 4)] {
            names.add(path, file).unwrap();
        }
        names
    }

    fn named(listed: Vec<(String, u8)>) -> Vec<u8> {
        listed.into_iter().map(|(_, file)| file).collect()
    }

    #[test]
    fn a_directory_lists_what_is_directly_in_it() {
        assert_eq!(names().list("/a"), [("f".to_owned(), 2)]);
        assert_eq!(named(names().list("/")), [1, 4]);
        assert_eq!(named(names().list("/ab")), [0; 0]);
    }

    #[test]
    fn names_are_added_and_removed_once() {
        let names = names();
        let codes = |results: [Result<()>; 4]| results.map(|result| result.unwrap_err().code);
        let refused = [names.add("/ab", 5), names.remove("/a"), names.remove("/"), names.remove("/missing")];
        let expected = [ErrorCode::AlreadyExists, ErrorCode::NotEmpty, ErrorCode::NotEmpty, ErrorCode::NoSuchFile];
        assert_eq!(codes(refused), expected);
        names.remove("/ab").unwrap();
        assert_eq!(names.get("/ab").unwrap_err().code, ErrorCode::NoSuchFile);
    }

    #[test]
    fn a_rename_moves_what_is_beneath_and_nothing_else() {
        let names = names();
        names.rename("/a", "/z/a");
        let found = ["/z/a", "/z/a/f", "/z/a/f/g", "/ab"].map(|path| names.get(path).unwrap());
        assert_eq!((found, names.list("/a")), ([1, 2, 3, 4], vec![]));
        names.rename("/ab", "/z/a/f/g");
        assert_eq!(names.get("/z/a/f/g").unwrap(), 4);
    }
}
