//! Requests on paths. Those that only look overlap one another; one that may change a name or an attribute runs alone.
//! One that tells or changes what is in a file stands in line with what is done through the files open by that path.

use super::accept::{Incoming, MAX_OFFSET};
use super::attributes::SentAttributes;
use super::core::Core;
use super::handles::{HandleIndex, Kind, OpenFile};
use super::journal::{log_changes, open_flags, shown, shown_text};
use super::lanes::{Claim, Mode};
use super::listing::Listing;
use super::packet;
use super::status::{Refusal, Status};
use super::task::{Open, OpenDirectory, OpenDirectoryStep, Reply, Task};
use crate::storage::{Call, Features, OpenFlags, StoragePath, escape};
use tracing::{debug, info};

const DEFAULT_FILE_PERMISSIONS: u16 = 0o666;
const DEFAULT_DIRECTORY_PERMISSIONS: u16 = 0o777;

/// What SSH_FXF_* flags mean.
struct OpenPlan {
    flags: OpenFlags,
    readable: bool,
    writable: bool,
}

impl OpenPlan {
    /// As open(2) has it under OpenSSH: reading if nothing is named; TRUNC works without WRITE, for which the storage
    /// opens the file for writing and the client still cannot write; APPEND without WRITE and EXCL without CREAT mean
    /// nothing.
    fn new(sent: u32) -> Self {
        let has = |bit: u32| sent & bit != 0;
        let writable = has(packet::OPEN_WRITE);
        let readable = has(packet::OPEN_READ) || !writable;
        let mut flags = OpenFlags::empty();
        flags.set(OpenFlags::READ, readable);
        flags.set(OpenFlags::WRITE, writable || has(packet::OPEN_TRUNCATE));
        flags.set(OpenFlags::APPEND, writable && has(packet::OPEN_APPEND));
        flags.set(OpenFlags::CREATE, has(packet::OPEN_CREATE));
        flags.set(OpenFlags::TRUNCATE, has(packet::OPEN_TRUNCATE));
        flags.set(OpenFlags::EXCLUSIVE, has(packet::OPEN_CREATE) && has(packet::OPEN_EXCLUSIVE));
        Self { flags, readable, writable }
    }

    fn changes_something(&self) -> bool {
        self.flags.intersects(OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE)
    }

    /// What is in the file now would have to stay in it.
    fn keeps_content(&self) -> bool {
        let fresh = self.flags.intersects(OpenFlags::TRUNCATE | OpenFlags::APPEND | OpenFlags::EXCLUSIVE);
        self.flags.contains(OpenFlags::WRITE) && !fresh
    }
}

impl Core {
    pub fn open(
        &mut self,
        incoming: &Incoming,
        path: &[u8],
        sent_flags: u32,
        sent: &SentAttributes<'_>,
    ) -> Result<(), Refusal> {
        let path = self.path(path)?;
        let mode = sent.permissions.unwrap_or(u32::from(DEFAULT_FILE_PERMISSIONS));
        info!(target: "sftp", "open \"{}\" flags {} mode 0{mode:o}", shown(&path), open_flags(sent_flags));
        let plan = OpenPlan::new(sent_flags);
        if self.options.read_only && plan.changes_something() {
            info!(target: "sftp", "Refusing open request in read-only mode");
            return Err(Status::PermissionDenied.into());
        }
        // A storage without random writing could only replace what is in the file, which is fine if nothing is.
        let look_first = plan.keeps_content() && !self.features.contains(Features::RANDOM_WRITE);
        let changes_paths = look_first || plan.flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
        let append = plan.flags.contains(OpenFlags::APPEND);
        let kind = Kind::File(OpenFile::new(plan.readable, plan.writable, append));
        let handle = self.reserve_handle(&path, kind)?;
        let permissions = sent.creation_permissions(DEFAULT_FILE_PERMISSIONS, self.options.umask);
        let task = Task::Open(Open { handle, path, flags: plan.flags, permissions, look_first });
        let paths = Claim::paths(if changes_paths { Mode::Exclusive } else { Mode::Shared });
        if plan.flags.contains(OpenFlags::TRUNCATE) {
            let content = self.claim(handle, Mode::Exclusive);
            self.submit_request(incoming, task, [paths, content], 0)?;
        } else {
            self.submit_request(incoming, task, [paths], 0)?;
        }
        Ok(())
    }

