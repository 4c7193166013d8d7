//! An ordinary storage in memory, with `/hello` to read and `/scratch` to write, that goes wrong where the setting
//! `fault` says. It may be given several times.
//!
//! `fault=ACTION@OPERATION` acts when the operation begins:
//! - `trap`, `panic` (with a message of two lines), `spin`, `grow` (until memory ends), `recurse` (until the stack ends);
//! - `sleep` for ever on a clock of WASI 0.3, which lets other calls in, or `block` for ever on one of 0.2;
//! - `flood` stderr with 1 MB and go on; `fail`; `huge-error` (a message of 1 MiB); `ugly-error` (control characters).
//!
//! Operations have the contract's names: of a session `open`, `stat` and so on, of files `read`, `write`, `file-stat`,
//! `file-set-stat`, `file-usage`, `sync`, `close-file`, of directories `read-directory`, `close-directory`, and `connect`
//! and `close`. The destructors `drop-file`, `drop-directory` and `drop-session` can only trap, panic, spin, block, grow,
//! recurse or flood.
//!
//! `fault=ANSWER` gives a wrong answer where it belongs:
//! - `read`: `long-read` (a byte too many), `huge-read` (16 MiB), `empty-read` (nothing before the end);
//! - `read-directory`: `slash-name`, `nul-name`, `dot-name`, `dots-name`, `empty-name`, `long-name` (100,000 bytes),
//!   `many-entries` (one too many), `endless-entries`; `ugly-name` (control characters) is legal;
//! - `real-path`: `relative-path`, `dots-path`, `slashes-path`, `nul-path`; `connect`: `dots-home`, `relative-home`,
//!   and two that are legal: `no-times` (times are not kept), `closed-by-drop` (files and directories need no `close`);
//! - `read-link`: `nul-target`; `stat`: `odd-time` (2,000,000,000 nanoseconds), `far-time`, `wide-permissions`.

mod faults;

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package strongroom:faulty;

            world faulty {
                include strongroom:storage/guest@0.1.0;
                import wasi:clocks/monotonic-clock@0.3.0;
            }

            package wasi:clocks@0.3.0 {
                interface monotonic-clock {
                    wait-for: async func(how-long: u64);
                }
            }
        ",
        path: "../../../wit",
        with: { "strongroom:storage/types@0.1.0": strongroom_bindings::types },
        generate_all,
    });
}

use bindings::exports::strongroom::storage::storage::{
    Connected, Directory, File, Guest, GuestDirectory, GuestFile, GuestSession, Opened, Session,
};
use faults::Faults;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use strongroom_bindings::types::{
    AttributeChanges, Attributes, Client, DirectoryEntry, Ending, Error, ErrorCode, Features, OpenFlags, Timestamp,
    Usage,
};
use strongroom_tree::{NodeId, Tree};

const CAPACITY: u64 = 16 << 20;
const NOW: Timestamp = Timestamp { seconds: 1_000_000_000, nanoseconds: 0 };

struct Faulty;

struct OpenSession(Storage);

struct OpenFile {
    storage: Storage,
    id: NodeId,
}

struct OpenDirectory {
    storage: Storage,
    id: NodeId,
    told: RefCell<Option<String>>,
    is_twisted: Cell<bool>,
}

#[derive(Clone)]
struct Storage {
    tree: Rc<RefCell<Tree>>,
    faults: Faults,
}

bindings::export!(Faulty with_types_in bindings);

impl Guest for Faulty {
    type Session = OpenSession;
    type File = OpenFile;
    type Directory = OpenDirectory;

    async fn connect(_client: Client, settings: Vec<(String, String)>) -> Result<Connected, Error> {
        let faults = Faults::parse(&settings);
        faults.at("connect").await?;
        let home = if faults.gives("dots-home") {
            "/a/../b"
        } else if faults.gives("relative-home") {
            "home"
        } else {
            "/"
        };
        let mut features = Features::all().difference(Features::EXTENDED_ATTRIBUTES | Features::ATOMIC_UPLOAD);
        features.set(Features::TIMES, !faults.gives("no-times"));
        let closed_by_drop = faults.gives("closed-by-drop").then(|| ("close".to_owned(), "drop".to_owned()));
        let notes = closed_by_drop.into_iter().collect();
        let tree = Rc::new(RefCell::new(tree()?));
        Ok(Connected {
            session: Session::new(OpenSession(Storage { tree, faults })),
            features,
            home: home.to_owned(),
            transfer_size: 0,
            notes,
        })
    }
}

