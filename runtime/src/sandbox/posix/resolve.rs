//! Finding a path beneath a directory: in one step by openat2(2) with RESOLVE_IN_ROOT, and where the kernel lacks it
//! by hand, component by component, each by its own descriptor.
//!
//! Either way an absolute link target and '..' begin and end at the directory, no rename can come between two steps
//! and lead out of it, and links of /proc are not followed.

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

/// As Linux has it (MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// openat2 answers EAGAIN when a rename elsewhere came between; the kernel's advice is to try again.
const MAX_ATTEMPTS: usize = 64;

/// A relative path without NUL, as bytes; "." is the directory itself.
#[derive(Clone, Copy, Debug)]
pub struct RelativePath<'a>(&'a [u8]);

/// A directory and a name in it that the kernel does not follow.
pub struct Parent<'a> {
    directory: Directory<'a>,
    pub name: &'a OsStr,
}

enum Directory<'a> {
    Borrowed(BorrowedFd<'a>),
    Owned(OwnedFd),
}

/// How paths are found; the same for the whole process outside tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    Kernel,
    ByHand,
}

/// What a step out of the directory is, by '..' or by an absolute link target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// It ends at the directory, as in a chroot.
    Root,
    /// EPERM, as WASI has it.
    Beneath,
}

impl<'a> RelativePath<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, Errno> {
        match bytes.first() {
            None => Err(Errno::NOENT),
            Some(b'/') => Err(Errno::INVAL),
            Some(_) if bytes.contains(&0) => Err(Errno::INVAL),
            Some(_) => Ok(Self(bytes)),
        }
    }

    pub fn is_directory_itself(self) -> bool {
        self.0 == b"."
    }

    pub fn as_os_str(self) -> &'a OsStr {
        OsStr::from_bytes(self.0)
    }

    /// The path as one name, if it is one.
    pub fn as_name(self) -> Option<&'a OsStr> {
        (!self.0.contains(&b'/') && !matches!(self.0, b"." | b"..")).then(|| self.as_os_str())
    }

    /// The path's directory and last name. EBUSY for the directory itself, EINVAL for a path that ends otherwise
    /// than in a name: nothing that the kernel might follow is left at the end.
    fn split(self) -> Result<(Option<RelativePath<'a>>, &'a OsStr), Errno> {
        let (directory, name) = match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (self.0.get(..slash).map(RelativePath), self.0.get(slash + 1..).unwrap_or_default()),
            None => (None, self.0),
        };
        match name {
            b"." if directory.is_none() => Err(Errno::BUSY),
            b"" | b"." | b".." => Err(Errno::INVAL),
            name => Ok((directory, OsStr::from_bytes(name))),
        }
    }
}

impl Bounds {
    fn in_kernel(self) -> ResolveFlags {
        match self {
            Self::Root => ResolveFlags::IN_ROOT,
            Self::Beneath => ResolveFlags::BENEATH,
        }
    }

    fn check_leaving(self) -> Result<(), Errno> {
        match self {
            Self::Root => Ok(()),
            Self::Beneath => Err(Errno::PERM),
        }
    }
}

impl AsFd for Parent<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.directory {
            Directory::Borrowed(descriptor) => *descriptor,
            Directory::Owned(descriptor) => descriptor.as_fd(),
        }
    }
}

impl Resolver {
    /// What this kernel offers, found out once.
    pub fn of_this_kernel() -> Self {
        static FOUND: OnceLock<Resolver> = OnceLock::new();
        *FOUND.get_or_init(|| match fs::openat2(fs::CWD, ".", OFlags::PATH, Mode::empty(), ResolveFlags::IN_ROOT) {
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => Self::ByHand,
            _ => Self::Kernel,
        })
    }

    /// open(2) in `root`. With NOFOLLOW a link at the end is not followed.
    pub fn open(
        self,
        root: BorrowedFd<'_>,
        path: RelativePath<'_>,
        flags: OFlags,
        mode: Mode,
    ) -> Result<OwnedFd, Errno> {
        self.open_within(root, path, flags, mode, Bounds::Root)
    }