    pub fn open_directory(&mut self, incoming: &Incoming, path: &[u8]) -> Result<(), Refusal> {
        let path = self.path(path)?;
        info!(target: "sftp", "opendir \"{}\"", shown(&path));
        let handle = self.reserve_handle(&path, Kind::Directory(Listing::default()))?;
        let task = Task::OpenDirectory(OpenDirectory { handle, path, step: OpenDirectoryStep::Open });
        self.submit_request(incoming, task, [Claim::paths(Mode::Shared)], 0)?;
        Ok(())
    }

    pub fn reserve_handle(&mut self, path: &StoragePath, kind: Kind) -> Result<HandleIndex, Refusal> {
        self.handles.reserve(path.clone(), kind).ok_or_else(|| {
            info!(target: "sftp", "the limit of {} handles is reached", self.options.limits.max_handles);
            Refusal::new(Status::Failure, "Too many open handles")
        })
    }

    pub fn stat(&mut self, incoming: &Incoming, path: &[u8], follow: bool) -> Result<(), Refusal> {
        let path = self.path(path)?;
        debug!(target: "sftp", "{}stat name \"{}\"", if follow { "" } else { "l" }, shown(&path));
        let content = self.content_claim(&path, Mode::Shared);
        let task = Task::Plain { call: Some(Call::Stat { path, follow }), reply: Reply::Attributes };
        self.submit_with_content(incoming, task, Claim::paths(Mode::Shared), content)
    }

    pub fn set_stat(
        &mut self,
        incoming: &Incoming,
        path: &[u8],
        follow: bool,
        sent: &SentAttributes<'_>,
    ) -> Result<(), Refusal> {
        if !follow && sent.size.is_some() {
            return Err(Refusal::new(Status::BadMessage, "A symbolic link's size cannot be set"));
        }
        if sent.size.is_some_and(|size| size > MAX_OFFSET) {
            return Err(Status::BadMessage.into());
        }
        let path = self.path(path)?;
        log_changes(&path, sent, self.options.utc_offset_seconds);
        let changes = self.changes(sent, false)?;
        let content = self.content_claim(&path, Mode::Exclusive);
        self.change_with_content(incoming, Call::SetStat { path, follow, changes }, content)
    }

    pub fn remove(&mut self, incoming: &Incoming, path: &[u8]) -> Result<(), Refusal> {
        let path = self.path(path)?;
        info!(target: "sftp", "remove name \"{}\"", shown(&path));
        self.change(incoming, Call::Remove { path })
    }

    pub fn make_directory(
        &mut self,
        incoming: &Incoming,
        path: &[u8],
        sent: &SentAttributes<'_>,
    ) -> Result<(), Refusal> {
        let path = self.path(path)?;
        let mode = sent.permissions.map_or(u32::from(DEFAULT_DIRECTORY_PERMISSIONS), |mode| mode & 0o7777);
        info!(target: "sftp", "mkdir name \"{}\" mode 0{mode:o}", shown(&path));
        let permissions = sent.creation_permissions(DEFAULT_DIRECTORY_PERMISSIONS, self.options.umask);
        self.change(incoming, Call::MakeDirectory { path, permissions })
    }

    pub fn remove_directory(&mut self, incoming: &Incoming, path: &[u8]) -> Result<(), Refusal> {
        let path = self.path(path)?;
        info!(target: "sftp", "rmdir name \"{}\"", shown(&path));
        self.change(incoming, Call::RemoveDirectory { path })
    }

    pub fn real_path(&mut self, incoming: &Incoming, path: &[u8]) -> Result<(), Refusal> {
        let path = self.path_or_start(path)?;
        debug!(target: "sftp", "realpath \"{}\"", shown(&path));
        self.look(incoming, Call::RealPath { path }, Reply::Path)
    }

    pub fn rename(
        &mut self,
        incoming: &Incoming,
        source: &[u8],
        destination: &[u8],
        replace: bool,
    ) -> Result<(), Refusal> {
        let (source, destination) = (self.path(source)?, self.path(destination)?);
        let name = if replace { "posix-rename" } else { "rename" };
        info!(target: "sftp", "{name} old \"{}\" new \"{}\"", shown(&source), shown(&destination));
        let content = self.content_claim(&source, Mode::Exclusive);
        self.change_with_content(incoming, Call::Rename { source, destination, replace }, content)
    }

    pub fn read_link(&mut self, incoming: &Incoming, path: &[u8]) -> Result<(), Refusal> {
        let path = self.path(path)?;
        debug!(target: "sftp", "readlink \"{}\"", shown(&path));
        self.look(incoming, Call::ReadLink { path }, Reply::Target)
    }

