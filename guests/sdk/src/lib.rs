//! Storages for Strongroom, the SFTP server whose storage is a sandboxed WebAssembly component.
//!
//! A storage is three traits: [`Storage`] takes a client in, [`Session`] knows names, [`File`] and [`Directory`] are what
//! is open. Whatever a storage need not have is written already. This one is complete, and shows a single file:
//!
//! ```
//! use strongroom_guest::*;
//!
//! struct Hello;
//!
//! impl Storage for Hello {
//!     type Session = Hello;
//!
//!     async fn connect(_client: Client, _settings: &mut Settings) -> Result<Connected<Hello>> {
//!         Ok(Connected::new(Hello))
//!     }
//! }
//!
//! impl Session for Hello {
//!     type File = Contents;
//!     type Directory = Listing;
//!
//!     async fn open(&self, path: &str, flags: OpenFlags, _permissions: u16) -> Result<Contents> {
//!         flags.only_read()?;
//!         self.stat(path, true).await?.refuse_directory()?;
//!         Ok(Contents::new("hello, world\n"))
//!     }
//!
//!     async fn open_directory(&self, path: &str) -> Result<Listing> {
//!         self.stat(path, true).await?.require_directory()?;
//!         Ok(Listing::new([("hello", Attributes::file(13))]))
//!     }
//!
//!     async fn stat(&self, path: &str, _follow: bool) -> Result<Attributes> {
//!         match path {
//!             "/" => Ok(Attributes::directory()),
//!             "/hello" => Ok(Attributes::file(13)),
//!             _ => Err(ErrorCode::NoSuchFile.into()),
//!         }
//!     }
//! }
//!
//! export!(Hello);
//!
//! // Its tests need no WebAssembly: `testing::Client` calls it as the host does, on the machine itself.
//! # fn main() -> Result<()> {
//! let client = testing::Client::<Hello>::connect(&[])?;
//! let file = client.open("/hello", OpenFlags::READ)?;
//! assert_eq!(file.read(7, 100)?, b"world\n");
//! file.close()?;
//! assert_eq!(client.names("/")?, ["hello"]);
//! assert_eq!(client.remove("/hello").unwrap_err().code, ErrorCode::ReadOnly);
//! # Ok(())
//! # }
//! ```
//!
//! As a library crate of the type `cdylib`, `cargo build --release --target wasm32-wasip2` makes it a component, and
//! `strongroom run hello.wasm` serves it.
//!
//! - What an operation fails with is an [`Error`], made of an [`ErrorCode`]; [`Error::with_message`] is for the client,
//!   [`Error::with_detail`] for the operator's log. Where the standard library's errors occur, `?` turns them into one.
//! - What the operator wrote after `--set` is taken from [`Settings`].
//! - What it wants of whoever runs it, as settings and directories, it says by [`wants!`]; `strongroom inspect` shows that.
//! - What is kept in memory is made of [`GrowingBytes`] in a [`Room`], under [`Names`]; [`path::resolve`] follows links.
//! - [`tree`] is a whole storage in memory, to serve or to test against.
//! - [`testing`] is for tests: a client, and a raw connection to a component that `strongroom` runs.
//!
//! The types without a trait of their own are the contract's, and say what `wit/` says.
//!
//! # Without the standard library
//!
//! For the target `wasm32-wasip2` the standard library imports the environment, stdin and terminals whether they are used
//! or not. They are granted nothing, so that it does no harm. A component that is to import only what it uses is `no_std`,
//! takes this crate without its feature `std`, and brings an allocator and a panic handler, as `strongroom-bare` has them.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(feature = "std", not(target_arch = "wasm32")))]
extern crate std;

mod exported;
mod growing;
mod names;
pub mod path;
mod ready;
mod settings;
mod slot;
mod storage;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod tree;
mod wants;

pub use growing::{GrowingBytes, Room};
pub use names::Names;
pub use ready::{Contents, Listing, slice};
pub use settings::Settings;
pub use storage::{Connected, Directory, File, Session, Storage, copy_by_reading};
#[doc(inline)]
pub use strongroom_bindings::filesystem;
#[doc(inline)]
pub use strongroom_bindings::native::NativeFile;
#[doc(inline)]
pub use strongroom_bindings::posix;
#[doc(inline)]
pub use strongroom_bindings::types::{
    AttributeChanges, Attributes, Client, DirectoryEntry, Ending, Error, ErrorCode, Features, FileKind, OpenFlags,
    Timestamp, Usage,
};

/// What every operation gives.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Makes a component of a storage: `export!(Hello);`, once in a crate of the type `cdylib`. On the machine itself, where
/// tests run, it only checks that there is a [`Storage`].
///
/// `export!(Hello, never waits);` says that none of its operations ever waits for anything, as those do not that live in
/// memory or call [`posix`]: one that waits all the same traps. If it also imports nothing that could wait, the host enters
/// it without a task for each call, in half the time. While it works, it works for one request alone.
#[macro_export]
macro_rules! export {
    ($storage:ty) => {
        $crate::export!(@ $storage, Exported, generated);
    };
    ($storage:ty, never waits) => {
        $crate::export!(@ $storage, ExportedAtOnce, generated_at_once);
    };
    (@ $storage:ty, $exported:ident, $generated:ident) => {
        const _: () = {
            #[cfg(target_arch = "wasm32")]
            type ExportedByStrongroom = $crate::hidden::$exported<$storage>;
            #[cfg(target_arch = "wasm32")]
    $crate::hidden::$generated::export!(ExportedByStrongroom with_types_in $crate::hidden::$generated);
            #[cfg(not(target_arch = "wasm32"))]
            let _ = $crate::hidden::is_storage::<$storage>;
        };
    };
}

/// What [`export!`] and [`wants!`] expand to.
#[doc(hidden)]
pub mod hidden {
    pub use crate::exported::{Exported, ExportedAtOnce};
    pub use crate::wants::{bytes, is_one_line};
    pub use strongroom_bindings::generated;
    pub use strongroom_bindings_at_once as generated_at_once;

    pub const fn is_storage<S: crate::Storage>() {}
}

/// `connect` as the host and the tests see it: with a setting left over it fails.
pub(crate) async fn connect<S: Storage>(client: Client, mut settings: Settings) -> Result<Connected<S::Session>> {
    let connected = S::connect(client, &mut settings).await?;
    if let Err(error) = settings.finish() {
        // Its own failure would hide the one that the operator can mend.
        let _ = connected.session.close().await;
        return Err(error);
    }
    Ok(connected)
}
