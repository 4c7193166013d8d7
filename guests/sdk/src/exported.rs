//! A storage as the contract's exports: each call goes to the author's, and what `close` ends is dropped there.

use crate::slot::Slot;
use crate::{Directory, File, Result, Session, Settings, Storage, connect};
use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;
use strongroom_bindings::copying;
use strongroom_bindings::storage::{self, FileBorrow, Guest, GuestDirectory, GuestFile, GuestSession, Opened};
use strongroom_bindings::types::{AttributeChanges, Attributes, Client, DirectoryEntry, Ending, OpenFlags, Usage};

/// The exports of the storage `S`.
pub struct Exported<S>(PhantomData<S>);

pub struct ExportedSession<S>(Slot<S>);

pub struct ExportedFile<F>(Slot<F>);

pub struct ExportedDirectory<D>(Slot<D>);

type FileOf<S> = <<S as Storage>::Session as Session>::File;
type DirectoryOf<S> = <<S as Storage>::Session as Session>::Directory;

impl<S: Storage> Guest for Exported<S> {
    type Session = ExportedSession<S::Session>;
    type File = ExportedFile<FileOf<S>>;
    type Directory = ExportedDirectory<DirectoryOf<S>>;

    async fn connect(client: Client, settings: Vec<(String, String)>) -> Result<storage::Connected> {
        let connected = connect::<S>(client, Settings::new(settings)).await?;
        Ok(storage::Connected {
            session: storage::Session::new(ExportedSession(Slot::new(connected.session))),
            features: connected.features,
            home: connected.home,
            transfer_size: connected.transfer_size,
            notes: connected.notes,
        })
    }
}

impl<S: Session> GuestSession for ExportedSession<S> {
    async fn open(&self, path: String, flags: OpenFlags, permissions: u16) -> Result<Opened> {
        let file = self.0.get()?.open(&path, flags, permissions).await?;
        let native = file.native();
        Ok(Opened { file: storage::File::new(ExportedFile(Slot::new(file))), native })
    }

    async fn open_directory(&self, path: String) -> Result<storage::Directory> {
        let directory = self.0.get()?.open_directory(&path).await?;
        Ok(storage::Directory::new(ExportedDirectory(Slot::new(directory))))
    }

    async fn stat(&self, path: String, follow: bool) -> Result<Attributes> {
        self.0.get()?.stat(&path, follow).await
    }

    async fn set_stat(&self, path: String, follow: bool, changes: AttributeChanges) -> Result<()> {
        self.0.get()?.set_stat(&path, follow, changes).await
    }

    async fn real_path(&self, path: String) -> Result<String> {
        self.0.get()?.real_path(&path).await
    }

    async fn make_directory(&self, path: String, permissions: u16) -> Result<()> {
        self.0.get()?.make_directory(&path, permissions).await
    }

    async fn remove_directory(&self, path: String) -> Result<()> {
        self.0.get()?.remove_directory(&path).await
    }

    async fn remove(&self, path: String) -> Result<()> {
        self.0.get()?.remove(&path).await
    }

    async fn rename(&self, source: String, destination: String, replace: bool) -> Result<()> {
        self.0.get()?.rename(&source, &destination, replace).await
    }

    async fn read_link(&self, path: String) -> Result<String> {
        self.0.get()?.read_link(&path).await
    }

    async fn symlink(&self, target: String, path: String) -> Result<()> {
        self.0.get()?.symlink(&target, &path).await
    }

    async fn hard_link(&self, existing: String, path: String) -> Result<()> {
        self.0.get()?.hard_link(&existing, &path).await
    }

    async fn usage(&self, path: String) -> Result<Usage> {
        self.0.get()?.usage(&path).await
    }

    async fn close(&self) -> Result<()> {
        self.0.close()?.close().await
    }
}

impl<F: File> GuestFile for ExportedFile<F> {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        self.0.get()?.read(offset, length).await
    }

    async fn write(&self, offset: u64, data: Vec<u8>) -> Result<()> {
        self.0.get()?.write(offset, &data).await
    }

    async fn stat(&self) -> Result<Attributes> {
        self.0.get()?.stat().await
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
        self.0.get()?.set_stat(changes).await
    }

    async fn usage(&self) -> Result<Usage> {
        self.0.get()?.usage().await
    }

    async fn sync(&self) -> Result<()> {
        self.0.get()?.sync().await
    }

    async fn close(&self, ending: Ending) -> Result<()> {
        self.0.close()?.close(ending).await
    }
}

impl<D: Directory> GuestDirectory for ExportedDirectory<D> {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>> {
        self.0.get()?.read(max).await
    }

    async fn close(&self) {
        // The contract has no error here: the second time there is nothing left to close.
        if let Ok(directory) = self.0.close() {
            directory.close().await;
        }
    }
}

impl<S: Storage> copying::Guest for Exported<S> {
    async fn copy_range(
        source: FileBorrow<'_>,
        source_offset: u64,
        length: Option<u64>,
        destination: FileBorrow<'_>,
        destination_offset: u64,
    ) -> Result<u64> {
        let source = source.get::<ExportedFile<FileOf<S>>>().0.get()?;
        let destination = destination.get::<ExportedFile<FileOf<S>>>().0.get()?;
        source.copy_range(source_offset, length, &destination, destination_offset).await
    }
}
