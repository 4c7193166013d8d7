// What a storage says it wants, as the section that the host reads.

import assert from "node:assert/strict";
import { test } from "node:test";

import { wantsSection, wantsText } from "../src/wants.js";

test("every record", () => {
  const text = wantsText({
    name: "photos",
    version: "1.0.0",
    about: "By year – and month",
    settings: [
      { name: "bucket", help: "Its name", required: true },
      { name: "port", default: "443" },
      { name: "key", help: "From a file", secret: true },
    ],
    directories: [{ path: "/spool", access: "rw", reason: "Uploads", required: false }, { path: "/" }],
    addresses: [{ address: "{bucket}:443", reason: "The server" }],
    variables: [{ name: "TZ", reason: "Times" }],
  });
  assert.deepEqual(text.split("\n"), [
    "strongroom-wants 1",
    "name\tphotos",
    "about\tBy year – and month",
    "version\t1.0.0",
    "setting\tbucket\trequired\tIts name",
    "setting\tport\t=443\t",
    "secret\tkey\toptional\tFrom a file",
    "directory\t/spool\trw\toptional\tUploads",
    "directory\t/\tro\trequired\t",
    "address\t{bucket}:443\trequired\tThe server",
    "variable\tTZ\toptional\tTimes",
    "",
  ]);
});

test("a section has its length in front", () => {
  for (const about of ["", "x".repeat(200)]) {
    const made = wantsSection({ name: "a", about });
    const text = new TextEncoder().encode(wantsText({ name: "a", about }));
    assert.equal(made[0], 0);
    assert.deepEqual(made.slice(-text.length), text);
    const [low, high] = made.slice(1);
    assert.equal(low < 128 ? low : (low & 127) | (high << 7), 17 + text.length);
  }
});

test("no text ends its line", () => {
  for (const text of ["a\nb", "a\tb", "\x1b[2J", "\x9b", 5]) {
    assert.throws(() => wantsText({ name: "a", about: text }), /one line/);
  }
  assert.throws(() => wantsText({ about: "no name" }), /one line/);
});