    /// The same within other bounds.
    pub fn open_within(
        self,
        root: BorrowedFd<'_>,
        path: RelativePath<'_>,
        flags: OFlags,
        mode: Mode,
        bounds: Bounds,
    ) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC;
        let opened = match self {
            Self::Kernel => open_by_kernel(root, path.as_os_str(), flags, mode, bounds.in_kernel()),
            Self::ByHand => Walk::new(root, bounds).open(path.0, flags, mode),
        };
        match opened {
            // Its name "." asks for a directory that can be searched, and a root's owner could never open it again.
            Err(Errno::ACCESS) if path.is_directory_itself() => {
                let opened = fs::openat(fs::CWD, by_descriptor(root), flags - OFlags::NOFOLLOW, mode);
                opened.map_err(|errno| if errno == Errno::NOENT { Errno::ACCESS } else { errno })
            }
            // Where others rename without a pause; by hand a rename elsewhere does not matter.
            Err(Errno::AGAIN) if self == Self::Kernel => Walk::new(root, bounds).open(path.0, flags, mode),
            opened => opened,
        }
    }

    /// The directory that holds the path's last name.
    pub fn parent<'a>(self, root: BorrowedFd<'a>, path: RelativePath<'a>) -> Result<Parent<'a>, Errno> {
        self.parent_within(root, path, Bounds::Root)
    }

    /// The same within other bounds.
    pub fn parent_within<'a>(
        self,
        root: BorrowedFd<'a>,
        path: RelativePath<'a>,
        bounds: Bounds,
    ) -> Result<Parent<'a>, Errno> {
        let (directory, name) = path.split()?;
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let directory = match directory {
            None => Directory::Borrowed(root),
            Some(path) => Directory::Owned(self.open_within(root, path, flags, Mode::empty(), bounds)?),
        };
        Ok(Parent { directory, name })
    }

    /// The path with every link resolved, without a leading '/', empty for the root. The last component may be
    /// missing.
    pub fn real_path(self, root: BorrowedFd<'_>, path: RelativePath<'_>) -> Result<Vec<u8>, Errno> {
        if path.is_directory_itself() {
            return Ok(Vec::new());
        }
        if self == Self::Kernel {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let found = open_by_kernel(
                root,
                path.as_os_str(),
                flags,
                Mode::empty(),
                ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS,
            );
            if found.is_ok() && is_plain(path.0) {
                return Ok(path.0.to_vec());
            }
        }
        Walk::new(root, Bounds::Root).real_path(path.0)
    }
}