    pub fn symlink(&mut self, incoming: &Incoming, target: &[u8], path: &[u8]) -> Result<(), Refusal> {
        // A target is kept as it is sent, but must be one.
        self.path(target)?;
        let path = self.path(path)?;
        let target = escape(target).into_owned();
        info!(target: "sftp", "symlink old \"{}\" new \"{}\"", shown_text(&target), shown(&path));
        self.change(incoming, Call::Symlink { target, path })
    }

    pub fn hard_link(&mut self, incoming: &Incoming, existing: &[u8], path: &[u8]) -> Result<(), Refusal> {
        let (existing, path) = (self.path(existing)?, self.path(path)?);
        info!(target: "sftp", "hardlink old \"{}\" new \"{}\"", shown(&existing), shown(&path));
        let content = self.content_claim(&existing, Mode::Shared);
        self.change_with_content(incoming, Call::HardLink { existing, path }, content)
    }

    pub fn usage(&mut self, incoming: &Incoming, path: &[u8]) -> Result<(), Refusal> {
        let path = self.path(path)?;
        info!(target: "sftp", "statvfs \"{}\"", shown(&path));
        self.look(incoming, Call::Usage { path }, Reply::Usage)
    }

    /// `~` and the session's own `~user` are its home; another user's is refused alike whether there is such a user.
    pub fn expand_path(&mut self, incoming: &Incoming, path: &[u8]) -> Result<(), Refusal> {
        let path = match path.strip_prefix(b"~") {
            None => self.path_or_start(path)?,
            Some(rest) => {
                if path.contains(&0) {
                    return Err(Status::BadMessage.into());
                }
                let mut parts = rest.splitn(2, |byte| *byte == b'/');
                let user = parts.next().unwrap_or_default();
                if !user.is_empty() && user != self.options.user.as_bytes() {
                    return Err(Refusal::new(Status::NoSuchFile, "No such user"));
                }
                let within = parts.next().unwrap_or_default();
                let relative = within.iter().position(|byte| *byte != b'/').and_then(|start| within.get(start..));
                self.resolve(&self.home, relative.unwrap_or_default())?
            }
        };
        debug!(target: "sftp", "expand \"{}\"", shown(&path));
        self.look(incoming, Call::RealPath { path }, Reply::Path)
    }

    fn look(&mut self, incoming: &Incoming, call: Call<'static>, reply: Reply) -> Result<(), Refusal> {
        let task = Task::Plain { call: Some(call), reply };
        self.submit_request(incoming, task, [Claim::paths(Mode::Shared)], 0)?;
        Ok(())
    }

    fn change(&mut self, incoming: &Incoming, call: Call<'static>) -> Result<(), Refusal> {
        self.change_with_content(incoming, call, None)
    }

    fn change_with_content(
        &mut self,
        incoming: &Incoming,
        call: Call<'static>,
        content: Option<Claim>,
    ) -> Result<(), Refusal> {
        let task = Task::Plain { call: Some(call), reply: Reply::Status };
        self.submit_with_content(incoming, task, Claim::paths(Mode::Exclusive), content)
    }

    fn submit_with_content(
        &mut self,
        incoming: &Incoming,
        task: Task,
        paths: Claim,
        content: Option<Claim>,
    ) -> Result<(), Refusal> {
        match content {
            Some(content) => self.submit_request(incoming, task, [paths, content], 0)?,
            None => self.submit_request(incoming, task, [paths], 0)?,
        };
        Ok(())
    }

    /// The place in line of what is done with the files that are open by a path. Clients that do not wait for what they
    /// write, as sshfs, look at its size by the path.
    fn content_claim(&self, path: &StoragePath, mode: Mode) -> Option<Claim> {
        self.handles.lane_of_file(path).map(|lane| Claim::open(lane, mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_as_the_contract_wants_them() {
        for sent in 0..64 {
            let plan = OpenPlan::new(sent);
            assert!(plan.readable || plan.writable);
            assert!(plan.flags.intersects(OpenFlags::READ | OpenFlags::WRITE));
            let without_write = !plan.flags.contains(OpenFlags::WRITE);
            assert!(!(without_write && plan.flags.intersects(OpenFlags::APPEND | OpenFlags::TRUNCATE)));
            assert!(plan.flags.contains(OpenFlags::CREATE) || !plan.flags.contains(OpenFlags::EXCLUSIVE));
        }
    }

    #[test]
    fn row_14_no_flags_is_reading() {
        let plan = OpenPlan::new(0);
        assert_eq!(plan.flags, OpenFlags::READ);
        assert!(plan.readable && !plan.writable);
        assert!(!OpenPlan::new(packet::OPEN_WRITE).readable);
    }
}
