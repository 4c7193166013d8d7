//! A session on which a row is tried: the contract's calls by their names, one after another unless a row wants them in
//! flight together, and the end that the contract promises to a guest, however the row ended.

use super::attempt::{Attempt, Stop, Tried};
use super::made::Made;
use super::survey::Offer;
use super::words;
use crate::sandbox::{Calls, NativeFile, StorageSession};
use crate::storage::{
    Answer, AttributeChanges, Attributes, Call, Client, Connected, DirectoryEntry, DirectoryId, Ending, Error, FileId,
    OpenFlags, StoragePath, Usage,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;

/// What files are made with where a row does not care.
const PERMISSIONS: u16 = 0o644;
const DIRECTORY_PERMISSIONS: u16 = 0o755;

pub(super) struct Probe<'a> {
    calls: &'a Calls<'a>,
    pub connected: Connected,
    /// What was found out about the storage.
    pub offer: &'a Offer,
    /// As [`Offer::place_of`] has it; nothing is there in a storage that cannot be changed.
    directory: StoragePath,
    made: &'a Made,
    session: RefCell<StorageSession>,
    open: RefCell<Vec<Open>>,
    next: Cell<u32>,
    is_closed: Cell<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    File(FileId),
    Directory(DirectoryId),
}

impl<'a> Probe<'a> {
    /// Connects; the inner error is the storage's refusal.
    pub async fn connect(
        calls: &'a Calls<'a>,
        client: &Client,
        offer: &'a Offer,
        directory: StoragePath,
        made: &'a Made,
    ) -> Tried<Result<Self, Error>> {
        let connected = calls.connect(client.clone()).await?;
        Ok(connected.map(|connected| Self::resume(calls, connected, offer, directory, made)))
    }

    /// Goes on with a session in which nothing is open.
    pub fn resume(
        calls: &'a Calls<'a>,
        (session, connected): (StorageSession, Connected),
        offer: &'a Offer,
        directory: StoragePath,
        made: &'a Made,
    ) -> Self {
        Self {
            calls,
            connected,
            offer,
            directory,
            made,
            session: RefCell::new(session),
            open: RefCell::default(),
            next: Cell::new(0),
            is_closed: Cell::new(false),
        }
    }

