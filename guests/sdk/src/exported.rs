//! A storage as the contract's exports: each call goes to the author's, and what `close` ends is dropped there. Once as
//! calls that may wait, and once as calls that return at once, for storages that said so: the host enters those without
//! a task for each.

use crate::slot::Slot;
use crate::{Directory, File, Result, Session, Settings, Storage, connect};
use alloc::string::String;
use alloc::vec::Vec;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use strongroom_bindings::types::{AttributeChanges, Attributes, Client, DirectoryEntry, Ending, OpenFlags, Usage};

pub struct ExportedSession<S>(Slot<S>);

pub struct ExportedFile<F>(Slot<F>);

pub struct ExportedDirectory<D>(Slot<D>);

type FileOf<S> = <<S as Storage>::Session as Session>::File;
type DirectoryOf<S> = <<S as Storage>::Session as Session>::Directory;

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

macro_rules! at_once {
    ($future:expr) => {
        at_once($future)
    };
}

/// What a future gives that never waits.
#[allow(
    clippy::panic,
    reason = "the author's promise is broken, and there is no answer to give: the host replaces the instance"
)]
fn at_once<R>(future: impl Future<Output = R>) -> R {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("this storage said that it never waits, and waits"),
    }
}

/// The exports as $exported<S>, with the interfaces of $generated: functions that are $async, of which $finish makes
/// what they return.
macro_rules! exports {
    ($exported:ident, $generated:ident, [$($async:tt)?], $finish:ident) => {
        /// The exports of the storage `S`.
        pub struct $exported<S>(PhantomData<S>);

        const _: () = {
            use crate::hidden::$generated::exports::strongroom::storage::{copying, storage};

            impl<S: Storage> storage::Guest for $exported<S> {
                type Session = ExportedSession<S::Session>;
                type File = ExportedFile<FileOf<S>>;
                type Directory = ExportedDirectory<DirectoryOf<S>>;

                $($async)? fn connect(client: Client, settings: Vec<(String, String)>) -> Result<storage::Connected> {
                    let connected = $finish!(connect::<S>(client, Settings::new(settings)))?;
                    Ok(storage::Connected {
                        session: storage::Session::new(ExportedSession(Slot::new(connected.session))),
                        features: connected.features,
                        home: connected.home,
                        transfer_size: connected.transfer_size,
                        notes: connected.notes,
                    })
                }
            }

            impl<S: Session> storage::GuestSession for ExportedSession<S> {
                $($async)? fn open(&self, path: String, flags: OpenFlags, permissions: u16) -> Result<storage::Opened> {
                    let file = $finish!(self.0.get()?.open(&path, flags, permissions))?;
                    let native = file.native();
                    Ok(storage::Opened { file: storage::File::new(ExportedFile(Slot::new(file))), native })
                }

                $($async)? fn open_directory(&self, path: String) -> Result<storage::Directory> {
                    let directory = $finish!(self.0.get()?.open_directory(&path))?;
                    Ok(storage::Directory::new(ExportedDirectory(Slot::new(directory))))
                }

                $($async)? fn stat(&self, path: String, follow: bool) -> Result<Attributes> {
                    $finish!(self.0.get()?.stat(&path, follow))
                }

                $($async)? fn set_stat(&self, path: String, follow: bool, changes: AttributeChanges) -> Result<()> {
                    $finish!(self.0.get()?.set_stat(&path, follow, changes))
                }

                $($async)? fn real_path(&self, path: String) -> Result<String> {
                    $finish!(self.0.get()?.real_path(&path))
                }

                $($async)? fn make_directory(&self, path: String, permissions: u16) -> Result<()> {
                    $finish!(self.0.get()?.make_directory(&path, permissions))
                }

                $($async)? fn remove_directory(&self, path: String) -> Result<()> {
                    $finish!(self.0.get()?.remove_directory(&path))
                }

                $($async)? fn remove(&self, path: String) -> Result<()> {
                    $finish!(self.0.get()?.remove(&path))
                }

                $($async)? fn rename(&self, source: String, destination: String, replace: bool) -> Result<()> {
                    $finish!(self.0.get()?.rename(&source, &destination, replace))
                }

                $($async)? fn read_link(&self, path: String) -> Result<String> {
                    $finish!(self.0.get()?.read_link(&path))
                }

                $($async)? fn symlink(&self, target: String, path: String) -> Result<()> {
                    $finish!(self.0.get()?.symlink(&target, &path))
                }

                $($async)? fn hard_link(&self, existing: String, path: String) -> Result<()> {
                    $finish!(self.0.get()?.hard_link(&existing, &path))
                }

                $($async)? fn usage(&self, path: String) -> Result<Usage> {
                    $finish!(self.0.get()?.usage(&path))
                }

                $($async)? fn close(&self) -> Result<()> {
                    $finish!(self.0.close()?.close())
                }
            }

            impl<F: File> storage::GuestFile for ExportedFile<F> {
                $($async)? fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
                    $finish!(self.0.get()?.read(offset, length))
                }

                $($async)? fn write(&self, offset: u64, data: Vec<u8>) -> Result<()> {
                    $finish!(self.0.get()?.write(offset, &data))
                }

                $($async)? fn stat(&self) -> Result<Attributes> {
                    $finish!(self.0.get()?.stat())
                }

                $($async)? fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
                    $finish!(self.0.get()?.set_stat(changes))
                }

                $($async)? fn usage(&self) -> Result<Usage> {
                    $finish!(self.0.get()?.usage())
                }

                $($async)? fn sync(&self) -> Result<()> {
                    $finish!(self.0.get()?.sync())
                }

                $($async)? fn close(&self, ending: Ending) -> Result<()> {
                    $finish!(self.0.close()?.close(ending))
                }
            }

            impl<D: Directory> storage::GuestDirectory for ExportedDirectory<D> {
                $($async)? fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>> {
                    $finish!(self.0.get()?.read(max))
                }

                $($async)? fn close(&self) {
                    // The contract has no error here: the second time there is nothing left to close.
                    if let Ok(directory) = self.0.close() {
                        $finish!(directory.close());
                    }
                }
            }

            impl<S: Storage> copying::Guest for $exported<S> {
                $($async)? fn copy_range(
                    source: storage::FileBorrow<'_>,
                    source_offset: u64,
                    length: Option<u64>,
                    destination: storage::FileBorrow<'_>,
                    destination_offset: u64,
                ) -> Result<u64> {
                    let source = source.get::<ExportedFile<FileOf<S>>>().0.get()?;
                    let destination = destination.get::<ExportedFile<FileOf<S>>>().0.get()?;
                    $finish!(source.copy_range(source_offset, length, &destination, destination_offset))
                }
            }
        };
    };
}

exports!(Exported, generated, [async], wait);
exports!(ExportedAtOnce, generated_at_once, [], at_once);
