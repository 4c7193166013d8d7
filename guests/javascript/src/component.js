// The storage as a component: the contract's exports over guard.js, as componentize-qjs wants them. `build.js` writes
// the lines that use this.

import * as guard from "./guard.js";

/** What the world's `storage` exports, for sessions of the class `Chosen`. */
export function exporting(Chosen) {
  return {
    connect: (client, settings) =>
      told(async () => {
        const connected = await guard.connect(Chosen, client, settings);
        return { ...connected, session: new Session(connected.session) };
      }),
    Session,
    File,
    Directory,
  };
}

/** Throws what failed as the contract's `error`; thrown in any other form, it would trap the instance. */
async function told(work) {
  try {
    return await work();
  } catch (error) {
    const { code, message, detail } = error;
    throw { code, message: message.toWellFormed(), detail: detail == null ? null : String(detail).toWellFormed() };
  }
}

class Session {
  constructor(session) {
    this.session = session;
  }
  async open(path, flags, permissions) {
    return told(async () => ({ file: new File(await this.session.open(path, flags, permissions)), native: null }));
  }
  async openDirectory(path) {
    return told(async () => new Directory(await this.session.openDirectory(path)));
  }
  async stat(path, follow) {
    return told(() => this.session.stat(path, follow));
  }
  async setStat(path, follow, changes) {
    return told(() => this.session.setStat(path, follow, changes));
  }
  async realPath(path) {
    return told(() => this.session.realPath(path));
  }
  async makeDirectory(path, permissions) {
    return told(() => this.session.makeDirectory(path, permissions));
  }
  async removeDirectory(path) {
    return told(() => this.session.removeDirectory(path));
  }
  async remove(path) {
    return told(() => this.session.remove(path));
  }
  async rename(source, destination, replace) {
    return told(() => this.session.rename(source, destination, replace));
  }
  async readLink(path) {
    return told(() => this.session.readLink(path));
  }
  async symlink(target, path) {
    return told(() => this.session.symlink(target, path));
  }
  async hardLink(existing, path) {
    return told(() => this.session.hardLink(existing, path));
  }
  async usage(path) {
    return told(() => this.session.usage(path));
  }
  async close() {
    return told(() => this.session.close());
  }
}

class File {
  constructor(file) {
    this.file = file;
  }
  async read(offset, length) {
    return told(() => this.file.read(offset, length));
  }
  async write(offset, data) {
    return told(() => this.file.write(offset, data));
  }
  async stat() {
    return told(() => this.file.stat());
  }
  async setStat(changes) {
    return told(() => this.file.setStat(changes));
  }
  async usage() {
    return told(() => this.file.usage());
  }
  async sync() {
    return told(() => this.file.sync());
  }
  async close(ending) {
    return told(() => this.file.close(ending === "commit"));
  }
}

class Directory {
  constructor(directory) {
    this.directory = directory;
  }
  async read(max) {
    return told(() => this.directory.read(max));
  }
  async close() {
    // The contract has no error here.
    await this.directory.close().catch(() => {});
  }
}
