//! Every operation that a storage can have, on files in memory: to be read beside the contract, not for use.

use std::cell::RefCell;
use std::rc::Rc;
use strongroom_guest::*;

/// The bytes that all files may take.
pub const CAPACITY: u64 = 64 << 20;

pub struct Simple {
    /// By their paths without links. Two names of one node are hard links.
    names: Names<Rc<Node>>,
    room: Rc<Room>,
}

/// A file with its bytes, a link with its target, or a directory.
pub struct Node {
    attributes: RefCell<Attributes>,
    bytes: GrowingBytes,
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
        let room = Room::new(CAPACITY);
        let names = Names::new(Node::new(FileKind::Directory, 0o755, &room));
        Ok(Connected::new(Self { names, room }).with_features(tree::TreeSession::features()))
    }
}

impl Session for Simple {
    type File = OpenFile;
    type Directory = Listing;

    async fn open(&self, path: &str, flags: OpenFlags, permissions: u16) -> Result<OpenFile> {
        let path = self.resolve(path, !flags.contains(OpenFlags::EXCLUSIVE)).await?;
        if flags.must_create(self.names.get(&path).is_ok())? {
            self.names.add(&path, Node::new(FileKind::Regular, permissions, &self.room))?;
        }
        let node = self.names.get(&path)?;
        node.attributes().refuse_directory()?;
        if flags.contains(OpenFlags::TRUNCATE) {
            node.change(&AttributeChanges { size: Some(0), ..AttributeChanges::NONE })?;
        }
        Ok(OpenFile { node, appends: flags.contains(OpenFlags::APPEND) })
    }

    async fn open_directory(&self, path: &str) -> Result<Listing> {
        let path = self.resolve(path, true).await?;
        self.names.get(&path)?.attributes().require_directory()?;
        let entries = self.names.list(&path).into_iter();
        Ok(Listing::new(entries.map(|(name, node)| (name, node.attributes()))))
    }

    async fn stat(&self, path: &str, follow: bool) -> Result<Attributes> {
        Ok(self.find(path, follow).await?.attributes())
    }

    async fn set_stat(&self, path: &str, follow: bool, changes: AttributeChanges) -> Result<()> {
        self.find(path, follow).await?.change(&changes)
    }

    async fn real_path(&self, path: &str) -> Result<String> {
        self.resolve(path, true).await
    }

    async fn make_directory(&self, path: &str, permissions: u16) -> Result<()> {
        let directory = Node::new(FileKind::Directory, permissions, &self.room);
        self.names.add(&self.resolve(path, false).await?, directory)
    }

    async fn remove_directory(&self, path: &str) -> Result<()> {
        self.take_out(&self.resolve(path, false).await?, true)
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.take_out(&self.resolve(path, false).await?, false)
    }

    async fn rename(&self, source: &str, destination: &str, replace: bool) -> Result<()> {
        let (from, to) = (self.resolve(source, false).await?, self.resolve(destination, false).await?);
        let node = self.names.get(&from)?;
        match self.names.get(&to) {
            _ if path::is_beneath(&to, &from) => return Err(ErrorCode::InvalidArgument.into()),
            Ok(_) if !replace => return Err(ErrorCode::AlreadyExists.into()),
            Ok(other) if Rc::ptr_eq(&other, &node) => return Ok(()),
            Ok(_) => self.take_out(&to, node.attributes().is_directory())?,
            Err(_) => {}
        }
        self.names.rename(&from, &to);
        Ok(())
    }

    async fn read_link(&self, path: &str) -> Result<String> {
        self.find(path, false).await?.target().ok_or(ErrorCode::InvalidArgument.into())
    }

    async fn symlink(&self, target: &str, path: &str) -> Result<()> {
        let link = Node::new(FileKind::Symlink, 0o777, &self.room);
        link.bytes.write(0, target.as_bytes())?;
        self.names.add(&self.resolve(path, false).await?, link)
    }

    async fn hard_link(&self, existing: &str, path: &str) -> Result<()> {
        let node = self.find(existing, false).await?;
        node.attributes().refuse_directory().map_err(|_| ErrorCode::PermissionDenied)?;
        self.names.add(&self.resolve(path, false).await?, node)
    }

    async fn usage(&self, path: &str) -> Result<Usage> {
        self.find(path, true).await.map(|_| self.room.usage())
    }
}

impl File for OpenFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        Ok(self.node.bytes.read(offset, length))
    }

    async fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let bytes = &self.node.bytes;
        bytes.write(if self.appends { bytes.size() } else { offset }, data)?;
        self.node.touch();
        Ok(())
    }

    async fn stat(&self) -> Result<Attributes> {
        Ok(self.node.attributes())
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
        self.node.change(&changes)
    }

    async fn usage(&self) -> Result<Usage> {
        Ok(self.node.bytes.room().usage())
    }

    async fn sync(&self) -> Result<()> {
        Ok(()) // What was written is as safe as it will ever be.
    }
}

impl Simple {
    async fn resolve(&self, path: &str, follow: bool) -> Result<String> {
        let look = async |path: &str| self.names.get(path).map(|node| (node.attributes().kind, node.target()));
        path::resolve(path, follow, look).await
    }

    async fn find(&self, path: &str, follow: bool) -> Result<Rc<Node>> {
        self.names.get(&self.resolve(path, follow).await?)
    }

    fn take_out(&self, path: &str, as_directory: bool) -> Result<()> {
        match (self.names.get(path)?.attributes().is_directory(), as_directory) {
            (true, false) => Err(ErrorCode::IsADirectory.into()),
            (false, true) => Err(ErrorCode::NotADirectory.into()),
            _ => self.names.remove(path),
        }
    }
}

impl Node {
    fn new(kind: FileKind, permissions: u16, room: &Rc<Room>) -> Rc<Self> {
        let attributes = Attributes::new(kind).with_permissions(permissions).with_modified(Timestamp::now());
        Rc::new(Self { attributes: RefCell::new(attributes), bytes: GrowingBytes::new(room) })
    }

    fn attributes(&self) -> Attributes {
        Attributes { size: Some(self.bytes.size()), ..self.attributes.borrow().clone() }
    }

    fn target(&self) -> Option<String> {
        let is_link = self.attributes.borrow().kind == FileKind::Symlink;
        is_link.then(|| String::from_utf8_lossy(&self.bytes.read(0, u32::MAX)).into_owned())
    }

    fn touch(&self) {
        self.attributes.borrow_mut().modified = Some(Timestamp::now());
    }

    fn change(&self, changes: &AttributeChanges) -> Result<()> {
        if let Some(size) = changes.size {
            self.attributes().refuse_directory()?;
            self.bytes.resize(size)?;
            self.touch();
        }
        Ok(self.attributes.borrow_mut().apply(changes)?)
    }
}