    /// Another session in the same instance.
    pub async fn connect_again(&self, client: &Client) -> Tried<Result<Probe<'a>, Error>> {
        Probe::connect(self.calls, client, self.offer, self.directory.clone(), self.made).await
    }

    /// A path of the row's own.
    pub fn path(&self, name: &str) -> StoragePath {
        let between = if self.offer.is_flat { '-' } else { '/' };
        let path = StoragePath::resolve(&self.directory, &format!("{}{between}{name}", self.directory));
        path.unwrap_or_else(StoragePath::root)
    }

    /// The row's own directory, where there can be one.
    pub fn directory(&self) -> Tried<&StoragePath> {
        if self.offer.is_flat { Err(no_directories()) } else { Ok(&self.directory) }
    }

    /// The directory that holds what the row makes.
    pub fn place(&self) -> StoragePath {
        if self.offer.is_flat {
            return StoragePath::resolve(&self.directory, "..").unwrap_or_else(StoragePath::root);
        }
        self.directory.clone()
    }

    /// What the names of all that the row makes begin with.
    pub fn prefix(&self) -> String {
        let name = self.directory.as_str().rsplit('/').next().unwrap_or_default();
        if self.offer.is_flat { format!("{name}-") } else { String::new() }
    }

    /// The names that the row gave, as the storage lists them.
    pub async fn own_names(&self) -> Tried<BTreeSet<String>> {
        let listed = self.list(&self.place(), 100).await?;
        let prefix = self.prefix();
        Ok(listed.iter().filter_map(|entry| entry.name.as_str().strip_prefix(&prefix)).map(str::to_owned).collect())
    }

    /// Closes what is open and the session, as the contract promises it; failures are rows of their own.
    pub async fn end(&self) -> Tried {
        self.close_all().await?;
        if !self.is_closed.get() {
            // A failure to close is a row of its own.
            let _ = self.ask(Call::CloseSession).await?;
        }
        Ok(())
    }

    /// The same, and what was made is removed before the session ends.
    pub async fn tidy_and_end(&self) -> Tried {
        self.close_all().await?;
        if !self.is_closed.get() {
            self.tidy().await?;
        }
        self.end().await
    }

    async fn close_all(&self) -> Tried {
        for open in self.open.take() {
            let call = match open {
                Open::File(file) => Call::CloseFile { file, ending: Ending::Discard },
                Open::Directory(directory) => Call::CloseDirectory { directory },
            };
            let _ = self.ask(call).await?;
        }
        Ok(())
    }

    /// Removes what was made; what is not there any more is well.
    pub async fn tidy(&self) -> Tried {
        for path in self.made.take() {
            if self.ask(Call::Remove { path: path.clone() }).await?.is_err() {
                // Nothing is expected here: what is left is found out at the end.
                let _ = self.ask(Call::RemoveDirectory { path }).await?;
            }
        }
        Ok(())
    }

    pub fn into_session(self) -> (StorageSession, Connected) {
        (self.session.into_inner(), self.connected)
    }

    /// Starts a call, to be in flight beside others.
    pub fn start(&self, call: Call<'_>) -> impl Future<Output = Tried<Result<Answer, Error>>> {
        let started = self.calls.start(&mut self.session.borrow_mut(), call);
        async {
            let finished = started.await?;
            Ok(self.session.borrow_mut().settle(finished))
        }
    }

    async fn ask(&self, call: Call<'_>) -> Tried<Result<Answer, Error>> {
        self.start(call).await
    }

    async fn attempt<T>(&self, call: Call<'_>, take: impl FnOnce(Answer) -> Option<T>) -> Tried<Attempt<T>> {
        let told = words::call(&call);
        let answer = match self.ask(call).await? {
            Ok(answer) => {
                Ok(take(answer).ok_or_else(|| Stop::fails("an answer of its own kind", format!("{told}: another")))?)
            }
            Err(error) => Err(error),
        };
        Ok(Attempt::new(told, answer))
    }

    async fn plain(&self, call: Call<'_>) -> Tried<Attempt<()>> {
        self.attempt(call, |_| Some(())).await
    }

    /// Notes what a wrong guest may make where nothing was asked for.
    pub fn made(&self, path: &StoragePath) {
        self.made.note(path);
    }

    fn new_file(&self) -> FileId {
        FileId(self.next.replace(self.next.get().wrapping_add(1)))
    }

    pub async fn open(&self, path: &StoragePath, flags: OpenFlags) -> Tried<Attempt<FileId>> {
        self.open_with(path, flags, PERMISSIONS).await
    }

    pub async fn open_with(&self, path: &StoragePath, flags: OpenFlags, permissions: u16) -> Tried<Attempt<FileId>> {
        let file = self.new_file();
        if flags.contains(OpenFlags::CREATE) {
            self.made.note(path);
        }
        let attempt = self.attempt(Call::Open { file, path: path.clone(), flags, permissions }, |_| Some(file)).await?;
        if attempt.is_done() {
            self.open.borrow_mut().push(Open::File(file));
        }
        Ok(attempt)
    }

    /// Whether a file can be made at `path`, and is.
    pub async fn try_file(&self, path: &StoragePath) -> Tried<bool> {
        let file = self.open(path, OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE).await?;
        match file.answer() {
            Ok(file) => Ok(self.close(file, Ending::Commit).await?.is_done()),
            Err(_) => Ok(false),
        }
    }

    pub async fn open_directory(&self, path: &StoragePath) -> Tried<Attempt<DirectoryId>> {
        let directory = DirectoryId(self.next.replace(self.next.get().wrapping_add(1)));
        let call = Call::OpenDirectory { directory, path: path.clone() };
        let attempt = self.attempt(call, |_| Some(directory)).await?;
        if attempt.is_done() {
            self.open.borrow_mut().push(Open::Directory(directory));
        }
        Ok(attempt)
    }

    pub async fn close(&self, file: FileId, ending: Ending) -> Tried<Attempt<()>> {
        self.open.borrow_mut().retain(|open| *open != Open::File(file));
        self.plain(Call::CloseFile { file, ending }).await
    }

    pub async fn close_directory(&self, directory: DirectoryId) -> Tried {
        self.open.borrow_mut().retain(|open| *open != Open::Directory(directory));
        self.plain(Call::CloseDirectory { directory }).await?.done()
    }

    /// Leaves an open file to be dropped, which the storage takes for closing it; what it has handed over is closed.
    pub fn close_by_drop(&self, file: FileId) -> Tried {
        let mut session = self.session.borrow_mut();
        let call = Call::CloseFile { file, ending: Ending::Commit };
        let closed = match self.calls.close_native(&mut session, &call) {
            Some(closed) => Some(closed.map(drop)),
            None => session.close_by_drop(&call).map(|_| Ok(())),
        };
        self.open.borrow_mut().retain(|open| *open != Open::File(file));
        let told = "the drop of a file".to_owned();
        match closed {
            Some(closed) => Attempt::new(told, closed).done(),
            None => Err(Stop::fails("a file that dropping closes", told)),
        }
    }

    pub async fn close_session(&self) -> Tried<Attempt<()>> {
        self.is_closed.set(true);
        self.plain(Call::CloseSession).await
    }

    pub async fn stat(&self, path: &StoragePath, follow: bool) -> Tried<Attempt<Attributes>> {
        self.attempt(Call::Stat { path: path.clone(), follow }, attributes).await
    }

    pub async fn file_stat(&self, file: FileId) -> Tried<Attempt<Attributes>> {
        self.attempt(Call::FileStat { file }, attributes).await
    }

    pub async fn set_stat(&self, path: &StoragePath, changes: AttributeChanges) -> Tried<Attempt<()>> {
        self.plain(Call::SetStat { path: path.clone(), follow: true, changes }).await
    }

    pub async fn file_set_stat(&self, file: FileId, changes: AttributeChanges) -> Tried<Attempt<()>> {
        self.plain(Call::FileSetStat { file, changes }).await
    }

    pub async fn real_path(&self, path: &StoragePath) -> Tried<Attempt<StoragePath>> {
        let take = |answer| if let Answer::Path(path) = answer { Some(path) } else { None };
        self.attempt(Call::RealPath { path: path.clone() }, take).await
    }

    pub async fn make_directory(&self, path: &StoragePath) -> Tried<Attempt<()>> {
        self.make_directory_with(path, DIRECTORY_PERMISSIONS).await
    }

    pub async fn make_directory_with(&self, path: &StoragePath, permissions: u16) -> Tried<Attempt<()>> {
        if self.offer.is_flat {
            return Err(no_directories());
        }
        self.made.note(path);
        self.plain(Call::MakeDirectory { path: path.clone(), permissions }).await
    }

    pub async fn remove_directory(&self, path: &StoragePath) -> Tried<Attempt<()>> {
        self.plain(Call::RemoveDirectory { path: path.clone() }).await
    }

    pub async fn remove(&self, path: &StoragePath) -> Tried<Attempt<()>> {
        self.plain(Call::Remove { path: path.clone() }).await
    }

    pub async fn rename(&self, source: &StoragePath, destination: &StoragePath, replace: bool) -> Tried<Attempt<()>> {
        self.made.note_rename(source, destination);
        self.plain(Call::Rename { source: source.clone(), destination: destination.clone(), replace }).await
    }

    pub async fn read_link(&self, path: &StoragePath) -> Tried<Attempt<String>> {
        let take = |answer| if let Answer::Target(target) = answer { Some(target) } else { None };
        self.attempt(Call::ReadLink { path: path.clone() }, take).await
    }

    pub async fn symlink(&self, target: &str, path: &StoragePath) -> Tried<Attempt<()>> {
        self.made.note(path);
        self.plain(Call::Symlink { target: target.to_owned(), path: path.clone() }).await
    }

    pub async fn hard_link(&self, existing: &StoragePath, path: &StoragePath) -> Tried<Attempt<()>> {
        self.made.note(path);
        self.plain(Call::HardLink { existing: existing.clone(), path: path.clone() }).await
    }

    pub async fn usage(&self, path: &StoragePath) -> Tried<Attempt<Usage>> {
        self.attempt(Call::Usage { path: path.clone() }, usage).await
    }

    pub async fn file_usage(&self, file: FileId) -> Tried<Attempt<Usage>> {
        self.attempt(Call::FileUsage { file }, usage).await
    }

    pub async fn sync(&self, file: FileId) -> Tried<Attempt<()>> {
        self.plain(Call::FileSync { file }).await
    }

    pub async fn read(&self, file: FileId, offset: u64, length: u32) -> Tried<Attempt<Vec<u8>>> {
        self.attempt(Call::Read { file, offset, length }, data).await
    }

    pub async fn write(&self, file: FileId, offset: u64, data: &[u8]) -> Tried<Attempt<()>> {
        self.plain(Call::Write { file, offset, data }).await
    }

    pub async fn copy(&self, from: (FileId, u64), length: Option<u64>, to: (FileId, u64)) -> Tried<Attempt<u64>> {
        let call =
            Call::Copy { source: from.0, source_offset: from.1, length, destination: to.0, destination_offset: to.1 };
        let take = |answer| if let Answer::Copied(bytes) = answer { Some(bytes) } else { None };
        self.attempt(call, take).await
    }

    pub async fn read_directory(&self, directory: DirectoryId, max: u32) -> Tried<Attempt<Vec<DirectoryEntry>>> {
        let take = |answer| if let Answer::Entries(entries) = answer { Some(entries) } else { None };
        self.attempt(Call::ReadDirectory { directory, max }, take).await
    }

    /// Does something with the native twin of an open file, if the guest shared one.
    pub fn with_native<R>(&self, file: FileId, act: impl FnOnce(&NativeFile) -> R) -> Option<R> {
        self.session.borrow().native(file).map(act)
    }
}

fn no_directories() -> Stop {
    Stop::not_offered("it makes no directories")
}

fn attributes(answer: Answer) -> Option<Attributes> {
    if let Answer::Attributes(attributes) = answer { Some(attributes) } else { None }
}

fn usage(answer: Answer) -> Option<Usage> {
    if let Answer::Usage(usage) = answer { Some(usage) } else { None }
}

fn data(answer: Answer) -> Option<Vec<u8>> {
    if let Answer::Data(bytes) = answer { Some(bytes) } else { None }
}
