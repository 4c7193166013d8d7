// What stands between a storage and the host: defaults, what is thrown, wrong answers, plain and async methods.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Storage, StorageError, decodeText, encodeText } from "strongroom";
import { Client } from "strongroom/testing";

const failed = async (call) => call.then(() => assert.fail("nothing was thrown"), (error) => error);

class Asynchronous extends Storage {
  closed = 0;
  async stat(path) {
    if (path === "/gone") throw Object.assign(new Error("gone"), { code: "ENOENT" });
    return path === "/" ? { kind: "directory" } : { size: 5 };
  }
  async readdir() {
    return (async function* () {
      yield* ["a", "gone", "b"];
    })();
  }
  async open(path) {
    return path;
  }
  async read(handle, offset, length) {
    return encodeText("hello").slice(offset, offset + length);
  }
  async close() {
    this.closed += 1;
  }
}

/** Answers what the contract does not allow, and throws what nobody expects. */
class Wrong extends Storage {
  stat(path) {
    if (path === "/null") throw null;
    if (path === "/text") throw "just text";
    if (path === "/odd") throw { toString: null };
    return { "/size": { size: -1 }, "/kind": { kind: "file" }, "/time": { modified: 1 } }[path];
  }
  *readdir(path) {
    if (path === "/missing") throw new StorageError("no-such-file");
    yield { name: path.slice(1).replace("%", "/") };
  }
  open(path) {
    return path;
  }
  read(handle, offset, length) {
    if (handle === "/undefined") return undefined.data;
    return handle === "/text" ? "text" : new Uint8Array(length + 1);
  }
  readlink() {
    return "\udcff";
  }
  unlink() {
    throw Object.assign(new Error("over quota on db.internal"), { code: "EDQUOT" });
  }
  rmdir() {
    throw new StorageError("busy", "in use", { detail: "by job 7" });
  }
  mkdir() {
    throw new StorageError("no-such-code");
  }
}

test("what is left out is unsupported or read-only", async () => {
  const client = await Client.connect(Storage);
  const unsupported = [
    client.stat("/"), client.list("/"), client.open("/f"), client.readlink("/l"), client.symlink("t", "/l"),
    client.link("/f", "/g"), client.statfs("/"), client.setstat("/f", {}),
  ];
  for (const call of unsupported) assert.equal((await failed(call)).code, "unsupported");
  const readOnly = [
    client.put("/f", new Uint8Array()), client.mkdir("/d"), client.rmdir("/d"), client.unlink("/f"),
    client.rename("/f", "/g"), client.open("/f", { read: true, create: true }),
  ];
  for (const call of readOnly) assert.equal((await failed(call)).code, "read-only");
});

test("async methods and listings are awaited", async () => {
  const client = await Client.connect(Asynchronous);
  assert.equal(decodeText(await client.get("/a")), "hello");
  assert.deepEqual([...(await client.list("/", 1)).keys()], ["a", "b"]);
  assert.equal(await client.realpath("/new"), "/new");
  assert.equal((await failed(client.realpath("/gone/new"))).code, "no-such-file");
  assert.equal((await failed(client.realpath("/a/new"))).code, "not-a-directory");
  await client.open("/left open");
  await client.disconnect();
  assert.equal(client.session.storage.closed, 2);
});

test("a storage that cannot begin refuses the client", async () => {
  class Refusing extends Storage {
    connect() {
      throw Object.assign(new Error("db.internal:5432"), { code: "ECONNREFUSED" });
    }
  }
  const { code, message } = await failed(Client.connect(Refusing));
  assert.deepEqual([code, message], ["unavailable", ""]);
  class Boasting extends Storage {
    static features = ["teleport"];
  }
  assert.match((await failed(Client.connect(Boasting))).detail, /no feature teleport/);
});

test("whatever is thrown is a failure with its place, for the log only", async () => {
  const client = await Client.connect(Wrong);
  const error = await failed(client.get("/undefined"));
  assert.deepEqual([error.code, error.message], ["failure", ""]);
  assert.match(error.detail, /TypeError: .*guard\.test\.js/);
  for (const path of ["/null", "/text", "/odd"]) assert.equal((await failed(client.stat(path))).code, "failure");
});

test("a system's code has its meaning and tells the client nothing more", async () => {
  const client = await Client.connect(Wrong);
  const { code, message, detail } = await failed(client.unlink("/f"));
  assert.deepEqual([code, message], ["quota-exceeded", ""]);
  assert.match(detail, /db\.internal/);
});

test("a StorageError is told as it is", async () => {
  const client = await Client.connect(Wrong);
  const { code, message, detail } = await failed(client.rmdir("/d"));
  assert.deepEqual([code, message, detail], ["busy", "in use", "by job 7"]);
  const unknown = await failed(client.mkdir("/d"));
  assert.equal(unknown.code, "failure");
  assert.match(unknown.detail, /no-such-code/);
});

test("a generator that finds no directory fails as it is opened", async () => {
  const client = await Client.connect(Wrong);
  assert.equal((await failed(client.session.openDirectory("/missing"))).code, "no-such-file");
});

test("wrong answers are failures", async () => {
  const client = await Client.connect(Wrong);
  for (const path of ["/size", "/kind", "/time"]) assert.equal((await failed(client.stat(path))).code, "failure");
  assert.match((await failed(client.get("/text"))).detail, /Uint8Array is wanted/);
  assert.match((await failed(client.get("/long"))).detail, /were asked for/);
  assert.equal((await failed(client.readlink("/l"))).code, "failure");
  for (const name of ["", ".", "..", "a%b", "a\0b", "\udcff"]) {
    assert.equal((await failed(client.list(`/${name}`))).code, "failure", JSON.stringify(name));
  }
});

test("text is UTF-8 there and back", () => {
  assert.deepEqual(encodeText("ü日🔑"), new TextEncoder().encode("ü日🔑"));
  assert.equal(decodeText(new TextEncoder().encode("ü日🔑")), "ü日🔑");
  assert.throws(() => decodeText(Uint8Array.of(0xff)), URIError);
});
