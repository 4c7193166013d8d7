//! Names: each operation as the tree has it, but for the lies.

use crate::directory::WrongDirectory;
use crate::file::WrongFile;
use crate::unlock;
use crate::upload::{contents, put};
use crate::world::{World, pause};
use std::rc::Rc;
use strongroom_guest::{
    AttributeChanges, Attributes, Error, ErrorCode, FileKind, OpenFlags, Result, Session, Timestamp, Usage, path,
};

pub struct WrongSession {
    pub(crate) world: Rc<World>,
}

/// Another code in place of the one that the contract wants, from a storage that lies so.
fn twisted<T>(result: Result<T>, lies: bool, code: ErrorCode) -> Result<T> {
    result.map_err(|error| if lies && error.code == code { ErrorCode::Failure.into() } else { error })
}

/// Success in place of an error, likewise.
fn ignored(result: Result<()>, lies: bool, code: ErrorCode) -> Result<()> {
    match result {
        Err(error) if lies && error.code == code => Ok(()),
        result => result,
    }
}

impl WrongSession {
    fn lies(&self, lie: &str) -> bool {
        self.world.lies(lie)
    }

    async fn flags(&self, path: &str, flags: OpenFlags) -> OpenFlags {
        let at = self.world.at(path).await;
        let kind = at.as_ref().map(|found| found.kind);
        let mut flags = flags;
        if self.lies("open-create") && flags.contains(OpenFlags::CREATE) && kind == Some(FileKind::Regular) {
            flags |= OpenFlags::TRUNCATE;
        }
        if self.lies("open-truncate") && at.is_some_and(|found| found.size < Some(64)) {
            flags -= OpenFlags::TRUNCATE;
        }
        if self.lies("open-append") {
            flags -= OpenFlags::APPEND;
        }
        if self.lies("open-exclusive") && kind == Some(FileKind::Regular)
            || self.lies("open-exclusive-link") && kind == Some(FileKind::Symlink)
        {
            flags -= OpenFlags::EXCLUSIVE;
        }
        flags
    }

    /// What a call looks at, if it has that to itself.
    async fn looked_at(&self, path: &str) -> String {
        if !self.lies("overlap-looks") {
            return path.to_owned();
        }
        *self.world.shared_path.borrow_mut() = path.to_owned();
        pause().await;
        self.world.shared_path.borrow().clone()
    }

    async fn keep_extended(&self, path: &str, changes: &mut AttributeChanges) -> Result<()> {
        if changes.extended.is_empty() || !self.world.is_rich() {
            return Ok(());
        }
        let real = self.world.tree.real_path(path).await?;
        let extended = std::mem::take(&mut changes.extended);
        if !self.lies("extended-attributes") {
            self.world.extended.borrow_mut().insert(real, extended);
        }
        Ok(())
    }

    async fn twist(&self, path: &str, changes: &mut AttributeChanges) -> Result<()> {
        let is_file = self.world.is(path, FileKind::Regular).await;
        let size = self.world.at(path).await.and_then(|found| found.size);
        if self.lies("set-size") && is_file && changes.size > size {
            changes.size = None;
        }
        if self.lies("permissions") {
            changes.permissions = changes.permissions.map(|bits| bits & !0o040);
        }
        if self.lies("times") {
            changes.accessed = changes.modified;
        }
        if self.lies("ownership") {
            (changes.uid, changes.gid) = (None, None);
        }
        if self.lies("set-stat-nothing") && *changes == AttributeChanges::NONE {
            changes.modified = Some(Timestamp::from_seconds(1));
        }
        if self.lies("set-stat-before-stays") && !changes.extended.is_empty() {
            return Err(ErrorCode::Unsupported.into());
        }
        let extended = std::mem::take(&mut changes.extended);
        if !(self.lies("unclaimed") && *changes == AttributeChanges::NONE) {
            changes.extended = extended;
        }
        Ok(())
    }
}

impl Session for WrongSession {
    type File = WrongFile;
    type Directory = WrongDirectory;

