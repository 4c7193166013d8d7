//! The names of what this session has open. A file keeps what was opened whatever becomes of its name, but one that is being
//! written is published at its end, and so its name has to follow what this session does with it meanwhile.

use super::Bucket;
use crate::upload::Upload;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// The name of an open file.
pub struct OpenPath {
    path: RefCell<String>,
    is_removed: Cell<bool>,
}

impl OpenPath {
    /// The path that it has now.
    pub fn get(&self) -> String {
        self.path.borrow().clone()
    }

    /// Whether this session removed it or gave it to another file: nothing is published there any more.
    pub fn is_removed(&self) -> bool {
        self.is_removed.get()
    }

    /// Notes that this session removed it.
    pub fn remove(&self) {
        self.is_removed.set(true);
    }

    fn is(&self, path: &str) -> bool {
        !self.is_removed() && *self.path.borrow() == path
    }

    fn rename(&self, source: &str, destination: &str) {
        let mut path = self.path.borrow_mut();
        if let Some(rest) = path.strip_prefix(source).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            *path = format!("{destination}{rest}");
        }
    }
}

impl Bucket {
    /// Notes the name of a file that is opened.
    pub fn open_path(&self, path: &str) -> Rc<OpenPath> {
        let opened = Rc::new(OpenPath { path: RefCell::new(path.to_owned()), is_removed: Cell::new(false) });
        let mut paths = self.paths.borrow_mut();
        paths.retain(|opened| opened.strong_count() > 0);
        paths.push(Rc::downgrade(&opened));
        opened
    }

    /// What is open and has the name of something that was removed, or replaced, has none any more.
    pub fn forget_open(&self, path: &str) {
        self.open_paths().iter().filter(|opened| opened.is(path)).for_each(|opened| opened.remove());
    }

    /// Gives what is open the name to which its own, or the directory's above, was moved.
    pub fn move_open(&self, source: &str, destination: &str) {
        self.forget_open(destination);
        self.open_paths().iter().filter(|opened| !opened.is_removed()).for_each(|opened| {
            opened.rename(source, destination);
        });
    }

    /// Notes an upload of this session.
    pub fn add_upload(&self, upload: &Rc<Upload>) {
        let mut uploads = self.uploads.borrow_mut();
        uploads.retain(|upload| upload.strong_count() > 0);
        uploads.push(Rc::downgrade(upload));
    }

    /// The upload of this session that is to become `path`.
    pub fn upload_of(&self, path: &str) -> Option<Rc<Upload>> {
        self.open_uploads().into_iter().find(|upload| upload.path().is(path))
    }

    /// Whether an upload of this session is to become anything beneath `path`.
    pub fn has_upload_beneath(&self, path: &str) -> bool {
        let is_beneath = |other: &str| other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        self.open_uploads().iter().any(|upload| !upload.path().is_removed() && is_beneath(&upload.path().get()))
    }

    fn open_uploads(&self) -> Vec<Rc<Upload>> {
        let uploads = self.uploads.borrow();
        uploads.iter().filter_map(Weak::upgrade).filter(|upload| upload.is_open()).collect()
    }

    fn open_paths(&self) -> Vec<Rc<OpenPath>> {
        self.paths.borrow().iter().filter_map(Weak::upgrade).collect()
    }
}
