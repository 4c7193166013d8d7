// A client of a storage without a host, a server or WebAssembly: what a storage's own tests are written with.
//
//     const client = await Client.connect(MyStorage, { settings: { bucket: "photos" } });
//     const file = await client.open("/hello");
//     assert.deepEqual(await client.read(file, 0, 5), encodeText("hello"));
//     await client.close(file);
//
// It goes the way that the component goes, so what it throws, always a StorageError, is what the host would be told.

import * as guard from "./guard.js";

const PIECE = 32768;

/** One session of a storage. */
export class Client {
  #files = new Set();

  static async connect(Chosen, { user = "alice", settings = {} } = {}) {
    const client = { user, address: null, sessionId: "test", notes: [] };
    const connected = await guard.connect(Chosen, client, Object.entries(settings));
    return Object.assign(new Client(), connected);
  }

  /** Ends the session; files that are still open are closed without commit. */
  async disconnect() {
    for (const file of this.#files) await this.close(file, false);
    await this.session.close();
  }

  async open(path, flags = { read: true }, permissions = 0o644) {
    const file = await this.session.open(path, flags, permissions);
    this.#files.add(file);
    return file;
  }
  read(file, offset, length) {
    return file.read(offset, length);
  }
  write(file, offset, data) {
    return file.write(offset, data);
  }
  fstat(file) {
    return file.stat().then(seen);
  }
  fsetstat(file, changes) {
    return file.setStat(asked(changes));
  }
  close(file, commit = true) {
    this.#files.delete(file);
    return file.close(commit);
  }

  /** All of a file. */
  async get(path) {
    const file = await this.open(path);
    const data = [];
    for (;;) {
      const piece = await this.read(file, data.length, PIECE);
      if (piece.length === 0) break;
      for (const byte of piece) data.push(byte);
    }
    await this.close(file);
    return Uint8Array.from(data);
  }
  /** A file as a client uploads it: in pieces, in order. */
  async put(path, data, permissions = 0o644) {
    const file = await this.open(path, { write: true, create: true, truncate: true }, permissions);
    for (let offset = 0; offset < data.length; offset += PIECE) {
      await this.write(file, offset, data.slice(offset, offset + PIECE));
    }
    await this.close(file);
  }
  /** All names in a directory with their attributes, as a Map, fetched `batch` at a time. */
  async list(path, batch = 100) {
    const directory = await this.session.openDirectory(path);
    const entries = new Map();
    for (;;) {
      const found = await directory.read(batch);
      if (found.length === 0) break;
      for (const { name, attributes } of found) {
        if (entries.has(name)) throw new Error(`${name} was listed twice`);
        entries.set(name, seen(attributes));
      }
    }
    await directory.close();
    return entries;
  }

  stat(path, follow = true) {
    return this.session.stat(path, follow).then(seen);
  }
  setstat(path, changes, follow = true) {
    return this.session.setStat(path, follow, asked(changes));
  }
  realpath(path) {
    return this.session.realPath(path);
  }
  mkdir(path, permissions = 0o755) {
    return this.session.makeDirectory(path, permissions);
  }
  rmdir(path) {
    return this.session.removeDirectory(path);
  }
  unlink(path) {
    return this.session.remove(path);
  }
  rename(source, destination, replace = false) {
    return this.session.rename(source, destination, replace);
  }
  readlink(path) {
    return this.session.readLink(path);
  }
  symlink(target, path) {
    return this.session.symlink(target, path);
  }
  link(existing, path) {
    return this.session.hardLink(existing, path);
  }
  statfs(path) {
    return this.session.usage(path);
  }
}

/** Attributes with the contract's times as Dates again. */
function seen(attributes) {
  const date = (time) => (time === null ? null : new Date(time.seconds * 1000 + time.nanoseconds / 1e6));
  return { ...attributes, accessed: date(attributes.accessed), modified: date(attributes.modified) };
}

/** Changes in the contract's form. */
function asked({ accessed, modified, extended = {}, ...numbers }) {
  const time = (date) => {
    const seconds = Math.floor(date.getTime() / 1000);
    return { seconds, nanoseconds: (date.getTime() - seconds * 1000) * 1e6 };
  };
  return {
    ...numbers,
    accessed: accessed ? time(accessed) : null,
    modified: modified ? time(modified) : null,
    extended: Object.entries(extended),
  };
}