    async fn open(&self, path: &str, flags: OpenFlags, permissions: u16) -> Result<WrongFile> {
        let world = &self.world;
        let flags = self.flags(path, flags).await;
        let permissions = if self.lies("open-permissions") { permissions & !0o040 } else { permissions };
        if self.lies("link-absolute") && world.tree.read_link(path).await.is_ok_and(|target| target.starts_with('/')) {
            return Err(ErrorCode::PermissionDenied.into());
        }
        let opened = WrongFile::open(world, path, flags, permissions).await;
        let is_missing = self.lies("open-missing") && world.is_vacant(path).await;
        let opened = twisted(opened, is_missing, ErrorCode::NoSuchFile);
        twisted(opened, self.lies("open-a-directory"), ErrorCode::IsADirectory)
    }

    async fn open_directory(&self, path: &str) -> Result<WrongDirectory> {
        let opened = WrongDirectory::open(&self.world, path).await;
        let is_file = self.lies("list-a-file") && self.world.at(path).await.is_some();
        let opened = twisted(opened, is_file, ErrorCode::NotADirectory);
        twisted(opened, self.lies("list-missing"), ErrorCode::NoSuchFile)
    }

    async fn stat(&self, path: &str, follow: bool) -> Result<Attributes> {
        let path = self.looked_at(path).await;
        let world = &self.world;
        let itself = world.tree.stat(&path, false).await;
        let mut found = world.tree.stat(&path, follow).await;
        if let Ok(link) = itself
            && link.kind == FileKind::Symlink
            && (self.lies("stat-link") && found.is_ok() || self.lies("stat-dangling") && is_missing(&found))
        {
            found = Ok(link);
        }
        let is_missing = self.lies("stat-missing") && follow && world.is_vacant(&path).await;
        let found = twisted(found, is_missing, ErrorCode::NoSuchFile);
        let found = twisted(found, self.lies("behind-a-file"), ErrorCode::NotADirectory);
        let mut found = twisted(found, self.lies("link-loop"), ErrorCode::Loop)?;
        if self.lies("stat") && follow {
            found.size = found.size.map(|size| size + 1);
        }
        if self.lies("times-nanoseconds")
            && let Some(time) = &mut found.modified
            && time.nanoseconds == 999_999_999
        {
            time.nanoseconds += 1;
        }
        if let Ok(real) = world.tree.real_path(&path).await {
            found.extended = world.extended.borrow().get(&real).cloned().unwrap_or_default();
        }
        Ok(found)
    }

    async fn set_stat(&self, path: &str, follow: bool, changes: AttributeChanges) -> Result<()> {
        let is_nothing = changes == AttributeChanges::NONE;
        if !is_nothing {
            self.world.may_change()?;
        }
        let mut changes = changes;
        self.twist(path, &mut changes).await?;
        if self.lies("set-stat-first-fails") {
            let first = AttributeChanges { permissions: changes.permissions, ..AttributeChanges::NONE };
            self.world.tree.set_stat(path, follow, first).await?;
        }
        self.keep_extended(path, &mut changes).await?;
        let set = self.world.tree.set_stat(path, follow, changes).await;
        ignored(set, self.lies("set-stat-missing") && is_nothing, ErrorCode::NoSuchFile)
    }

    async fn real_path(&self, path: &str) -> Result<String> {
        let world = &self.world;
        let real = match world.tree.real_path(path).await {
            Err(_) if self.lies("real-path-behind-nothing") => return Ok(path.to_owned()),
            real => real?,
        };
        if self.lies("real-path-missing") && world.at(&real).await.is_none() {
            return Err(ErrorCode::NoSuchFile.into());
        }
        if self.lies("real-path") && world.is(&real, FileKind::Directory).await {
            return Ok(format!("{real}/"));
        }
        Ok(if self.lies("real-path-links") { path.to_owned() } else { real })
    }

    async fn make_directory(&self, path: &str, permissions: u16) -> Result<()> {
        self.world.may_change()?;
        let permissions = if self.lies("make-directory-permissions") { permissions & 0o700 } else { permissions };
        let is_there = self.lies("make-directory-exists") && self.world.is(path, FileKind::Directory).await;
        let made = self.world.tree.make_directory(path, permissions).await;
        let made = ignored(made, is_there, ErrorCode::AlreadyExists);
        twisted(made, self.lies("behind-nothing"), ErrorCode::NoSuchFile)
    }

