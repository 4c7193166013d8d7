// The class that an author extends. One instance is one session of one client.

import { StorageError } from "./errors.js";

const unsupported = () => new StorageError("unsupported");
const readOnly = () => new StorageError("read-only");

/**
 * Override what the storage has; every method may return a value or a promise.
 *
 * What is left out answers that it is unsupported or, where it would change something, that the storage is read-only.
 * Errors are thrown: a StorageError, or any error whose `code` is a system's, as `ENOENT`. Anything else that is thrown
 * becomes a plain failure for the client and a line in the log; the session goes on.
 *
 * While one method awaits, others run. A handle is whatever `open` returns.
 */
export class Storage {
  /** Names from FEATURES. */
  static features = [];
  /** What it wants of whoever runs it, for `strongroom inspect`; wants.js says how that is written. */
  static wants = undefined;
  /** Where relative paths start. */
  home = "/";
  /** How many bytes reads and writes are best made of; 0 for no wish. */
  transferSize = 0;

  /** Called for each client `{ user, address, sessionId, notes }`, with what the operator set. A throw refuses it. */
  constructor(client, settings) {
    this.client = client;
    this.settings = settings;
  }

  /** For what has to be awaited before the session begins. */
  connect() {}
  /** The client is gone; all its handles are closed. */
  disconnect() {}

  /** Attributes of a path; of a symbolic link itself unless `follow`. */
  stat(path, follow) {
    throw unsupported();
  }
  /**
   * In this order: `size`, `permissions`, times, owner, `extended`, and only what `features` claims. A missing path fails
   * even with no changes.
   */
  async setstat(path, changes, follow) {
    await this.stat(path, follow);
    if (Object.keys(changes).length > 0) throw unsupported();
  }
  /** `path` with symbolic links resolved, though its last component may be missing. Here: there are none. */
  async realpath(path) {
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "" && (await this.stat(parent, true)).kind !== "directory") {
      throw new StorageError("not-a-directory");
    }
    return path;
  }
  /**
   * The names in a directory as an iterable, plain or asynchronous, in any order and without "." and "..": strings, or
   * attributes with a `name`.
   */
  readdir(path) {
    throw unsupported();
  }

  /**
   * Opens or creates a file and returns a handle. `flags` are `{ read, write, append, create, truncate, exclusive }`;
   * `permissions` are for a file that is created. Never called for writing unless `write` is overridden.
   */
  open(path, flags, permissions) {
    throw unsupported();
  }
  /** A Uint8Array of at most `length` bytes; empty only at or past the end. */
  read(handle, offset, length) {
    throw unsupported();
  }
  /** All of `data`. Of a handle that was opened to append, at the end, whatever `offset` says. */
  write(handle, offset, data) {
    throw readOnly();
  }
  /** Counts what was written so far. */
  fstat(handle) {
    throw unsupported();
  }
  /** As `setstat`. */
  fsetstat(handle, changes) {
    throw unsupported();
  }
  /** Makes safe what was written. Needs the feature `sync`. */
  fsync(handle) {
    throw unsupported();
  }
  /** As `statfs`. */
  fstatfs(handle) {
    throw unsupported();
  }
  /**
   * Called once for each handle. Without `commit` the client is gone or a write had failed: a storage with the feature
   * `atomicUpload` forgets what was written, another keeps it.
   */
  close(handle, commit) {}

  /** `already-exists` for anything that is there. */
  mkdir(path, permissions) {
    throw readOnly();
  }
  /** `not-empty`, `not-a-directory`. */
  rmdir(path) {
    throw readOnly();
  }
  /** A file, or a symbolic link itself; `is-a-directory` for a directory. */
  unlink(path) {
    throw readOnly();
  }
  /** Without `replace`, `already-exists` for anything that is there, with no moment between look and move. */
  rename(source, destination, replace) {
    throw readOnly();
  }
  /** The target as it is kept; `invalid-argument` for what is no link. Needs the feature `symlinks`. */
  readlink(path) {
    throw unsupported();
  }
  /** `target` is any string, as the client sent it. Needs the feature `symlinks`. */
  symlink(target, path) {
    throw unsupported();
  }
  /** A further name for a file. Needs the feature `hardLinks`. */
  link(existing, path) {
    throw unsupported();
  }
  /** How much room there is, named as statvfs(3) is in the contract's `usage`. Needs the feature `usage`. */
  statfs(path) {
    throw unsupported();
  }
}