fn tree() -> Result<Tree, ErrorCode> {
    let mut tree = Tree::new(CAPACITY, NOW);
    for (path, bytes) in [("/hello", &b"hello, world\n"[..]), ("/scratch", b"")] {
        let file = tree.open(path, OpenFlags::WRITE | OpenFlags::CREATE, 0o644, NOW)?;
        tree.write(file, Some(0), bytes, NOW)?;
        tree.release(file);
    }
    Ok(tree)
}

impl Storage {
    async fn run<T>(&self, operation: &str, run: impl FnOnce(&mut Tree) -> Result<T, ErrorCode>) -> Result<T, Error> {
        self.faults.at(operation).await?;
        Ok(run(&mut self.tree.borrow_mut())?)
    }

    fn twisted(&self, mut attributes: Attributes) -> Attributes {
        if self.faults.gives("odd-time") {
            attributes.modified = Some(Timestamp { seconds: 0, nanoseconds: 2_000_000_000 });
        }
        if self.faults.gives("far-time") {
            attributes.modified = Some(Timestamp { seconds: i64::MAX, nanoseconds: 0 });
            attributes.accessed = Some(Timestamp { seconds: i64::MIN, nanoseconds: 0 });
        }
        if self.faults.gives("wide-permissions") {
            attributes.permissions = Some(0o177_777);
        }
        attributes
    }
}

impl GuestSession for OpenSession {
    async fn open(&self, path: String, flags: OpenFlags, permissions: u16) -> Result<Opened, Error> {
        let id = self.0.run("open", |tree| tree.open(&path, flags, permissions, NOW)).await?;
        Ok(Opened { file: File::new(OpenFile { storage: self.0.clone(), id }), native: None })
    }

    async fn open_directory(&self, path: String) -> Result<Directory, Error> {
        let id = self.0.run("open-directory", |tree| tree.open_directory(&path)).await?;
        let (told, is_twisted) = (RefCell::new(None), Cell::new(false));
        Ok(Directory::new(OpenDirectory { storage: self.0.clone(), id, told, is_twisted }))
    }

    async fn stat(&self, path: String, follow: bool) -> Result<Attributes, Error> {
        let attributes = self.0.run("stat", |tree| tree.stat(&path, follow)).await?;
        Ok(self.0.twisted(attributes))
    }

    async fn set_stat(&self, path: String, follow: bool, changes: AttributeChanges) -> Result<(), Error> {
        self.0.run("set-stat", |tree| tree.set_stat(&path, follow, &changes, NOW)).await
    }

    async fn real_path(&self, path: String) -> Result<String, Error> {
        let real = self.0.run("real-path", |tree| tree.real_path(&path)).await?;
        let answers = [
            ("relative-path", "relative"),
            ("dots-path", "/a/../b"),
            ("slashes-path", "/a//b/"),
            ("nul-path", "/a\0b"),
        ];
        let wrong = answers.into_iter().find(|(answer, _)| self.0.faults.gives(answer));
        Ok(wrong.map_or(real, |(_, path)| path.to_owned()))
    }

    async fn make_directory(&self, path: String, permissions: u16) -> Result<(), Error> {
        self.0.run("make-directory", |tree| tree.make_directory(&path, permissions, NOW)).await
    }

    async fn remove_directory(&self, path: String) -> Result<(), Error> {
        self.0.run("remove-directory", |tree| tree.remove_directory(&path, NOW)).await
    }

    async fn remove(&self, path: String) -> Result<(), Error> {
        self.0.run("remove", |tree| tree.remove(&path, NOW)).await
    }

    async fn rename(&self, source: String, destination: String, replace: bool) -> Result<(), Error> {
        self.0.run("rename", |tree| tree.rename(&source, &destination, replace, NOW)).await
    }

