//! From a request to what is done about it: what the operator's rules say, what needs no storage, and which part of
//! this folder takes the rest.

use super::attributes::SentAttributes;
use super::core::Core;
use super::extensions::{needed_features, write_offers};
use super::jobs::JobIndex;
use super::lanes::Claim;
use super::packet;
use super::policy::RequestName;
use super::request::{CheckTarget, Request};
use super::status::{Refusal, Status};
use super::task::Task;
use super::wire::{Reader, Writer};
use crate::storage::{AttributeChanges, Features, StoragePath, escape, unescape};
use crate::vis::Vis;
use std::ops::Range;
use tracing::{debug, info};

/// The greatest size or offset that a file has anywhere: off_t is signed.
pub const MAX_OFFSET: u64 = i64::MAX as u64;

/// Of `limits@openssh.com`: a WRITE packet is its data and less than this.
const WRITE_OVERHEAD_BYTES: usize = 1024;

/// A request on its way in.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub id: u32,
    /// Where its packet stands in the input.
    pub packet: Range<usize>,
}

impl Incoming {
    /// What the request itself takes while it waits.
    pub fn bytes(&self) -> usize {
        self.packet.len()
    }
}

impl Core {
    pub fn send_version(&mut self, client_version: u32) {
        debug!(target: "sftp", "received client version {client_version}");
        let (features, options) = (self.features, &self.options);
        self.output.packet(packet::VERSION, |body| {
            body.put_u32(packet::VERSION_NUMBER);
            write_offers(body, features, options);
        });
    }

    /// Answers a request or makes it a job.
    pub fn accept(&mut self, incoming: &Incoming, request: Request<'_>) {
        let result = self.permit(&request).and_then(|()| self.take(incoming, request));
        if let Err(refusal) = result {
            self.refuse(Some(incoming.id), &refusal);
        }
    }

    fn permit(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let name = request.name();
        if self.options.read_only && name.writes() {
            info!(target: "sftp", "Refusing {} request in read-only mode", name.as_str());
            return Err(Status::PermissionDenied.into());
        }
        if let Some(list) = self.options.requests.refuses(name) {
            info!(target: "sftp", "Refusing {list} {} request", name.as_str());
            return Err(Status::PermissionDenied.into());
        }
        if !self.features.contains(needed_features(name)) || !self.can_name_owners(name) {
            return Err(Status::OpUnsupported.into());
        }
        Ok(())
    }

    fn can_name_owners(&self, name: RequestName) -> bool {
        name != RequestName::UsersGroupsById || self.options.show_names.is_some()
    }

    fn take(&mut self, incoming: &Incoming, request: Request<'_>) -> Result<(), Refusal> {
        match request {
            Request::Open { path, flags, attributes } => self.open(incoming, path, flags, &attributes),
            Request::Close { handle } => self.close(incoming, handle),
            Request::Read { handle, offset, length } => self.read(incoming, handle, offset, length),
            Request::Write { handle, offset, data, trailing } => self.write(incoming, handle, offset, data, trailing),
            Request::FileStat { handle } => self.file_stat(incoming, handle),
            Request::FileSetStat { handle, attributes } => self.file_set_stat(incoming, handle, &attributes),
            Request::FileUsage { handle } => self.file_usage(incoming, handle),
            Request::Sync { handle } => self.sync(incoming, handle),
            Request::ReadDirectory { handle } => self.read_directory(incoming, handle),
            Request::CopyData(copy) => self.copy_data(incoming, copy),
            Request::CheckFile { target: CheckTarget::Handle(handle), check } => {
                self.check_handle(incoming, handle, check)
            }
            Request::CheckFile { target: CheckTarget::Path(path), check } => self.check_path(incoming, path, check),
            Request::Stat { path, follow } => self.stat(incoming, path, follow),
            Request::SetStat { path, follow, attributes } => self.set_stat(incoming, path, follow, &attributes),
            Request::OpenDirectory { path } => self.open_directory(incoming, path),
            Request::Remove { path } => self.remove(incoming, path),
            Request::MakeDirectory { path, attributes } => self.make_directory(incoming, path, &attributes),
            Request::RemoveDirectory { path } => self.remove_directory(incoming, path),
            Request::RealPath { path } => self.real_path(incoming, path),
            Request::Rename { source, destination, replace } => self.rename(incoming, source, destination, replace),
            Request::ReadLink { path } => self.read_link(incoming, path),
            Request::Symlink { target, path } => self.symlink(incoming, target, path),
            Request::HardLink { existing, path } => self.hard_link(incoming, existing, path),
            Request::Usage { path } => self.usage(incoming, path),
            Request::ExpandPath { path } => self.expand_path(incoming, path),
            Request::HomeDirectory { user } => self.home_directory(incoming, user),
            Request::Limits => self.tell_limits(incoming),
            Request::UsersGroupsById { uids, gids } => self.users_groups_by_id(incoming, uids, gids),
        }
    }

    /// A job for a request. Says where it is, and whether it may start at once.
    pub fn submit_request<const N: usize>(
        &mut self,
        incoming: &Incoming,
        task: Task,
        claims: [Claim; N],
        answer_bytes: usize,
    ) -> Result<(JobIndex, bool), Refusal> {
        let charge_bytes = incoming.bytes().saturating_add(answer_bytes);
        self.submit(Some(incoming.id), task, claims, charge_bytes).ok_or_else(|| Status::Failure.into())
    }

