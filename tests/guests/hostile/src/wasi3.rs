//! What is used of WASI 0.3: waits that let others in, and directories.

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package strongroom:hostile;

            world wasi3 {
                import wasi:clocks/monotonic-clock@0.3.0;
                import wasi:clocks/system-clock@0.3.0;
                import wasi:filesystem/types@0.3.0;
                import wasi:filesystem/preopens@0.3.0;
            }

            package wasi:clocks@0.3.0 {
                interface monotonic-clock {
                    now: func() -> u64;
                    get-resolution: func() -> u64;
                    wait-for: async func(how-long: u64);
                }

                interface system-clock {
                    record instant {
                        seconds: s64,
                        nanoseconds: u32,
                    }
                    now: func() -> instant;
                    get-resolution: func() -> u64;
                }
            }

            package wasi:filesystem@0.3.0 {
                interface types {
                    use wasi:clocks/system-clock@0.3.0.{instant};

                    flags descriptor-flags {
                        read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory,
                    }
                    flags path-flags { symlink-follow }
                    flags open-flags { create, directory, exclusive, truncate }
                    variant new-timestamp { no-change, now, timestamp(instant) }
                    variant error-code {
                        access, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large,
                        illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop,
                        too-many-links, message-size, name-too-long, no-device, no-entry, no-lock,
                        insufficient-memory, insufficient-space, not-directory, not-empty, not-recoverable,
                        unsupported, no-tty, no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek,
                        text-file-busy, cross-device, other(option<string>),
                    }

                    resource descriptor {
                        set-size: async func(size: u64) -> result<_, error-code>;
                        set-times: async func(data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp) -> result<_, error-code>;
                        write-via-stream: func(data: stream<u8>, offset: u64) -> future<result<_, error-code>>;
                        append-via-stream: func(data: stream<u8>) -> future<result<_, error-code>>;
                        link-at: async func(old-path-flags: path-flags, old-path: string, new-descriptor: borrow<descriptor>, new-path: string) -> result<_, error-code>;
                        readlink-at: async func(path: string) -> result<string, error-code>;
                        remove-directory-at: async func(path: string) -> result<_, error-code>;
                        rename-at: async func(old-path: string, new-descriptor: borrow<descriptor>, new-path: string) -> result<_, error-code>;
                        symlink-at: async func(old-path: string, new-path: string) -> result<_, error-code>;
                        unlink-file-at: async func(path: string) -> result<_, error-code>;
                        create-directory-at: async func(path: string) -> result<_, error-code>;
                        set-times-at: async func(path-flags: path-flags, path: string, data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp) -> result<_, error-code>;
                        open-at: async func(path-flags: path-flags, path: string, open-flags: open-flags, %flags: descriptor-flags) -> result<descriptor, error-code>;
                    }
                }

                interface preopens {
                    use types.{descriptor};
                    get-directories: func() -> list<tuple<descriptor, string>>;
                }
            }
        ",
        generate_all,
    });
}

pub(crate) use bindings::wasi::clocks::{monotonic_clock, system_clock};
pub(crate) use bindings::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};

use bindings::wasi::filesystem::preopens::get_directories;
use std::future::{Future, poll_fn};
use std::mem::forget;
use std::task::Poll;

pub(crate) async fn sleep_for_ever() {
    monotonic_clock::wait_for(u64::MAX).await;
}

/// Begins waits and takes no result.
pub(crate) async fn start_and_forget(count: usize) {
    for _ in 0..count {
        let mut wait = Box::pin(monotonic_clock::wait_for(u64::MAX));
        poll_fn(|context| {
            let _ = wait.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
        forget(wait);
    }
}

/// Writes by a stream at the beginning, or at the end.
pub(crate) async fn write(file: &Descriptor, bytes: &[u8], appends: bool) -> Result<(), ErrorCode> {
    let (mut writer, reader) = bindings::wit_stream::new();
    let done = if appends { file.append_via_stream(reader) } else { file.write_via_stream(reader, 0) };
    // What nobody takes is told by the result.
    let _ = writer.write_all(bytes.to_vec()).await;
    drop(writer);
    done.await
}

/// A directory as it was granted.
pub(crate) fn granted(name: &str) -> Descriptor {
    let found = get_directories().into_iter().find(|(_, granted)| granted == name);
    found.unwrap_or_else(|| panic!("the test grants a directory {name}")).0
}
