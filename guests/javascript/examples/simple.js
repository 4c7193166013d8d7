// Simple: files in memory, for as long as the session lasts. It has every operation that a storage can have.

import { FEATURES, Storage, StorageError, encodeText } from "strongroom";

const BLOCK = 4096;
const NOT_KEPT = ["ownership", "extendedAttributes", "atomicUpload"];

class Node {
  accessed = new Date();
  modified = new Date();
  linkCount = 1;
  size = 0;
  data = new Uint8Array(0);
  children = new Map();

  constructor(kind, permissions, target = "") {
    this.kind = kind;
    this.permissions = permissions;
    this.target = target;
    if (kind === "symlink") this.size = encodeText(target).length;
  }

  /** Cuts or lengthens, with zeros; what is held grows by halves, so that small writes stay cheap. */
  resize(size) {
    if (size > this.data.length) {
      const grown = new Uint8Array(Math.max(size, Math.ceil(this.size * 1.5)));
      grown.set(this.data.subarray(0, this.size));
      this.data = grown;
    }
    if (size < this.size) this.data.fill(0, size, this.size);
    this.size = size;
    this.modified = new Date();
  }
}

export default class Simple extends Storage {
  static wants = {
    name: "simple",
    about: "Files in memory",
    settings: [{ name: "capacity", help: "How many bytes the files may hold, as df shows it", default: "67108864" }],
  };
  static features = FEATURES.filter((name) => !NOT_KEPT.includes(name));

  constructor(client, settings) {
    super(client, settings);
    this.blocks = Math.floor((Number(settings.capacity) || 2 ** 26) / BLOCK);
    this.root = new Node("directory", 0o755);
  }

  /** Where a path leads, with symbolic links resolved on the way and, if `follow`, at the end. */
  place(path, follow) {
    const ahead = path.split("/").reverse();
    let trail = [{ name: "", node: this.root }];
    for (let links = 0; ahead.length > 0; ) {
      const name = ahead.pop();
      if (name === "" || name === ".") continue;
      const here = trail.at(-1).node;
      if (!here) throw new StorageError("no-such-file");
      if (here.kind !== "directory") throw new StorageError("not-a-directory");
      const node = here.children.get(name);
      if (name === "..") {
        if (trail.length > 1) trail.pop();
      } else if (node?.kind === "symlink" && (follow || ahead.length > 0)) {
        if (++links > 40) throw new StorageError("loop");
        if (node.target.startsWith("/")) trail = trail.slice(0, 1);
        ahead.push(...node.target.split("/").reverse());
      } else {
        trail.push({ name, node });
      }
    }
    const parent = (trail.at(-2) ?? trail[0]).node;
    return { parent, ...trail.at(-1), path: trail.map(({ name }) => name).join("/") || "/" };
  }
  find(path, follow = true) {
    const { node } = this.place(path, follow);
    if (!node) throw new StorageError("no-such-file");
    return node;
  }
  add(path, node) {
    const place = this.place(path, false);
    if (place.node) throw new StorageError("already-exists");
    place.parent.children.set(place.name, node);
  }
  take(path) {
    const { parent, name, node } = this.place(path, false);
    if (node === this.root) throw new StorageError("busy");
    parent.children.delete(name);
    node.linkCount -= 1;
  }
  change(node, { size, ...kept }) {
    if (size !== undefined && node.kind !== "regular") throw new StorageError("is-a-directory");
    if (size !== undefined) node.resize(size);
    for (const name of ["permissions", "accessed", "modified"]) {
      if (kept[name] !== undefined) node[name] = kept[name];
    }
  }

  stat(path, follow) {
    return this.find(path, follow);
  }
  setstat(path, changes, follow) {
    this.change(this.find(path, follow), changes);
  }
  realpath(path) {
    return this.place(path, true).path;
  }
  *readdir(path) {
    const node = this.find(path);
    if (node.kind !== "directory") throw new StorageError("not-a-directory");
    for (const [name, child] of [...node.children]) yield { name, ...child };
  }

  open(path, flags, permissions) {
    const place = this.place(path, !flags.exclusive);
    let { node } = place;
    if (!node) {
      if (!flags.create) throw new StorageError("no-such-file");
      node = new Node("regular", permissions);
      place.parent.children.set(place.name, node);
    } else if (flags.exclusive) {
      throw new StorageError("already-exists");
    } else if (node.kind === "directory") {
      throw new StorageError("is-a-directory");
    }
    if (flags.truncate) node.resize(0);
    return { node, append: flags.append };
  }
  read({ node }, offset, length) {
    return node.data.slice(offset, Math.min(offset + length, node.size));
  }
  write({ node, append }, offset, data) {
    const start = append ? node.size : offset;
    node.resize(Math.max(node.size, start + data.length));
    node.data.set(data, start);
  }
  fstat({ node }) {
    return node;
  }
  fsetstat({ node }, changes) {
    this.change(node, changes);
  }
  fsync() {} // What is in memory is as safe as it will ever be.
  fstatfs() {
    return this.statfs("/");
  }

  mkdir(path, permissions) {
    this.add(path, new Node("directory", permissions));
  }
  rmdir(path) {
    const node = this.find(path, false);
    if (node.kind !== "directory") throw new StorageError("not-a-directory");
    if (node.children.size > 0) throw new StorageError("not-empty");
    this.take(path);
  }
  unlink(path) {
    if (this.find(path, false).kind === "directory") throw new StorageError("is-a-directory");
    this.take(path);
  }
  rename(source, destination, replace) {
    const node = this.find(source, false);
    const { node: old, path } = this.place(destination, false);
    if (old && !replace) throw new StorageError("already-exists");
    if (old === node) return;
    if (path.startsWith(`${this.place(source, false).path}/`)) throw new StorageError("invalid-argument");
    if (old && node.kind === "directory") this.rmdir(destination);
    else if (old) this.unlink(destination);
    this.take(source);
    this.add(destination, node);
    node.linkCount += 1;
  }
  readlink(path) {
    const node = this.find(path, false);
    if (node.kind !== "symlink") throw new StorageError("invalid-argument");
    return node.target;
  }
  symlink(target, path) {
    this.add(path, new Node("symlink", 0o777, target));
  }
  link(existing, path) {
    const node = this.find(existing, false);
    if (node.kind === "directory") throw new StorageError("permission-denied");
    this.add(path, node);
    node.linkCount += 1;
  }
  statfs(path) {
    this.find(path);
    const own = (node) => Math.ceil(node.size / BLOCK);
    const used = (node) => [...node.children.values()].reduce((sum, child) => sum + used(child), own(node));
    const free = Math.max(0, this.blocks - used(this.root));
    return { fragmentSize: BLOCK, blocks: this.blocks, blocksFree: free, blocksAvailable: free };
  }
}
