// Notes in one directory, which are written, read, renamed and removed, and live as long as the session. Put what you
// serve in place of the map.
//
// Setting: `welcome`, the text of the note `welcome.txt`, which is there from the beginning.

import { Storage, StorageError, encodeText } from "strongroom";

const NOTE_MAX = 16 * 2 ** 20;

/** It lives as long as it has a name or is open. */
class Note {
  #bytes = new Uint8Array(0);
  #size = 0;
  modified = new Date();

  attributes() {
    return { kind: "regular", size: this.#size, modified: this.modified };
  }

  get size() {
    return this.#size;
  }

  read(offset, length) {
    return this.#bytes.slice(offset, Math.min(offset + length, this.#size));
  }

  write(offset, data) {
    if (data.length === 0) return;
    this.resize(Math.max(this.#size, offset + data.length));
    this.#bytes.set(data, offset);
  }

  /** What is added is zeros; what is held grows by halves, so that small writes stay cheap. */
  resize(size) {
    if (size > NOTE_MAX) throw new StorageError("file-too-large");
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, Math.ceil(this.#size * 1.5)));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#size = size;
    this.modified = new Date();
  }
}

export default class Notes extends Storage {
  static features = ["atomicReplace", "randomWrite"];

  constructor(client, { welcome, ...unknown }) {
    super(client);
    for (const name of Object.keys(unknown)) {
      throw new StorageError("invalid-argument", "", { detail: `the setting '${name}' is unknown to this storage` });
    }
    this.notes = new Map();
    if (welcome !== undefined) this.create("/welcome.txt").write(0, encodeText(`${welcome}\n`));
  }

  find(path) {
    const note = this.notes.get(path);
    if (!note) throw new StorageError("no-such-file");
    return note;
  }

  create(path) {
    this.checkPlace(path);
    const note = new Note();
    this.notes.set(path, note);
    return note;
  }

  /** Whether a note could have this path: there is one directory. */
  checkPlace(path) {
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "") throw new StorageError(this.notes.has(parent) ? "not-a-directory" : "no-such-file");
  }

  stat(path) {
    return path === "/" ? { kind: "directory" } : this.find(path).attributes();
  }

  setstat(path, changes) {
    if (path !== "/") this.fsetstat({ note: this.find(path) }, changes);
    else if (changes.size !== undefined) throw new StorageError("is-a-directory");
  }

  readdir(path) {
    if (path === "/") return [...this.notes].map(([name, note]) => ({ name: name.slice(1), ...note.attributes() }));
    this.find(path);
    throw new StorageError("not-a-directory");
  }

  open(path, flags) {
    if (path === "/") throw new StorageError("is-a-directory");
    if (!this.notes.has(path) && flags.create) this.create(path);
    else if (flags.exclusive) throw new StorageError("already-exists");
    const note = this.find(path);
    if (flags.truncate) note.resize(0);
    return { note, appends: flags.append };
  }

  read({ note }, offset, length) {
    return note.read(offset, length);
  }

  write({ note, appends }, offset, data) {
    note.write(appends ? note.size : offset, data);
  }

  fstat({ note }) {
    return note.attributes();
  }

  /** Of what a client may ask, the host passes on what `features` say; for notes that is the size. */
  fsetstat({ note }, { size }) {
    if (size !== undefined) note.resize(size);
  }

  unlink(path) {
    if (path === "/") throw new StorageError("is-a-directory");
    this.find(path);
    this.notes.delete(path);
  }

  rename(source, destination, replace) {
    if (source === "/" || destination === "/") throw new StorageError("invalid-argument");
    const note = this.find(source);
    if (!replace && this.notes.has(destination)) throw new StorageError("already-exists");
    this.checkPlace(destination);
    this.notes.delete(source);
    this.notes.set(destination, note);
  }

  mkdir(path) {
    throw new StorageError(path === "/" || this.notes.has(path) ? "already-exists" : "unsupported");
  }

  rmdir(path) {
    if (path === "/") throw new StorageError("busy");
    this.find(path);
    throw new StorageError("not-a-directory");
  }
}
