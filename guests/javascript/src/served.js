// SFTP packets, made by hand, to a component that `strongroom` runs: for tests of a storage as its clients see it.
//
//     const served = await Served.start("shelf.wasm", "--set", "welcome=hello");
//     const handle = await served.open("/welcome.txt");
//     assert.equal(String(await served.read(handle, 0, 100)), "hello\n");
//     await served.close(handle);
//     assert.deepEqual(await served.list("/"), [".", "..", "welcome.txt"]);
//     const { kind } = await served.request(17, string("/welcome.txt")); // SSH_FXP_STAT is answered by SSH_FXP_ATTRS
//     assert.equal(kind, 105);
//     await served.end();
//
// The program is the one that the environment variable STRONGROOM names, or `strongroom` in the PATH. Bytes are Buffers.

import { spawn } from "node:child_process";

/** The longest reply, as OpenSSH's clients take it. */
const REPLY_MAX = 256 * 1024;
/** What is kept of standard error. */
const SAID_MAX = 64 * 1024;

const [INIT, OPEN, CLOSE, READ, WRITE, OPENDIR, READDIR] = [1, 3, 4, 5, 6, 11, 12];
const [VERSION, STATUS, HANDLE, DATA, NAME] = [2, 101, 102, 103, 104];
const [OK, EOF] = [0, 1];

/** A STATUS that is not success: its code and its text. */
export class Status extends Error {
  name = "Status";

  constructor(code, text) {
    super(`${code}: ${text}`);
    Object.assign(this, { code, text });
  }
}

/** A field of bytes or text, with its length before it. */
export function string(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([u32(bytes.length), bytes]);
}

export function u32(value) {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(value);
  return field;
}

/** `value` is a number or a BigInt. */
export function u64(value) {
  const field = Buffer.alloc(8);
  field.writeBigUInt64BE(BigInt(value));
  return field;
}

/** A session with a component; `start` begins it, `end` ends it. */
export class Served {
  #child;
  #output;
  #ended;
  #received = Buffer.alloc(0);
  #id = 0;
  #before = Promise.resolve();

  /** What the program has said on standard error: the log's lines after `-e`. The last of it, if it is much. */
  said = "";

  /** Serves the component in `file`, by `strongroom run` with further arguments. */
  static async start(file, ...options) {
    const served = new Served(process.env.STRONGROOM ?? "strongroom", ["run", file, ...options]);
    try {
      await served.#greet();
    } catch (error) {
      await served.end();
      throw error;
    }
    return served;
  }

  /** Use `start`, which waits for VERSION. */
  constructor(program, command) {
    this.#child = spawn(program, command);
    this.#output = this.#child.stdout[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", ({ message }) => resolve(`${message}; STRONGROOM names the program`));
      this.#child.once("close", (code, signal) => resolve(`it ended with ${signal ?? code}: ${this.said}`));
    });
    this.#child.stderr.on("data", (said) => (this.said = (this.said + said).slice(-SAID_MAX)));
    // A request that was not taken is told by its reply, which does not come.
    this.#child.stdin.on("error", () => {});
  }

  /** Ends the session, and waits for the program to end. */
  async end() {
    this.#child.stdin.end();
    this.#child.stdout.destroy();
    await this.#ended;
  }

  /** Sends a request, as its type and its fields, and waits for its reply: type and fields. One goes after another. */
  request(kind, ...fields) {
    const reply = this.#before.then(() => this.#exchange(kind, fields));
    this.#before = reply.catch(() => {});
    return reply;
  }

  /** Opens a file with the flags of SFTP: 1 to read, 2 to write, 8 to create, 16 to truncate. Gives its handle. */
  open(path, flags = 1) {
    return this.#bytes(HANDLE, OPEN, string(path), u32(flags), u32(0));
  }

  /** Up to `length` bytes; none at the end. */
  async read(handle, offset, length) {
    try {
      return await this.#bytes(DATA, READ, string(handle), u64(offset), u32(length));
    } catch (error) {
      if (error instanceof Status && error.code === EOF) return Buffer.alloc(0);
      throw error;
    }
  }

  write(handle, offset, data) {
    return this.#done(WRITE, string(handle), u64(offset), string(data));
  }

  /** Closes a file or a directory. */
  close(handle) {
    return this.#done(CLOSE, string(handle));
  }

  /** The names in a directory, in order, with "." and "..". */
  async list(path) {
    const handle = await this.#bytes(HANDLE, OPENDIR, string(path));
    const names = [];
    let reply;
    while ((reply = await this.request(READDIR, string(handle))).kind === NAME) names.push(...namesIn(reply.fields));
    const status = statusIn(reply);
    if (status.code !== EOF) throw status;
    await this.close(handle);
    return names.sort();
  }

  /** INIT has no id, but the version in its place. */
  async #greet() {
    this.#send(INIT, 3, []);
    const { kind } = await this.#receive();
    if (kind !== VERSION) throw new Error(`a reply of type ${kind} to INIT`);
  }

  async #bytes(expected, kind, ...fields) {
    const reply = await this.request(kind, ...fields);
    if (reply.kind !== expected) throw statusIn(reply);
    return new Fields(reply.fields).string();
  }

  async #done(kind, ...fields) {
    const status = statusIn(await this.request(kind, ...fields));
    if (status.code !== OK) throw status;
  }

  async #exchange(kind, fields) {
    const sent = ++this.#id;
    this.#send(kind, sent, fields);
    const { id, ...reply } = await this.#receive();
    if (id !== sent) throw new Error(`a reply to ${id}, not to ${sent}`);
    return reply;
  }

  #send(kind, id, fields) {
    this.#child.stdin.write(string(Buffer.concat([Buffer.of(kind), u32(id), ...fields])));
  }

  async #receive() {
    const length = (await this.#exactly(4)).readUInt32BE();
    if (length < 5 || length > REPLY_MAX) throw new Error(`a reply of ${length} bytes`);
    const packet = await this.#exactly(length);
    return { kind: packet[0], id: packet.readUInt32BE(1), fields: packet.subarray(5) };
  }

  async #exactly(length) {
    while (this.#received.length < length) {
      const { value, done } = await this.#output.next();
      if (done) throw new Error(`no answer came from strongroom: ${await this.#ended}`);
      this.#received = Buffer.concat([this.#received, value]);
    }
    const data = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return data;
  }
}

/** What is left of a reply. */
class Fields {
  #left;

  constructor(fields) {
    this.#left = fields;
  }

  take(length) {
    if (length > this.#left.length) throw new Error("a reply that is cut short");
    const taken = this.#left.subarray(0, length);
    this.#left = this.#left.subarray(length);
    return taken;
  }

  u32() {
    return this.take(4).readUInt32BE();
  }

  string() {
    return this.take(this.u32());
  }

  skipAttributes() {
    const flags = this.u32();
    const sizes = [[1, 8], [2, 8], [4, 4], [8, 8]];
    for (const [flag, size] of sizes) if (flags & flag) this.take(size);
    const extended = flags & (1 << 31) ? this.u32() : 0;
    for (let field = 0; field < 2 * extended; field++) this.string();
  }
}

function statusIn({ kind, fields }) {
  if (kind !== STATUS) throw new Error(`a reply of type ${kind}, neither what was asked for nor a STATUS`);
  const status = new Fields(fields);
  return new Status(status.u32(), String(status.string()));
}

function namesIn(fields) {
  const reply = new Fields(fields);
  const names = [];
  for (let left = reply.u32(); left > 0; left--) {
    names.push(String(reply.string()));
    reply.string();
    reply.skipAttributes();
  }
  return names;
}
