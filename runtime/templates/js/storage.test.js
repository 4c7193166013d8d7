// What a client sees of the storage, without WebAssembly: npm test.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { encodeText } from "strongroom";
import { Client } from "strongroom/testing";
import Notes from "./storage.js";

const CREATE = { read: true, write: true, create: true };

let client;
beforeEach(async () => {
  client = await Client.connect(Notes, { settings: { welcome: "hello" } });
});
afterEach(() => client.disconnect());

const refused = (code, call) => assert.rejects(call, { name: "StorageError", code });

test("a note is opened, read and closed", async () => {
  const note = await client.open("/welcome.txt");
  assert.deepEqual(await client.read(note, 0, 100), encodeText("hello\n"));
  await client.close(note);
});

test("notes are written, listed, renamed and removed", async () => {
  await client.put("/milk", encodeText("two bottles"));
  assert.deepEqual([...(await client.list("/")).keys()].sort(), ["milk", "welcome.txt"]);
  assert.equal((await client.stat("/milk")).size, 11);
  await client.rename("/milk", "/welcome.txt", true);
  assert.deepEqual(await client.get("/welcome.txt"), encodeText("two bottles"));
  await client.unlink("/welcome.txt");
  assert.equal((await client.list("/")).size, 0);
});

test("a note is changed in the middle and at its end", async () => {
  const note = await client.open("/note", CREATE);
  await client.write(note, 4, encodeText("four"));
  await client.write(note, 0, encodeText("zero"));
  const end = await client.open("/note", { write: true, append: true });
  await client.write(end, 0, encodeText("!"));
  assert.deepEqual(await client.read(note, 0, 100), encodeText("zerofour!"));
  await client.unlink("/note");
  assert.deepEqual(await client.read(note, 8, 100), encodeText("!"), "an open note outlives its name");
});

test("what cannot be says why", async () => {
  await refused("no-such-file", client.open("/missing"));
  await refused("is-a-directory", client.open("/"));
  await refused("not-a-directory", client.open("/welcome.txt/note", CREATE));
  await refused("already-exists", client.open("/welcome.txt", { ...CREATE, exclusive: true }));
  await refused("not-a-directory", client.list("/welcome.txt"));
  await refused("unsupported", client.mkdir("/folder"));
  await refused("file-too-large", client.write(await client.open("/huge", CREATE), 2 ** 40, encodeText("x")));
  await refused("invalid-argument", Client.connect(Notes, { settings: { wellcome: "a misspelt setting" } }));
});