    async fn remove_directory(&self, path: &str) -> Result<()> {
        self.world.may_change()?;
        if self.lies("remove-directory") && self.world.is(path, FileKind::Directory).await {
            let listed = WrongDirectory::open(&self.world, path).await?;
            if strongroom_guest::Directory::read(&listed, 1).await?.is_empty() {
                return Ok(());
            }
        }
        let removed = self.world.tree.remove_directory(path).await;
        let removed = twisted(removed, self.lies("remove-directory-not-empty"), ErrorCode::NotEmpty);
        let removed = twisted(removed, self.lies("remove-directory-a-file"), ErrorCode::NotADirectory);
        ignored(removed, self.lies("remove-directory-missing"), ErrorCode::NoSuchFile)
    }

    async fn remove(&self, path: &str) -> Result<()> {
        let world = &self.world;
        world.may_change()?;
        let at = world.at(path).await;
        if self.lies("remove") && at.as_ref().is_some_and(|found| found.size == Some(0)) {
            return Ok(());
        }
        if self.lies("remove-link") && at.is_some_and(|found| found.kind == FileKind::Symlink) {
            world.tree.remove(&world.tree.real_path(path).await?).await.ok();
        }
        let removed = world.tree.remove(path).await;
        let removed = twisted(removed, self.lies("remove-a-directory"), ErrorCode::IsADirectory);
        ignored(removed, self.lies("remove-missing"), ErrorCode::NoSuchFile)
    }

    async fn rename(&self, source: &str, destination: &str, replace: bool) -> Result<()> {
        let (world, tree) = (&self.world, &self.world.tree);
        world.may_change()?;
        let is_there = world.at(destination).await.is_some();
        let is_directory = world.is(source, FileKind::Directory).await;
        if self.lies("rename-missing") && world.at(source).await.is_none()
            || self.lies("rename-replace") && replace && is_there
        {
            return if is_there { Err(ErrorCode::AlreadyExists.into()) } else { Ok(()) };
        }
        if self.lies("rename-directory") && is_directory {
            return Err(ErrorCode::Failure.into());
        }
        let parent = |path| path::split(path).map(|(parent, _)| parent.to_owned());
        if self.lies("rename") && !is_directory && !is_there && parent(source) != parent(destination) {
            return tree.hard_link(source, destination).await;
        }
        let replaces = self.lies("rename-exists") && world.is(destination, FileKind::Regular).await;
        tree.rename(source, destination, replace || replaces).await
    }

    async fn read_link(&self, path: &str) -> Result<String> {
        let target = self.world.tree.read_link(path).await;
        let target = twisted(target, self.lies("read-link-no-link"), ErrorCode::InvalidArgument)?;
        Ok(if self.lies("read-link") { target.trim_end_matches('/').to_owned() } else { target })
    }

    async fn symlink(&self, target: &str, path: &str) -> Result<()> {
        if self.lies("unchanged") {
            return Ok(());
        }
        self.world.may_change()?;
        if self.lies("symlink-exists") && self.world.is(path, FileKind::Symlink).await {
            self.world.tree.remove(path).await?;
        }
        self.world.tree.symlink(target, path).await
    }

    async fn hard_link(&self, existing: &str, path: &str) -> Result<()> {
        let (world, tree) = (&self.world, &self.world.tree);
        world.may_change()?;
        let is_link = world.is(existing, FileKind::Symlink).await;
        if self.lies("hard-link") && !is_link && world.is_vacant(path).await {
            return put(tree, path, &contents(tree, existing).await?, 0o644).await;
        }
        if self.lies("hard-link-of-link") && is_link {
            return tree.hard_link(&tree.real_path(existing).await?, path).await;
        }
        if self.lies("hard-link-exists") && world.is(path, FileKind::Regular).await {
            tree.remove(path).await?;
        }
        tree.hard_link(existing, path).await
    }

    async fn usage(&self, path: &str) -> Result<Usage> {
        let mut usage = self.world.tree.usage(path).await?;
        if self.lies("usage") {
            usage.blocks_free = usage.blocks + 1;
        }
        Ok(usage)
    }

    async fn close(self) -> Result<()> {
        if self.lies("kill-and-reconnect") {
            unlock();
        }
        if self.lies("close-session") { Err(ErrorCode::Failure.into()) } else { Ok(()) }
    }
}

fn is_missing(found: &Result<Attributes, Error>) -> bool {
    found.as_ref().is_err_and(|error| error.code == ErrorCode::NoSuchFile)
}
