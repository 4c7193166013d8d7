//! Every operation that a storage can have, on files in memory: to be read beside the contract, not for use.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem;
use std::rc::Rc;
use strongroom_guest::*;

/// The bytes that all files may take.
pub const CAPACITY: u64 = 64 << 20;

thread_local!(static FREE: Cell<u64> = const { Cell::new(CAPACITY) });

/// What there is, by its path without links. Two paths of one node are hard links.
pub struct Simple(RefCell<BTreeMap<String, Rc<Node>>>);

/// A file with its bytes, a link with its target, or a directory.
pub struct Node {
    attributes: RefCell<Attributes>,
    bytes: RefCell<Vec<u8>>,
}

pub struct OpenFile {
    node: Rc<Node>,
    appends: bool,
}

export!(Simple);
wants! { "simple": "Files in memory, with every operation that a storage can have"; }

impl Storage for Simple {
    type Session = Self;

    async fn connect(_client: Client, _settings: &mut Settings) -> Result<Connected<Self>> {
        let simple = Self(RefCell::default());
        simple.add("/", Node::new(Attributes::directory(), 0o755))?;
        Ok(Connected::new(simple).with_features(tree::TreeSession::features()))
    }
}

impl Session for Simple {
    type File = OpenFile;
    type Directory = Listing;

    async fn open(&self, path: &str, flags: OpenFlags, permissions: u16) -> Result<OpenFile> {
        let path = self.resolve(path, !flags.contains(OpenFlags::EXCLUSIVE)).await?;
        let node = match self.get(&path) {
            Ok(_) if flags.contains(OpenFlags::EXCLUSIVE) => return Err(ErrorCode::AlreadyExists.into()),
            Err(_) if flags.contains(OpenFlags::CREATE) => {
                self.add(&path, Node::new(Attributes::file(0), permissions))?
            }
            node => node?,
        };
        if node.is_directory() {
            return Err(ErrorCode::IsADirectory.into());
        } else if flags.contains(OpenFlags::TRUNCATE) {
            node.resize(0)?;
        }
        Ok(OpenFile { node, appends: flags.contains(OpenFlags::APPEND) })
    }

    async fn open_directory(&self, path: &str) -> Result<Listing> {
        let path = self.resolve(path, true).await?;
        if self.get(&path)?.is_directory() {
            Ok(Listing::new(self.list(&path)))
        } else {
            Err(ErrorCode::NotADirectory.into())
        }
    }

    async fn stat(&self, path: &str, follow: bool) -> Result<Attributes> {
        Ok(self.get(&self.resolve(path, follow).await?)?.attributes())
    }

    async fn set_stat(&self, path: &str, follow: bool, changes: AttributeChanges) -> Result<()> {
        self.get(&self.resolve(path, follow).await?)?.change(&changes)
    }

    async fn real_path(&self, path: &str) -> Result<String> {
        self.resolve(path, true).await
    }

    async fn make_directory(&self, path: &str, permissions: u16) -> Result<()> {
        self.add(&self.resolve(path, false).await?, Node::new(Attributes::directory(), permissions)).map(drop)
    }

    async fn remove_directory(&self, path: &str) -> Result<()> {
        self.take_out(&self.resolve(path, false).await?, true)
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.take_out(&self.resolve(path, false).await?, false)
    }

    async fn rename(&self, source: &str, destination: &str, replace: bool) -> Result<()> {
        let (from, to) = (self.resolve(source, false).await?, self.resolve(destination, false).await?);
        let (node, inside) = (self.get(&from)?, format!("{from}/"));
        match self.get(&to) {
            _ if from == "/" || to.starts_with(&inside) => return Err(ErrorCode::InvalidArgument.into()),
            Ok(_) if !replace => return Err(ErrorCode::AlreadyExists.into()),
            Ok(other) if Rc::ptr_eq(&other, &node) => return Ok(()),
            Ok(_) => self.take_out(&to, node.is_directory())?,
            Err(_) => {}
        }
        let renamed = |path: String| match path.strip_prefix(&from) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{to}{rest}"),
            _ => path,
        };
        self.0.replace_with(|nodes| mem::take(nodes).into_iter().map(|(path, node)| (renamed(path), node)).collect());
        Ok(())
    }

    async fn read_link(&self, path: &str) -> Result<String> {
        self.get(&self.resolve(path, false).await?)?.target().ok_or(ErrorCode::InvalidArgument.into())
    }

    async fn symlink(&self, target: &str, path: &str) -> Result<()> {
        let link = Node::new(Attributes::symlink(target), 0o777);
        link.resize(target.len() as u64)?;
        link.bytes.borrow_mut().copy_from_slice(target.as_bytes());
        self.add(&self.resolve(path, false).await?, link).map(drop)
    }

    async fn hard_link(&self, existing: &str, path: &str) -> Result<()> {
        match self.get(&self.resolve(existing, false).await?)? {
            node if node.is_directory() => Err(ErrorCode::PermissionDenied.into()),
            node => self.add(&self.resolve(path, false).await?, node).map(drop),
        }
    }

    async fn usage(&self, path: &str) -> Result<Usage> {
        self.stat(path, true).await?;
        Ok(Usage::of_bytes(CAPACITY, FREE.get()))
    }
}