    /// A path that must not be empty.
    pub fn path(&self, bytes: &[u8]) -> Result<StoragePath, Refusal> {
        if bytes.is_empty() { Err(Status::NoSuchFile.into()) } else { self.path_or_start(bytes) }
    }

    /// A path; empty is where relative paths start.
    pub fn path_or_start(&self, bytes: &[u8]) -> Result<StoragePath, Refusal> {
        self.resolve(&self.start, bytes)
    }

    pub fn resolve(&self, base: &StoragePath, bytes: &[u8]) -> Result<StoragePath, Refusal> {
        if bytes.len() > self.options.limits.max_path_bytes {
            return Err(Refusal::new(Status::BadMessage, "Path too long"));
        }
        StoragePath::resolve(base, &escape(bytes)).ok_or_else(|| Status::BadMessage.into())
    }

    /// What of a client's changes the storage is asked for. `may_cut` says whether a size is for later to judge.
    pub fn changes(&self, sent: &SentAttributes<'_>, may_cut: bool) -> Result<AttributeChanges, Refusal> {
        let mut changes = sent.to_changes();
        if changes.size.is_some_and(|size| size > MAX_OFFSET) {
            return Err(Status::BadMessage.into());
        }
        if changes.size.is_some() && !may_cut && !self.features.contains(Features::RANDOM_WRITE) {
            return Err(Refusal::new(Status::OpUnsupported, "This storage cannot cut files"));
        }
        // "Implementations SHOULD ignore extended data fields that they do not understand" (the draft, section 5).
        if !self.features.contains(Features::EXTENDED_ATTRIBUTES) {
            changes.extended = Vec::new();
        }
        let all = changes.clone();
        if !self.features.contains(Features::PERMISSIONS) {
            changes.permissions = None;
        }
        if !self.features.contains(Features::OWNERSHIP) {
            (changes.uid, changes.gid) = (None, None);
        }
        if !self.features.contains(Features::TIMES) {
            (changes.accessed, changes.modified) = (None, None);
        }
        if changes != all && !self.options.ignore_unsupported_attributes {
            return Err(Refusal::new(Status::OpUnsupported, "This storage does not keep that attribute"));
        }
        Ok(changes)
    }

    fn tell_limits(&mut self, incoming: &Incoming) -> Result<(), Refusal> {
        debug!(target: "sftp", "request {}: limits", incoming.id);
        let limits = self.options.limits.clone();
        self.output.reply(packet::EXTENDED_REPLY, incoming.id, |body| {
            let write = limits.max_packet_bytes.saturating_sub(WRITE_OVERHEAD_BYTES);
            for limit in [limits.max_packet_bytes, limits.max_read_bytes, write, limits.max_handles] {
                body.put_u64(u64::try_from(limit).unwrap_or(u64::MAX));
            }
        });
        Ok(())
    }

    /// The session's own home, whose name the client knows; of any other user nothing is told, not even whether there
    /// is one.
    fn home_directory(&mut self, incoming: &Incoming, user: &[u8]) -> Result<(), Refusal> {
        debug!(target: "sftp", "request {}: home-directory \"{}\"", incoming.id, Vis(user));
        if user.contains(&0) {
            return Err(Status::BadMessage.into());
        }
        if !user.is_empty() && user != self.options.user.as_bytes() {
            return Err(Status::Failure.into());
        }
        self.output.single_name(incoming.id, &unescape(self.home.as_str()));
        Ok(())
    }

    fn users_groups_by_id(&mut self, incoming: &Incoming, uids: &[u8], gids: &[u8]) -> Result<(), Refusal> {
        debug!(target: "sftp", "request {}: users-groups-by-id", incoming.id);
        let Some(names) = self.options.show_names.clone() else { return Err(Status::OpUnsupported.into()) };
        let max_bytes = self.options.limits.max_packet_bytes.saturating_sub(WRITE_OVERHEAD_BYTES);
        let users = name_list(uids, max_bytes, |uid| names.user(uid))?;
        let groups = name_list(gids, max_bytes.saturating_sub(users.len()), |gid| names.group(gid))?;
        let count = |ids: &[u8]| ids.len() / size_of::<u32>();
        debug!(target: "sftp", "users-groups-by-id: {} users, {} groups", count(uids), count(gids));
        self.output.reply(packet::EXTENDED_REPLY, incoming.id, |body| {
            body.put_string(&users);
            body.put_string(&groups);
        });
        Ok(())
    }
}

/// A string for each 32-bit id; an empty one where there is no name. An answer that no client would take is not made.
fn name_list(ids: &[u8], max_bytes: usize, name: impl Fn(u32) -> Option<String>) -> Result<Vec<u8>, Refusal> {
    let mut reader = Reader::new(ids);
    let mut out = Vec::new();
    while !reader.is_empty() {
        let id = reader.u32().map_err(|_| Status::BadMessage)?;
        out.put_string(name(id).unwrap_or_default().as_bytes());
        if out.len() > max_bytes {
            return Err(Refusal::new(Status::Failure, "Too many names at once"));
        }
    }
    Ok(out)
}
