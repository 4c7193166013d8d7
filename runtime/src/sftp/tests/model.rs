//! A storage in memory that keeps the contract and watches that the protocol does: who overlaps whom, what is closed and
//! when, and that no answer is asked of what is gone.

use crate::storage::*;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// No file grows beyond this.
const MAX_FILE_BYTES: u64 = 8 << 20;

pub type Answered = Result<Answer, Error>;

#[derive(Clone, Debug)]
pub struct Node {
    pub attributes: Attributes,
    pub data: Vec<u8>,
    pub target: String,
}

#[derive(Debug, Default)]
pub struct Model {
    pub nodes: BTreeMap<u64, Node>,
    pub names: BTreeMap<String, u64>,
    pub files: HashMap<FileId, (u64, OpenFlags)>,
    pub directories: HashMap<DirectoryId, VecDeque<DirectoryEntry>>,
    /// Every file that was closed, in order.
    pub closed: Vec<Ending>,
    pub session_closed: bool,
    /// Errors to answer the next calls with, whatever they are.
    pub failures: VecDeque<Error>,
    /// The most that one `Copy` copies.
    pub max_copy: Option<u64>,
    next_node: u64,
}

/// What a call excludes while it is in flight, by the contract's *Concurrency*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Paths,
    File(FileId),
    Directory(DirectoryId),
}

fn subjects(call: &Call<'_>) -> Vec<(Subject, bool)> {
    use Call::*;
    match call {
        Open { flags, .. } => {
            vec![(Subject::Paths, flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE))]
        }
        OpenDirectory { .. } | Stat { .. } | RealPath { .. } | ReadLink { .. } | Usage { .. } => {
            vec![(Subject::Paths, false)]
        }
        SetStat { .. }
        | MakeDirectory { .. }
        | RemoveDirectory { .. }
        | Remove { .. }
        | Rename { .. }
        | Symlink { .. }
        | HardLink { .. } => vec![(Subject::Paths, true)],
        Read { file, .. } | FileStat { file } => vec![(Subject::File(*file), false)],
        Write { file, .. }
        | FileSetStat { file, .. }
        | FileUsage { file }
        | FileSync { file }
        | CloseFile { file, .. } => vec![(Subject::File(*file), true)],
        Copy { source, destination, .. } if source == destination => vec![(Subject::File(*source), true)],
        Copy { source, destination, .. } => {
            vec![(Subject::File(*source), false), (Subject::File(*destination), true)]
        }
        ReadDirectory { directory, .. } | CloseDirectory { directory } => {
            vec![(Subject::Directory(*directory), true)]
        }
        CloseSession => vec![],
    }
}

/// Whether the contract lets both be in flight.
pub fn may_overlap(a: &Call<'_>, b: &Call<'_>) -> bool {
    let last = |call: &Call<'_>| matches!(call, Call::CloseSession);
    let clash = subjects(a)
        .iter()
        .any(|(subject, exclusive)| subjects(b).iter().any(|(other, also)| subject == other && (*exclusive || *also)));
    !clash && !last(a) && !last(b)
}

impl Model {
    pub fn new() -> Self {
        let mut model = Self::default();
        model.put("/", FileKind::Directory, b"");
        model
    }

    pub fn put(&mut self, path: &str, kind: FileKind, data: &[u8]) -> u64 {
        let number = self.next_node;
        self.next_node += 1;
        let permissions = if kind == FileKind::Directory { 0o755 } else { 0o644 };
        let attributes = Attributes {
            kind,
            permissions: Some(permissions),
            uid: Some(1000),
            gid: Some(1000),
            modified: Some(Timestamp { seconds: 1_000_000_000, nanoseconds: 0 }),
            accessed: Some(Timestamp { seconds: 1_000_000_001, nanoseconds: 0 }),
            ..Attributes::default()
        };
        self.nodes.insert(number, Node { attributes, data: data.to_vec(), target: String::new() });
        self.names.insert(path.to_owned(), number);
        number
    }

    pub fn put_link(&mut self, path: &str, target: &str) {
        let number = self.put(path, FileKind::Symlink, b"");
        self.nodes.get_mut(&number).unwrap().target = target.to_owned();
    }

    pub fn data(&self, path: &str) -> &[u8] {
        &self.nodes[&self.names[path]].data
    }