    async fn read_link(&self, path: String) -> Result<String, Error> {
        let target = self.0.run("read-link", |tree| tree.read_link(&path)).await?;
        Ok(if self.0.faults.gives("nul-target") { "a\0b".to_owned() } else { target })
    }

    async fn symlink(&self, target: String, path: String) -> Result<(), Error> {
        self.0.run("symlink", |tree| tree.symlink(&target, &path, NOW)).await
    }

    async fn hard_link(&self, existing: String, path: String) -> Result<(), Error> {
        self.0.run("hard-link", |tree| tree.hard_link(&existing, &path, NOW)).await
    }

    async fn usage(&self, path: String) -> Result<Usage, Error> {
        self.0.run("usage", |tree| tree.usage(&path)).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.0.faults.at("close").await
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.faults.in_drop("drop-session");
    }
}

impl GuestFile for OpenFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        let data = self.storage.run("read", |tree| tree.read(self.id, offset, length)).await?;
        let faults = &self.storage.faults;
        Ok(if faults.gives("long-read") {
            vec![b'!'; length as usize + 1]
        } else if faults.gives("huge-read") {
            vec![b'!'; 16 << 20]
        } else if faults.gives("empty-read") {
            vec![]
        } else {
            data
        })
    }

    async fn write(&self, offset: u64, data: Vec<u8>) -> Result<(), Error> {
        self.storage.run("write", |tree| tree.write(self.id, Some(offset), &data, NOW)).await
    }

    async fn stat(&self) -> Result<Attributes, Error> {
        let attributes = self.storage.run("file-stat", |tree| tree.stat_open(self.id)).await?;
        Ok(self.storage.twisted(attributes))
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<(), Error> {
        self.storage.run("file-set-stat", |tree| tree.set_stat_open(self.id, &changes, NOW)).await
    }

    async fn usage(&self) -> Result<Usage, Error> {
        self.storage.run("file-usage", |tree| Ok(tree.usage_open())).await
    }

    async fn sync(&self) -> Result<(), Error> {
        self.storage.faults.at("sync").await
    }

    async fn close(&self, _ending: Ending) -> Result<(), Error> {
        self.storage.faults.at("close-file").await
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.storage.faults.in_drop("drop-file");
        self.storage.tree.borrow_mut().release(self.id);
    }
}

impl GuestDirectory for OpenDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>, Error> {
        let told = self.told.borrow().clone();
        let list = |tree: &mut Tree| tree.list(self.id, told.as_deref(), max as usize);
        let mut entries = self.storage.run("read-directory", list).await?;
        *self.told.borrow_mut() = entries.last().map(|entry| entry.name.clone()).or(told);
        let attributes = self.storage.tree.borrow().stat("/hello", false)?;
        let entry = |name: &str| DirectoryEntry { name: name.to_owned(), attributes: attributes.clone() };
        if self.storage.faults.gives("many-entries") {
            return Ok((0..=max).map(|number| entry(&number.to_string())).collect());
        }
        if self.storage.faults.gives("endless-entries") {
            return Ok((0..max).map(|number| entry(&number.to_string())).collect());
        }
        if let Some(name) = self.wrong_name()
            && !self.is_twisted.replace(true)
        {
            entries.truncate(max as usize - 1);
            entries.push(entry(&name));
        }
        Ok(entries)
    }

    async fn close(&self) {
        let _ = self.storage.faults.at("close-directory").await;
    }
}

impl OpenDirectory {
    fn wrong_name(&self) -> Option<String> {
        let names = [
            ("slash-name", "a/b".to_owned()),
            ("nul-name", "a\0b".to_owned()),
            ("dot-name", ".".to_owned()),
            ("dots-name", "..".to_owned()),
            ("empty-name", String::new()),
            ("long-name", "n".repeat(100_000)),
            ("ugly-name", "first\nsecond \u{1b}[31mred\u{7f}".to_owned()),
        ];
        names.into_iter().find(|(answer, _)| self.storage.faults.gives(answer)).map(|(_, name)| name)
    }
}

impl Drop for OpenDirectory {
    fn drop(&mut self) {
        self.storage.faults.in_drop("drop-directory");
        self.storage.tree.borrow_mut().release(self.id);
    }
}