impl File for OpenFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        Ok(slice(&self.node.bytes.borrow(), offset, length).to_vec())
    }

    async fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let size = self.node.bytes.borrow().len() as u64;
        let begin = if self.appends { size } else { offset };
        let end = begin.checked_add(data.len() as u64).ok_or(ErrorCode::FileTooLarge)?;
        self.node.resize(size.max(end))?;
        self.node.bytes.borrow_mut()[begin as usize..end as usize].copy_from_slice(data);
        Ok(())
    }

    async fn stat(&self) -> Result<Attributes> {
        Ok(self.node.attributes())
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
        self.node.change(&changes)
    }

    async fn usage(&self) -> Result<Usage> {
        Ok(Usage::of_bytes(CAPACITY, FREE.get()))
    }

    async fn sync(&self) -> Result<()> {
        Ok(()) // What was written is as safe as it will ever be.
    }
}

impl Simple {
    async fn resolve(&self, path: &str, follow: bool) -> Result<String> {
        let look = async |path: &str| self.get(path).map(|node| (node.kind(), node.target()));
        path::resolve(path, follow, look).await
    }

    fn get(&self, path: &str) -> Result<Rc<Node>> {
        self.0.borrow().get(path).cloned().ok_or(ErrorCode::NoSuchFile.into())
    }

    fn list(&self, directory: &str) -> Vec<(String, Attributes)> {
        let nodes = self.0.borrow();
        let inside = nodes.iter().filter_map(|(path, node)| Some((path::name_in(directory, path)?, node.attributes())));
        inside.map(|(name, attributes)| (name.to_owned(), attributes)).collect()
    }

    fn add(&self, path: &str, node: Rc<Node>) -> Result<Rc<Node>> {
        match self.0.borrow_mut().entry(path.to_owned()) {
            Entry::Occupied(_) => Err(ErrorCode::AlreadyExists.into()),
            Entry::Vacant(place) => Ok(place.insert(node).clone()),
        }
    }

    fn take_out(&self, path: &str, as_directory: bool) -> Result<()> {
        match (self.get(path)?.is_directory(), as_directory) {
            (true, false) => Err(ErrorCode::IsADirectory.into()),
            (false, true) => Err(ErrorCode::NotADirectory.into()),
            (true, true) if path == "/" || !self.list(path).is_empty() => Err(ErrorCode::NotEmpty.into()),
            _ => self.0.borrow_mut().remove(path).map(drop).ok_or(ErrorCode::NoSuchFile.into()),
        }
    }
}

impl Node {
    fn new(attributes: Attributes, permissions: u16) -> Rc<Self> {
        let attributes = attributes.with_permissions(permissions).with_modified(Timestamp::now());
        Rc::new(Self { attributes: RefCell::new(attributes), bytes: RefCell::default() })
    }

    fn attributes(&self) -> Attributes {
        self.attributes.borrow().clone()
    }

    fn kind(&self) -> FileKind {
        self.attributes.borrow().kind
    }

    fn is_directory(&self) -> bool {
        self.kind() == FileKind::Directory
    }

    fn target(&self) -> Option<String> {
        (self.kind() == FileKind::Symlink).then(|| String::from_utf8_lossy(&self.bytes.borrow()).into_owned())
    }

    fn resize(&self, size: u64) -> Result<()> {
        let before = self.bytes.borrow().len() as u64;
        FREE.set((FREE.get() + before).checked_sub(size).ok_or(ErrorCode::NoSpace)?);
        self.bytes.borrow_mut().resize(size as usize, 0);
        let mut attributes = self.attributes.borrow_mut();
        (attributes.size, attributes.modified) = (Some(size), Some(Timestamp::now()));
        Ok(())
    }

    fn change(&self, changes: &AttributeChanges) -> Result<()> {
        match changes.size {
            Some(_) if self.is_directory() => return Err(ErrorCode::IsADirectory.into()),
            Some(size) => self.resize(size)?,
            None => {}
        }
        Ok(self.attributes.borrow_mut().apply(changes)?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        FREE.set(FREE.get() + self.bytes.borrow().len() as u64);
    }
}