    pub fn node_mut(&mut self, path: &str) -> &mut Node {
        self.nodes.get_mut(&self.names[path]).unwrap()
    }

    /// The instance died: nothing is open any more, and names stay.
    pub fn die(&mut self) {
        self.files.clear();
        self.directories.clear();
    }

    /// The path with links followed, of the last component too if `follow`. The last may be missing.
    fn walk(&self, path: &StoragePath, follow: bool, hops: u32) -> Result<String, Error> {
        let mut at = String::new();
        let components: Vec<&str> = path.as_str().split('/').filter(|part| !part.is_empty()).collect();
        for (position, component) in components.iter().enumerate() {
            let last = position + 1 == components.len();
            let next = format!("{at}/{component}");
            let node = self.names.get(&next).and_then(|number| self.nodes.get(number));
            match node.map(|node| node.attributes.kind) {
                Some(FileKind::Symlink) if !last || follow => {
                    if hops == 0 {
                        return Err(ErrorCode::Loop.into());
                    }
                    let parent = StoragePath::resolve(&StoragePath::root(), &at).unwrap();
                    let target = StoragePath::resolve(&parent, &node.unwrap().target).unwrap();
                    let rest = components[position + 1..].join("/");
                    let whole = StoragePath::resolve(&target, &rest).unwrap();
                    return self.walk(&whole, follow, hops - 1);
                }
                Some(FileKind::Directory) => {}
                Some(_) if !last => return Err(ErrorCode::NotADirectory.into()),
                None if !last => return Err(ErrorCode::NoSuchFile.into()),
                _ => {}
            }
            at = next;
        }
        Ok(if at.is_empty() { "/".to_owned() } else { at })
    }

    fn find(&self, path: &StoragePath, follow: bool) -> Result<(String, u64), Error> {
        let path = self.walk(path, follow, 8)?;
        let number = *self.names.get(&path).ok_or(ErrorCode::NoSuchFile)?;
        Ok((path, number))
    }

    /// Where something new may be.
    fn vacant(&self, path: &StoragePath) -> Result<String, Error> {
        let path = self.walk(path, false, 8)?;
        if self.names.contains_key(&path) { Err(ErrorCode::AlreadyExists.into()) } else { Ok(path) }
    }

    fn attributes(&self, number: u64) -> Attributes {
        let node = &self.nodes[&number];
        let size = if node.attributes.kind == FileKind::Symlink { node.target.len() } else { node.data.len() };
        let links = self.names.values().filter(|other| **other == number).count();
        Attributes { size: Some(size as u64), link_count: Some(links as u64), ..node.attributes.clone() }
    }

    fn change(&mut self, number: u64, changes: AttributeChanges) -> Answered {
        let node = self.nodes.get_mut(&number).unwrap();
        if let Some(size) = changes.size {
            fits(size)?;
            node.data.resize(usize::try_from(size).unwrap(), 0);
        }
        let attributes = &mut node.attributes;
        attributes.permissions = changes.permissions.or(attributes.permissions);
        attributes.uid = changes.uid.or(attributes.uid);
        attributes.gid = changes.gid.or(attributes.gid);
        attributes.accessed = changes.accessed.or(attributes.accessed);
        attributes.modified = changes.modified.or(attributes.modified);
        attributes.extended.extend(changes.extended);
        Ok(Answer::Done)
    }

    fn children(&self, path: &str) -> Vec<(String, u64)> {
        let prefix = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        self.names
            .iter()
            .filter_map(|(name, number)| Some((name.strip_prefix(&prefix)?.to_owned(), *number)))
            .filter(|(rest, _)| !rest.is_empty() && !rest.contains('/'))
            .collect()
    }

    fn open_file(&self, file: FileId) -> (u64, OpenFlags) {
        *self.files.get(&file).unwrap_or_else(|| panic!("{file:?} is not open"))
    }

