//! A storage that never waits, so that the host enters it without a task for each call. What it does is what the name
//! says by which a client asks for attributes: `/trap`, `/spin`, `/grow` (until memory ends), `/recurse` (until the stack
//! ends), `/wait` (for ever, which it said that it never does); anything else is a file of 5 bytes. A file that was
//! opened by the name `/drop` traps when it is dropped, one by the name `/late` takes 300 ms for that. With the setting
//! `connect=trap` or `connect=spin` it goes wrong as soon as a client comes.

use std::future::pending;
use std::hint::black_box;
use std::time::{Duration, Instant};
use strongroom_guest::{Attributes, Client, Connected, File, Listing, OpenFlags, Result, Session, Settings, Storage};

struct Prompt;

struct PromptFile {
    path: String,
}

strongroom_guest::export!(Prompt, never waits);

impl Storage for Prompt {
    type Session = Prompt;

    async fn connect(_client: Client, settings: &mut Settings) -> Result<Connected<Prompt>> {
        match settings.take_text("connect").as_deref() {
            Some("trap") => std::process::abort(),
            Some("spin") => spin(),
            _ => {}
        }
        Ok(Connected::new(Prompt).closed_by_drop())
    }
}

impl Session for Prompt {
    type File = PromptFile;
    type Directory = Listing;

    async fn open(&self, path: &str, _flags: OpenFlags, _permissions: u16) -> Result<PromptFile> {
        Ok(PromptFile { path: path.to_owned() })
    }

    async fn open_directory(&self, _path: &str) -> Result<Listing> {
        Ok(Listing::new([("hello", Attributes::file(5))]))
    }

    async fn stat(&self, path: &str, _follow: bool) -> Result<Attributes> {
        match path {
            "/trap" => std::process::abort(),
            "/spin" => spin(),
            "/grow" => grow(),
            "/recurse" => Ok(Attributes::file(recurse(0))),
            "/wait" => pending().await,
            "/" => Ok(Attributes::directory()),
            _ => Ok(Attributes::file(5)),
        }
    }
}

impl File for PromptFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        Ok(strongroom_guest::slice(b"hello", offset, length).to_vec())
    }

    async fn stat(&self) -> Result<Attributes> {
        Ok(Attributes::file(5))
    }
}

impl Drop for PromptFile {
    fn drop(&mut self) {
        match self.path.as_str() {
            "/drop" => std::process::abort(),
            "/late" => spin_for(Duration::from_millis(300)),
            _ => {}
        }
    }
}

fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

fn spin_for(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn grow() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(vec![1_u8; 1 << 20]);
        black_box(&kept);
    }
}

fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if frame[0] == u64::MAX { 0 } else { 1 + recurse(frame[7] + 1) }
}
