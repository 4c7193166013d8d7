#!/usr/bin/env node
// From an author's module to a component: `strongroom-build storage.js -o storage.wasm`. The module's default export is
// the storage; what it imports is bundled.

import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { producersSection, wantsSection } from "./wants.js";

const WORLD = "guest";
const JCO = "@bytecodealliance/jco";
const USAGE = "usage: strongroom-build MODULE.js [-o COMPONENT.wasm] [--wit FOLDER]";
const here = dirname(fileURLToPath(import.meta.url));

class BuildError extends Error {}

async function build() {
  const { module, output, wit } = chosen();
  if (!existsSync(module)) throw new BuildError(`there is no file ${module}`);
  const wants = await wanted(module);
  const folder = mkdtempSync(join(tmpdir(), "strongroom-"));
  try {
    const entry = join(folder, "entry.js");
    writeFileSync(
      entry,
      `import Chosen from ${JSON.stringify(resolve(module))};\n` +
        `import { exporting } from ${JSON.stringify(join(here, "component.js"))};\n` +
        "export const storage = exporting(Chosen);\n",
    );
    const options = ["--wit", wit, "--world-name", WORLD, "--backend", "qjs", "--bundle", "-o", output];
    const { status } = spawnSync(process.execPath, [jco(), "componentize", entry, ...options], { stdio: "inherit" });
    if (status !== 0) throw new BuildError(`jco could not build ${module}; its reason stands above`);
  } finally {
    rmSync(folder, { recursive: true });
  }
  appendFileSync(output, producersSection());
  if (wants) appendFileSync(output, wants);
}

/** What the storage says it wants, as a section behind the component. Its module is loaded here as for its tests. */
async function wanted(module) {
  let Chosen;
  try {
    Chosen = (await import(pathToFileURL(resolve(module)))).default;
  } catch (error) {
    throw new BuildError(`${module} cannot be loaded: ${error.message}`);
  }
  try {
    return Chosen?.wants && wantsSection(Chosen.wants);
  } catch (error) {
    throw new BuildError(`wants of ${module}: ${error.message}`);
  }
}

function chosen() {
  let parsed;
  try {
    const named = { output: { type: "string", short: "o" }, wit: { type: "string" } };
    parsed = parseArgs({ options: named, allowPositionals: true });
  } catch (error) {
    throw new BuildError(`${error.message}\n${USAGE}`);
  }
  const [module, ...more] = parsed.positionals;
  if (module === undefined || more.length > 0) throw new BuildError(USAGE);
  const output = resolve(parsed.values.output ?? `${module.replace(/\.m?js$/, "")}.wasm`);
  return { module, output, wit: parsed.values.wit ?? contract() };
}

/** jco's program, which its package keeps for itself. */
function jco() {
  for (const folder of createRequire(import.meta.url).resolve.paths(JCO)) {
    const program = join(folder, JCO, "dist", "jco.js");
    if (existsSync(program)) return program;
  }
  throw new BuildError(`jco is missing; npm ci in ${dirname(here)} brings it`);
}

/** The nearest folder `wit` that holds the contract, above this package. */
function contract() {
  for (let above = dirname(here); above !== dirname(above); above = dirname(above)) {
    if (existsSync(join(above, "wit", "storage.wit"))) return join(above, "wit");
  }
  throw new BuildError(`there is no folder wit with the contract above ${here}; name it by --wit`);
}

try {
  await build();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`strongroom-build: ${error.message}`);
  process.exitCode = 1;
}