    /// Carries a call out.
    pub fn answer(&mut self, call: Call<'_>) -> Answered {
        assert!(!self.session_closed, "{call:?} after the session's last call");
        if let Call::CloseFile { file, ending } = call {
            assert!(self.files.remove(&file).is_some(), "{file:?} is closed twice");
            self.closed.push(ending);
        }
        if let Call::CloseDirectory { directory } = call {
            assert!(self.directories.remove(&directory).is_some(), "{directory:?} is closed twice");
        }
        if let Some(error) = self.failures.pop_front() {
            return Err(error);
        }
        match call {
            Call::Open { file, path, flags, permissions } => self.open(file, &path, flags, permissions),
            Call::OpenDirectory { directory, path } => self.open_directory(directory, &path),
            Call::Stat { path, follow } => {
                self.find(&path, follow).map(|(_, number)| Answer::Attributes(self.attributes(number)))
            }
            Call::SetStat { path, follow, changes } => {
                let (_, number) = self.find(&path, follow)?;
                self.change(number, changes)
            }
            Call::RealPath { path } => Ok(Answer::Path(StoragePath::from_normal(self.walk(&path, true, 8)?).unwrap())),
            Call::MakeDirectory { path, permissions } => {
                let path = self.vacant(&path)?;
                let number = self.put(&path, FileKind::Directory, b"");
                self.change(number, AttributeChanges { permissions: Some(permissions), ..Default::default() })
            }
            Call::RemoveDirectory { path } => self.remove_directory(&path),
            Call::Remove { path } => {
                let (path, number) = self.find(&path, false)?;
                if self.nodes[&number].attributes.kind == FileKind::Directory {
                    return Err(ErrorCode::IsADirectory.into());
                }
                self.names.remove(&path);
                Ok(Answer::Done)
            }
            Call::Rename { source, destination, replace } => self.rename(&source, &destination, replace),
            Call::ReadLink { path } => {
                let (_, number) = self.find(&path, false)?;
                match &self.nodes[&number] {
                    node if node.attributes.kind == FileKind::Symlink => Ok(Answer::Target(node.target.clone())),
                    _ => Err(ErrorCode::InvalidArgument.into()),
                }
            }
            Call::Symlink { target, path } => {
                let path = self.vacant(&path)?;
                self.put_link(&path, &target);
                Ok(Answer::Done)
            }
            Call::HardLink { existing, path } => {
                let (_, number) = self.find(&existing, false)?;
                let path = self.vacant(&path)?;
                self.names.insert(path, number);
                Ok(Answer::Done)
            }
            Call::Usage { path } => self.find(&path, true).map(|_| Answer::Usage(usage())),
            Call::Read { file, offset, length } => {
                let (number, flags) = self.open_file(file);
                assert!(flags.contains(OpenFlags::READ) && length > 0);
                let data = &self.nodes[&number].data;
                let start = usize::try_from(offset).unwrap().min(data.len());
                let end = start.saturating_add(length as usize).min(data.len());
                Ok(Answer::Data(data[start..end].to_vec()))
            }
            Call::Write { file, offset, data } => {
                let (number, flags) = self.open_file(file);
                assert!(flags.contains(OpenFlags::WRITE));
                fits(offset.checked_add(data.len() as u64).unwrap())?;
                let content = &mut self.nodes.get_mut(&number).unwrap().data;
                let at = if flags.contains(OpenFlags::APPEND) { content.len() } else { offset as usize };
                if content.len() < at + data.len() {
                    content.resize(at + data.len(), 0);
                }
                content[at..at + data.len()].copy_from_slice(data);
                Ok(Answer::Done)
            }
            Call::FileStat { file } => Ok(Answer::Attributes(self.attributes(self.open_file(file).0))),
            Call::FileSetStat { file, changes } => self.change(self.open_file(file).0, changes),
            Call::FileUsage { file } => {
                self.open_file(file);
                Ok(Answer::Usage(usage()))
            }
            Call::FileSync { file } => {
                self.open_file(file);
                Ok(Answer::Done)
            }
            Call::Copy { source, source_offset, length, destination, destination_offset } => {
                self.copy((source, source_offset), length, (destination, destination_offset))
            }
            Call::ReadDirectory { directory, max } => {
                assert!((1..=100).contains(&max));
                let entries = self.directories.get_mut(&directory).expect("a directory that is open");
                let count = entries.len().min(max as usize);
                Ok(Answer::Entries(entries.drain(..count).collect()))
            }
            Call::CloseFile { .. } | Call::CloseDirectory { .. } => Ok(Answer::Done),
            Call::CloseSession => {
                assert!(self.files.is_empty() && self.directories.is_empty(), "open at the session's last call");
                self.session_closed = true;
                Ok(Answer::Done)
            }
        }
    }

