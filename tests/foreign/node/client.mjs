// ssh2-sftp-client against the server: prints "ok STEP" or "FAILED STEP" for each step and "done" at the end.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import Client from "ssh2-sftp-client";

const [port, username, key, , local, here] = process.argv.slice(2);
const there = "/ssh2-sftp-client";
const odd = "spaces and ünïcode ✓.txt";
const { version } = createRequire(import.meta.url)("ssh2-sftp-client/package.json");

const steps = {
  async upload(sftp) {
    await sftp.uploadDir(`${local}/tree`, `${there}/tree`);
    await sftp.fastPut(`${local}/big`, `${there}/big`);
    await sftp.put(`${local}/${odd}`, `${there}/${odd}`);
  },
  async list(sftp) {
    const entries = await sftp.list(there);
    assert.deepEqual(entries.map((entry) => entry.name).sort(), ["big", odd, "tree"].sort());
    const big = entries.find((entry) => entry.name === "big");
    assert.equal(big.size, 64 << 20);
    assert.equal(big.type, "-");
    assert.equal(await sftp.exists(`${there}/tree`), "d");
    assert.equal(await sftp.exists(`${there}/missing`), false);
  },
  async download(sftp) {
    await sftp.fastGet(`${there}/big`, `${here}/big`);
    assert.ok(readFileSync(`${local}/big`).equals(readFileSync(`${here}/big`)));
    const bytes = await sftp.get(`${there}/${odd}`);
    assert.ok(readFileSync(`${local}/${odd}`).equals(bytes));
    await sftp.downloadDir(`${there}/tree`, `${here}/tree`);
    for (const name of ["nothing", "grüße/日本語 ✓.txt", "directory 12/file-24"]) {
      assert.ok(readFileSync(`${local}/tree/${name}`).equals(readFileSync(`${here}/tree/${name}`)), name);
    }
  },
  async change(sftp) {
    await sftp.append(Buffer.from("more"), `${there}/${odd}`);
    assert.equal((await sftp.get(`${there}/${odd}`)).toString(), "odd\nmore");
    await sftp.rename(`${there}/${odd}`, `${there}/renamed`);
    await assert.rejects(sftp.rename(`${there}/renamed`, `${there}/big`));
    await sftp.posixRename(`${there}/renamed`, `${there}/big`);
    await sftp.chmod(`${there}/big`, 0o600);
    const state = await sftp.stat(`${there}/big`);
    assert.equal(state.mode & 0o7777, 0o600);
    assert.equal(state.size, 8);
    assert.equal(await sftp.realPath(`${there}/tree/..`), there);
    await sftp.rcopy(`${there}/big`, `${there}/copy`);
    assert.equal((await sftp.get(`${there}/copy`)).toString(), "odd\nmore");
  },
  async remove(sftp) {
    await sftp.delete(`${there}/big`);
    await sftp.delete(`${there}/copy`);
    await sftp.mkdir(`${there}/made/below/that`, true);
    await sftp.put(Buffer.from("x"), `${there}/made/below/file`);
    await sftp.rmdir(`${there}/made`, true);
    assert.equal(await sftp.exists(`${there}/made`), false);
    await assert.rejects(sftp.delete(`${there}/missing`));
  },
};

console.log(`ssh2-sftp-client ${version}, node ${process.version}`);
const sftp = new Client();
await sftp.connect({ host: "127.0.0.1", port: Number(port), username, privateKey: readFileSync(key) });
await sftp.mkdir(there);
for (const [name, step] of Object.entries(steps)) {
  try {
    await step(sftp);
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(error.stack);
    console.log(`FAILED ${name}`);
  }
}
await sftp.end();
console.log("done");
