//! What a session and all that is open in it share.

use crate::lie::Shape;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::Poll;
use strongroom_guest::tree::{TreeDirectory, TreeSession};
use strongroom_guest::{Attributes, ErrorCode, FileKind, Result, Session, path};

const CAPACITY: u64 = 64 << 20;

pub(crate) type Extended = Vec<(String, Vec<u8>)>;

pub(crate) struct World {
    lie: String,
    pub shape: Shape,
    pub tree: TreeSession,
    /// Extended attributes by path, where they are kept.
    pub extended: RefCell<BTreeMap<String, Extended>>,
    /// The lies `overlap-…` and `list-apart` keep here what each call should have to itself.
    pub shared_path: RefCell<String>,
    pub shared_data: RefCell<Vec<u8>>,
    pub shared_listings: RefCell<BTreeMap<String, Weak<TreeDirectory>>>,
}

impl World {
    pub async fn new(lie: String, shape: Shape) -> Result<Rc<Self>> {
        let mut tree = TreeSession::new(CAPACITY);
        if shape == Shape::Shown {
            tree = tree.with_directory("/shown")?.with_file("/shown/file", b"to be looked at, and long enough")?;
            tree.symlink("file", "/shown/link").await?;
        }
        Ok(Rc::new(Self {
            lie,
            shape,
            tree,
            extended: RefCell::default(),
            shared_path: RefCell::default(),
            shared_data: RefCell::default(),
            shared_listings: RefCell::default(),
        }))
    }

    pub fn lies(&self, lie: &str) -> bool {
        self.lie == lie
    }

    pub fn is_rich(&self) -> bool {
        self.shape == Shape::Rich
    }

    /// Whether uploads are kept aside until they are closed.
    pub fn publishes_at_close(&self) -> bool {
        self.is_rich() || self.lies("close-by-drop")
    }

    /// A storage that only shows things refuses what changes something.
    pub fn may_change(&self) -> Result<()> {
        if self.shape == Shape::Shown { Err(ErrorCode::ReadOnly.into()) } else { Ok(()) }
    }

    /// What is at a path itself.
    pub async fn at(&self, path: &str) -> Option<Attributes> {
        self.tree.stat(path, false).await.ok()
    }

    pub async fn is(&self, path: &str, kind: FileKind) -> bool {
        self.at(path).await.is_some_and(|found| found.kind == kind)
    }

    /// Whether nothing is at a path, but a directory that could hold it.
    pub async fn is_vacant(&self, path: &str) -> bool {
        let Some((parent, _)) = path::split(path) else { return false };
        self.at(path).await.is_none()
            && self.tree.stat(parent, true).await.is_ok_and(|found| found.kind == FileKind::Directory)
    }
}

/// Lets other calls in.
pub(crate) async fn pause() {
    let mut is_over = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
