// Tests of "strongroom/served", against a component of the example: STRONGROOM and SIMPLE name the program and its file.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { Served, string, u32, u64 } from "../src/served.js";

const { SIMPLE } = process.env;
const [READ, WRITE, CREATE] = [1, 2, 8];

describe("served", { skip: SIMPLE ? false : "SIMPLE names no component" }, () => {
  let served;
  beforeEach(async () => {
    served = await Served.start(SIMPLE, "--set", "capacity=1048576");
  });
  afterEach(() => served.end());

  const refused = (code, call) => assert.rejects(call, { name: "Status", code });

  test("open, read, close", async () => {
    const handle = await served.open("/services", READ | WRITE | CREATE);
    await served.write(handle, 0, "ssh 22/tcp\n");
    assert.equal(String(await served.read(handle, 0, 10)), "ssh 22/tcp");
    await served.close(handle);
  });

  test("the end of a file, and of its handle", async () => {
    const handle = await served.open("/f", READ | WRITE | CREATE);
    assert.equal((await served.read(handle, 0, 10)).length, 0);
    await served.close(handle);
    await refused(2, served.close(handle));
  });

  test("names come in order and in batches", async () => {
    const names = Array.from({ length: 250 }, (_, number) => String(number).padStart(3, "0"));
    for (const name of names) await served.close(await served.open(`/${name}`, WRITE | CREATE));
    assert.deepEqual(await served.list("/"), [".", "..", ...names]);
  });

  test("what is missing is a status, and packets may be raw", async () => {
    await refused(2, served.open("/missing"));
    await refused(2, served.list("/missing"));
    assert.equal((await served.request(17, string("/"))).kind, 105);
    const { fields } = await served.request(200, string("unknown@example"));
    assert.deepEqual(fields.subarray(0, 4), u32(8));
  });

  test("requests that are made at once go one after another", async () => {
    const handle = await served.open("/f", READ | WRITE | CREATE);
    const data = Buffer.alloc(100_000, 7);
    const [, , told] = await Promise.all([
      served.write(handle, 0, data),
      served.request(6, string(handle), u64(100_000n), string("end")),
      served.read(handle, 99_999, 10),
    ]);
    assert.equal(String(told), "\x07end");
  });

  test("an end without an answer tells what was said", async () => {
    await assert.rejects(Served.start("/missing.wasm"), /it ended with 1: .*missing\.wasm/s);
  });
});

const started = async (program) => {
  const { STRONGROOM } = process.env;
  process.env.STRONGROOM = program;
  try {
    await Served.start("simple.wasm");
  } finally {
    if (STRONGROOM === undefined) delete process.env.STRONGROOM;
    else process.env.STRONGROOM = STRONGROOM;
  }
};

test("a program that is missing", async () => {
  await assert.rejects(started("/missing/strongroom"), /ENOENT; STRONGROOM names the program/);
});

test("a program that speaks otherwise", async () => {
  // The first four bytes of what it echoes are "run ", taken for a length.
  await assert.rejects(started("/bin/echo"), /a reply of 1920298528 bytes/);
});
