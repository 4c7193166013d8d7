// Tests of simple.js: `npm test`.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { encodeText } from "strongroom";
import { Client } from "strongroom/testing";
import Simple from "./simple.js";

let client;
beforeEach(async () => {
  client = await Client.connect(Simple, { settings: { capacity: "1048576" } });
});
afterEach(() => client.disconnect());

const refused = (code, call) => assert.rejects(call, { name: "StorageError", code });

test("a file is opened, read and closed", async () => {
  await client.put("/services", encodeText("ssh 22/tcp\n"));
  const file = await client.open("/services");
  assert.deepEqual(await client.read(file, 0, 10), encodeText("ssh 22/tcp"));
  await client.close(file);
});

test("what is written is read", async () => {
  const data = Uint8Array.from({ length: 256_000 }, (_, at) => at % 251);
  await client.put("/grüße", data, 0o600);
  assert.deepEqual(await client.get("/grüße"), data);
  const { kind, size, permissions } = await client.stat("/grüße");
  assert.deepEqual({ kind, size, permissions }, { kind: "regular", size: 256_000, permissions: 0o600 });
});

test("writes in the middle, beyond the end and at the end", async () => {
  const file = await client.open("/f", { read: true, write: true, create: true });
  await client.write(file, 4, encodeText("four"));
  await client.write(file, 0, encodeText("zero"));
  await client.write(file, 10, encodeText("ten"));
  await client.close(file);
  const end = await client.open("/f", { write: true, append: true });
  await client.write(end, 0, encodeText("!"));
  assert.equal((await client.fstat(end)).size, 14);
  await client.fsetstat(end, { size: 8 });
  await client.fsetstat(end, { size: 9 });
  await client.close(end);
  assert.deepEqual(await client.get("/f"), encodeText("zerofour\0"));
});

test("open says why not", async () => {
  await client.put("/f", new Uint8Array());
  await client.mkdir("/d");
  const create = { write: true, create: true };
  await refused("no-such-file", client.open("/missing"));
  await refused("no-such-file", client.open("/missing/f", create));
  await refused("not-a-directory", client.open("/f/f", create));
  await refused("is-a-directory", client.open("/d"));
  await refused("already-exists", client.open("/f", { ...create, exclusive: true }));
});

test("directories", async () => {
  await client.mkdir("/d", 0o700);
  for (let number = 0; number < 250; number++) await client.put(`/d/${number}`, new Uint8Array(number));
  const listed = await client.list("/d");
  assert.equal(listed.size, 250);
  for (const [name, { size }] of listed) assert.equal(size, Number(name));
  await refused("not-empty", client.rmdir("/d"));
  await refused("is-a-directory", client.unlink("/d"));
  await refused("not-a-directory", client.rmdir("/d/1"));
  await refused("already-exists", client.mkdir("/d"));
  await refused("no-such-file", client.list("/missing"));
  for (const name of listed.keys()) await client.unlink(`/d/${name}`);
  await client.rmdir("/d");
  assert.equal((await client.list("/")).size, 0);
});

test("rename", async () => {
  await client.put("/a", encodeText("a"));
  await client.put("/b", encodeText("b"));
  await refused("already-exists", client.rename("/a", "/b"));
  await client.rename("/a", "/b", true);
  assert.deepEqual(await client.get("/b"), encodeText("a"));
  await client.mkdir("/d");
  await refused("invalid-argument", client.rename("/d", "/d/e"));
  await client.rename("/b", "/d/b");
  await client.rename("/d", "/e");
  assert.deepEqual(await client.get("/e/b"), encodeText("a"));
  assert.equal((await client.stat("/e/b")).linkCount, 1);
});

test("links", async () => {
  await client.mkdir("/d");
  await client.put("/d/f", encodeText("f"));
  await client.symlink("../d/f", "/d/link");
  await client.symlink("/d", "/there");
  await client.symlink("loop", "/loop");
  assert.deepEqual(await client.get("/there/link"), encodeText("f"));
  assert.equal(await client.realpath("/there/link"), "/d/f");
  assert.equal(await client.realpath("/there/new"), "/d/new");
  assert.equal(await client.readlink("/d/link"), "../d/f");
  assert.equal((await client.stat("/there", false)).kind, "symlink");
  await refused("loop", client.stat("/loop"));
  await refused("invalid-argument", client.readlink("/d/f"));
  await refused("no-such-file", client.realpath("/missing/new"));
  await client.link("/d/f", "/f");
  await client.unlink("/d/f");
  assert.deepEqual(await client.get("/f"), encodeText("f"));
  assert.equal((await client.stat("/f")).linkCount, 1);
});

test("attributes and room", async () => {
  await client.put("/f", new Uint8Array(5000));
  const [modified, accessed] = [new Date(1500), new Date(2000)];
  await client.setstat("/f", { permissions: 0o400, modified, accessed });
  const told = await client.stat("/f");
  assert.deepEqual([told.permissions, told.modified, told.accessed], [0o400, modified, accessed]);
  await refused("no-such-file", client.setstat("/missing", {}));
  const room = await client.statfs("/");
  assert.deepEqual([room.blocks, room.blocksFree], [256, 254]);
});