/// The name in /proc of the very file that a descriptor is of.
pub fn by_descriptor(file: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// No component of it is '.', '..' or empty.
fn is_plain(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').all(|component| !matches!(component, b"" | b"." | b".."))
}

fn open_by_kernel(
    root: BorrowedFd<'_>,
    path: &OsStr,
    flags: OFlags,
    mode: Mode,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let resolve = resolve | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..MAX_ATTEMPTS {
        match fs::openat2(root, path, flags, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::XDEV) if resolve.contains(ResolveFlags::BENEATH) => return Err(Errno::PERM),
            // A link of /proc, or a step that would have left the root.
            Err(Errno::XDEV) => return Err(Errno::LOOP),
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}

/// A walk by hand. `opened` are the directories from the root down to the current one, so that '..' needs no look-up
/// of "..", which a rename could have moved out of the root.
struct Walk<'a> {
    root: BorrowedFd<'a>,
    bounds: Bounds,
    opened: Vec<(OwnedFd, Vec<u8>)>,
    links: usize,
}

/// What a component turned out to be.
enum Step {
    /// Walked into, or '.' or '..'.
    Entered,
    /// A link, whose target is to be walked instead.
    Link(Vec<u8>),
}

impl<'a> Walk<'a> {
    fn new(root: BorrowedFd<'a>, bounds: Bounds) -> Self {
        Self { root, bounds, opened: Vec::new(), links: 0 }
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.opened.last().map_or(self.root, |(descriptor, _)| descriptor.as_fd())
    }

    fn open(mut self, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let mut rest = components(path);
        while let Some(component) = rest.pop() {
            let is_last = rest.iter().all(|component| component.is_empty() || component == b".");
            if is_last && !matches!(component.as_slice(), b"" | b"." | b"..") {
                let must_be_directory = !rest.is_empty();
                match self.open_last(&component, flags, mode, must_be_directory)? {
                    Ok(descriptor) => return Ok(descriptor),
                    Err(target) => self.follow(&target, &mut rest)?,
                }
            } else if let Step::Link(target) = self.step(&component)? {
                self.follow(&target, &mut rest)?;
            }
        }
        fs::openat(self.here(), ".", flags - OFlags::NOFOLLOW, mode)
    }

    /// Opens the last component, or gives the target of the link that it is.
    fn open_last(
        &self,
        name: &[u8],
        flags: OFlags,
        mode: Mode,
        must_be_directory: bool,
    ) -> Result<Result<OwnedFd, Vec<u8>>, Errno> {
        let name = OsStr::from_bytes(name);
        let directory = if must_be_directory { OFlags::DIRECTORY } else { OFlags::empty() };
        let keeps_links = flags.contains(OFlags::NOFOLLOW) || flags.contains(OFlags::CREATE | OFlags::EXCL);
        let opened = fs::openat(self.here(), name, flags | directory | OFlags::NOFOLLOW, mode);
        if keeps_links {
            return opened.map(Ok);
        }
        match opened {
            // O_PATH opens a link itself.
            Ok(descriptor) if flags.contains(OFlags::PATH) && is_link(descriptor.as_fd())? => {
                Ok(Err(fs::readlinkat(&descriptor, "", Vec::new())?.into_bytes()))
            }
            Ok(descriptor) => Ok(Ok(descriptor)),
            // ENOTDIR: a link where O_DIRECTORY was asked for.
            Err(errno @ (Errno::LOOP | Errno::NOTDIR)) => match fs::readlinkat(self.here(), name, Vec::new()) {
                Ok(target) => Ok(Err(target.into_bytes())),
                Err(_) => Err(errno),
            },
            Err(errno) => Err(errno),
        }
    }

    fn step(&mut self, component: &[u8]) -> Result<Step, Errno> {
        match component {
            b"" | b"." => {}
            b".." => {
                if self.opened.pop().is_none() {
                    self.bounds.check_leaving()?;
                }
            }
            name => {
                let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let descriptor = fs::openat(self.here(), OsStr::from_bytes(name), flags, Mode::empty())?;
                match FileType::from_raw_mode(fs::fstat(&descriptor)?.st_mode) {
                    FileType::Symlink => {
                        return Ok(Step::Link(fs::readlinkat(&descriptor, "", Vec::new())?.into_bytes()));
                    }
                    FileType::Directory => self.opened.push((descriptor, name.to_vec())),
                    _ => return Err(Errno::NOTDIR),
                }
            }
        }
        Ok(Step::Entered)
    }

    fn follow(&mut self, target: &[u8], rest: &mut Vec<Vec<u8>>) -> Result<(), Errno> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::LOOP);
        }
        if target.is_empty() {
            return Err(Errno::NOENT);
        }
        if target.starts_with(b"/") {
            self.bounds.check_leaving()?;
            self.opened.clear();
        }
        rest.extend(components(target));
        Ok(())
    }

    fn real_path(mut self, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let mut rest = components(path);
        // What nothing lies beneath: it is missing or no directory. As in OpenSSH's realpath, '..' leads out of it.
        let mut end = None;
        while let Some(component) = rest.pop() {
            if end.is_some() {
                match component.as_slice() {
                    b"" | b"." => {}
                    b".." => end = None,
                    _ => return Err(Errno::NOTDIR),
                }
                continue;
            }
            let is_last = rest.iter().all(|component| component.is_empty() || component == b".");
            match self.step(&component) {
                Ok(Step::Entered) => {}
                Ok(Step::Link(target)) => self.follow(&target, &mut rest)?,
                Err(Errno::NOENT) if is_last => end = Some(component),
                Err(Errno::NOTDIR) => end = Some(component),
                Err(errno) => return Err(errno),
            }
        }
        let names = self.opened.into_iter().map(|(_, name)| name).chain(end);
        Ok(names.collect::<Vec<_>>().join(&b'/'))
    }
}

fn is_link(descriptor: BorrowedFd<'_>) -> Result<bool, Errno> {
    let stat = fs::statat(descriptor, "", AtFlags::EMPTY_PATH)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// In reverse, so that the next one is at the end.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect()
}