    fn open(&mut self, file: FileId, path: &StoragePath, flags: OpenFlags, permissions: u16) -> Answered {
        assert!(!self.files.contains_key(&file), "{file:?} is open already");
        let exclusive = flags.contains(OpenFlags::EXCLUSIVE);
        let number = match self.find(path, !exclusive) {
            Ok(_) if exclusive => return Err(ErrorCode::AlreadyExists.into()),
            Ok((_, number)) if self.nodes[&number].attributes.kind == FileKind::Directory => {
                return Err(ErrorCode::IsADirectory.into());
            }
            Ok((_, number)) => number,
            Err(error) if !flags.contains(OpenFlags::CREATE) => return Err(error),
            Err(_) => {
                let path = self.walk(path, true, 8)?;
                let number = self.put(&path, FileKind::Regular, b"");
                self.nodes.get_mut(&number).unwrap().attributes.permissions = Some(permissions);
                number
            }
        };
        if flags.contains(OpenFlags::TRUNCATE) {
            self.nodes.get_mut(&number).unwrap().data.clear();
        }
        self.files.insert(file, (number, flags));
        Ok(Answer::Done)
    }

    fn open_directory(&mut self, directory: DirectoryId, path: &StoragePath) -> Answered {
        assert!(!self.directories.contains_key(&directory), "{directory:?} is open already");
        let (path, number) = self.find(path, true)?;
        if self.nodes[&number].attributes.kind != FileKind::Directory {
            return Err(ErrorCode::NotADirectory.into());
        }
        let children = self.children(&path).into_iter();
        let entries = children.map(|(name, number)| DirectoryEntry {
            name: Name::new(name).unwrap(),
            attributes: self.attributes(number),
        });
        let entries = entries.collect();
        self.directories.insert(directory, entries);
        Ok(Answer::Done)
    }

    fn remove_directory(&mut self, path: &StoragePath) -> Answered {
        let (path, number) = self.find(path, false)?;
        if self.nodes[&number].attributes.kind != FileKind::Directory {
            return Err(ErrorCode::NotADirectory.into());
        }
        if !self.children(&path).is_empty() {
            return Err(ErrorCode::NotEmpty.into());
        }
        self.names.remove(&path);
        Ok(Answer::Done)
    }

    fn rename(&mut self, source: &StoragePath, destination: &StoragePath, replace: bool) -> Answered {
        let (source, number) = self.find(source, false)?;
        let destination = if replace { self.walk(destination, false, 8)? } else { self.vacant(destination)? };
        self.names.remove(&source);
        self.names.insert(destination, number);
        Ok(Answer::Done)
    }

    fn copy(&mut self, source: (FileId, u64), length: Option<u64>, destination: (FileId, u64)) -> Answered {
        let (from, _) = self.open_file(source.0);
        let (to, _) = self.open_file(destination.0);
        let data = &self.nodes[&from].data;
        let start = (source.1 as usize).min(data.len());
        let limit = length.unwrap_or(u64::MAX).min(self.max_copy.unwrap_or(u64::MAX));
        let part: Vec<u8> = data[start..].iter().copied().take(usize::try_from(limit).unwrap()).collect();
        fits(destination.1.checked_add(part.len() as u64).unwrap())?;
        let at = destination.1 as usize;
        let content = &mut self.nodes.get_mut(&to).unwrap().data;
        if content.len() < at + part.len() {
            content.resize(at + part.len(), 0);
        }
        content[at..at + part.len()].copy_from_slice(&part);
        Ok(Answer::Copied(part.len() as u64))
    }
}

fn fits(size: u64) -> Result<(), Error> {
    if size > MAX_FILE_BYTES { Err(ErrorCode::FileTooLarge.into()) } else { Ok(()) }
}

pub fn usage() -> Usage {
    Usage {
        block_size: 4096,
        fragment_size: 512,
        blocks: 3,
        blocks_free: 4,
        blocks_available: 5,
        files: 6,
        files_free: 7,
        files_available: 8,
        filesystem_id: 9,
        read_only: false,
        no_setuid: true,
        name_max: 255,
    }
}
