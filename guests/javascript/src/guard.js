// Stands between the host and an author's storage: every method of the contract is there, whatever is thrown is
// caught, and no answer leaves that the host would take for a fault. The component and the tests go through here alike.

import { StorageError, asStorageError } from "./errors.js";
import { Storage } from "./storage.js";
import * as values from "./values.js";

// An answer stays of bounded size, whatever is asked for.
const ENTRIES_MAX = 1024;

/** A session of the class `Chosen`, as the contract's `connect` answers it. */
export async function connect(Chosen, client, settings) {
  return guarded(async () => {
    const storage = new Chosen(client, Object.fromEntries(settings));
    await storage.connect();
    return {
      session: new Session(storage),
      features: values.features(Chosen.features),
      home: values.text(storage.home),
      transferSize: storage.transferSize,
      notes: [],
    };
  });
}

/** Lets nothing out but a StorageError. */
async function guarded(work) {
  try {
    return await work();
  } catch (thrown) {
    throw asStorageError(thrown);
  }
}

/** Sets what the storage claims to keep, in the contract's order, and refuses the rest. */
async function setClaimed(storage, changes, set) {
  const { kept, refused } = values.claimed(values.changes(changes), storage.constructor.features);
  await set(kept);
  if (refused) throw new StorageError("unsupported");
}

/** The contract's `session`. */
export class Session {
  #writable;

  constructor(storage) {
    this.storage = storage;
    this.#writable = storage.write !== Storage.prototype.write;
  }

  open(path, flags, permissions) {
    return guarded(async () => {
      if ((flags.write || flags.create || flags.truncate) && !this.#writable) throw new StorageError("read-only");
      return new File(this.storage, await this.storage.open(path, flags, permissions), flags);
    });
  }
  openDirectory(path) {
    return guarded(async () => {
      const directory = new Directory(this.storage, path, await this.storage.readdir(path));
      await directory.begin();
      return directory;
    });
  }
  stat(path, follow) {
    return guarded(async () => values.attributes(await this.storage.stat(path, follow)));
  }
  setStat(path, follow, changes) {
    return guarded(() => setClaimed(this.storage, changes, (kept) => this.storage.setstat(path, kept, follow)));
  }
  realPath(path) {
    return guarded(async () => values.text(await this.storage.realpath(path)));
  }
  makeDirectory(path, permissions) {
    return guarded(async () => void (await this.storage.mkdir(path, permissions)));
  }
  removeDirectory(path) {
    return guarded(async () => void (await this.storage.rmdir(path)));
  }
  remove(path) {
    return guarded(async () => void (await this.storage.unlink(path)));
  }
  rename(source, destination, replace) {
    return guarded(async () => void (await this.storage.rename(source, destination, replace)));
  }
  readLink(path) {
    return guarded(async () => values.text(await this.storage.readlink(path)));
  }
  symlink(target, path) {
    return guarded(async () => void (await this.storage.symlink(target, path)));
  }
  hardLink(existing, path) {
    return guarded(async () => void (await this.storage.link(existing, path)));
  }
  usage(path) {
    return guarded(async () => values.usage(await this.storage.statfs(path)));
  }
  close() {
    return guarded(async () => void (await this.storage.disconnect()));
  }
}

/** The contract's `file`. */
export class File {
  #storage;
  #handle;
  #flags;

  constructor(storage, handle, flags) {
    this.#storage = storage;
    this.#handle = handle;
    this.#flags = flags;
  }

  read(offset, length) {
    return guarded(async () => {
      this.#need("read");
      const data = values.bytes(await this.#storage.read(this.#handle, offset, length));
      if (data.length > length) throw new RangeError(`read gave ${data.length} bytes where ${length} were asked for`);
      return data;
    });
  }
  write(offset, data) {
    return guarded(async () => {
      this.#need("write");
      await this.#storage.write(this.#handle, offset, data);
    });
  }
  stat() {
    return guarded(async () => values.attributes(await this.#storage.fstat(this.#handle)));
  }
  setStat(changes) {
    return guarded(() => setClaimed(this.#storage, changes, (kept) => this.#storage.fsetstat(this.#handle, kept)));
  }
  usage() {
    return guarded(async () => values.usage(await this.#storage.fstatfs(this.#handle)));
  }
  sync() {
    return guarded(async () => void (await this.#storage.fsync(this.#handle)));
  }
  close(commit) {
    return guarded(async () => {
      const handle = this.#handle;
      this.#handle = undefined;
      await this.#storage.close(handle, commit);
    });
  }

  #need(flag) {
    if (!this.#flags[flag]) throw new StorageError("failure", "", { detail: `the file is not open to ${flag}` });
  }
}

/** The contract's `directory`, over whatever `readdir` returned. */
export class Directory {
  #storage;
  #path;
  #entries;
  #next = { done: true };

  constructor(storage, path, entries) {
    this.#storage = storage;
    this.#path = path;
    this.#entries = entries[Symbol.asyncIterator]?.() ?? entries[Symbol.iterator]();
  }

  /** Fetches an entry, since a generator finds only then that there is no such directory. */
  async begin() {
    this.#next = await this.#entries.next();
  }

  read(max) {
    return guarded(async () => {
      const entries = [];
      while (!this.#next.done && entries.length < Math.min(max, ENTRIES_MAX)) {
        const entry = await this.#withAttributes(this.#next.value);
        if (entry) entries.push(entry);
        this.#next = await this.#entries.next();
      }
      return entries;
    });
  }
  close() {
    return guarded(async () => {
      this.#next = { done: true };
      await this.#entries.return?.();
    });
  }

  async #withAttributes(entry) {
    if (typeof entry === "object") return { name: values.name(entry?.name), attributes: values.attributes(entry) };
    const name = values.name(entry);
    try {
      const path = this.#path === "/" ? `/${name}` : `${this.#path}/${name}`;
      return { name, attributes: values.attributes(await this.#storage.stat(path, false)) };
    } catch (thrown) {
      if (asStorageError(thrown).code === "no-such-file") return undefined;
      throw thrown;
    }
  }
}
