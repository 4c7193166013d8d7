// What a storage and its host tell each other: checks of what a storage answers, and the contract's form of it.
//
// A storage says attributes as a plain object: `{ kind, size, permissions, uid, gid, user, group, accessed, modified,
// linkCount, extended }`, each left out if it is not kept; times are Dates, `extended` is an object of Uint8Arrays.

const KINDS = ["regular", "directory", "symlink", "fifo", "character-device", "block-device", "socket", "other"];

/** What a storage can do beyond the operations that every storage has; `wit/types.wit` says what each promises. */
export const FEATURES = Object.freeze([
  "symlinks",
  "hardLinks",
  "atomicReplace",
  "sync",
  "usage",
  "permissions",
  "ownership",
  "times",
  "extendedAttributes",
  "randomWrite",
  "atomicUpload",
]);

/** The contract's flags from a list of names. */
export function features(names) {
  const flags = Object.fromEntries(FEATURES.map((name) => [name, false]));
  for (const name of names) {
    if (!FEATURES.includes(name)) throw new TypeError(`there is no feature ${name}; there are ${FEATURES.join(", ")}`);
    flags[name] = true;
  }
  return flags;
}

/** The contract's attributes from what a storage says. */
export function attributes(said) {
  if (said === null || typeof said !== "object") throw new TypeError(`attributes are an object, not ${said}`);
  const kind = said.kind ?? "regular";
  if (!KINDS.includes(kind)) throw new TypeError(`there is no kind ${kind}; there are ${KINDS.join(", ")}`);
  return {
    kind,
    size: unsigned("size", said.size, Number.MAX_SAFE_INTEGER),
    permissions: unsigned("permissions", said.permissions, 0xffff),
    uid: unsigned("uid", said.uid, 0xffffffff),
    gid: unsigned("gid", said.gid, 0xffffffff),
    user: said.user == null ? null : text(said.user),
    group: said.group == null ? null : text(said.group),
    accessed: timestamp("accessed", said.accessed),
    modified: timestamp("modified", said.modified),
    linkCount: unsigned("linkCount", said.linkCount, Number.MAX_SAFE_INTEGER),
    extended: Object.entries(said.extended ?? {}).map(([name, value]) => [text(name), bytes(value)]),
  };
}

/** What a client asked to change, with only the keys that are to change. */
export function changes(asked) {
  const { accessed, modified, extended, ...numbers } = asked;
  const wanted = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value != null));
  if (accessed != null) wanted.accessed = date(accessed);
  if (modified != null) wanted.modified = date(modified);
  if (extended?.length > 0) wanted.extended = Object.fromEntries(extended);
  return wanted;
}

// The order in which attributes are set, and what a storage claims that keeps them.
const ORDER = [
  ["permissions", ["permissions"]],
  ["times", ["accessed", "modified"]],
  ["ownership", ["uid", "gid"]],
  ["extendedAttributes", ["extended"]],
];

/**
 * What is to be set of `wanted`, up to the first attribute that is not among the claimed `features`, and whether there was
 * one.
 */
export function claimed(wanted, features) {
  const kept = "size" in wanted ? { size: wanted.size } : {};
  for (const [feature, names] of ORDER) {
    const asked = names.filter((name) => name in wanted);
    if (asked.length > 0 && !features.includes(feature)) return { kept, refused: true };
    for (const name of asked) kept[name] = wanted[name];
  }
  return { kept, refused: false };
}

/** The contract's usage; what is left out is 0, or as most file systems have it. */
export function usage(said) {
  if (said === null || typeof said !== "object") throw new TypeError(`usage is an object, not ${said}`);
  const counted = (name, otherwise = 0) => unsigned(name, said[name] ?? otherwise, Number.MAX_SAFE_INTEGER);
  return {
    blockSize: counted("blockSize", 4096),
    fragmentSize: counted("fragmentSize", 4096),
    blocks: counted("blocks"),
    blocksFree: counted("blocksFree"),
    blocksAvailable: counted("blocksAvailable"),
    files: counted("files"),
    filesFree: counted("filesFree"),
    filesAvailable: counted("filesAvailable"),
    filesystemId: counted("filesystemId"),
    readOnly: Boolean(said.readOnly),
    noSetuid: Boolean(said.noSetuid ?? true),
    nameMax: counted("nameMax", 255),
  };
}

/** The bytes themselves, if they are bytes. */
export function bytes(value) {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`a Uint8Array is wanted, not ${typeof value}`);
}

/** The text itself, if it is Unicode without lone surrogates, as all text of the contract is. */
export function text(value) {
  if (typeof value === "string" && value.isWellFormed()) return value;
  throw new TypeError(`a well-formed string is wanted, not ${typeof value}`);
}

/** The name itself, if it is one component of a path. */
export function name(value) {
  text(value);
  if (value === "" || value === "." || value === ".." || /[/\0]/.test(value)) {
    throw new TypeError(`${JSON.stringify(value)} is no name in a directory`);
  }
  return value;
}

function unsigned(what, value, most) {
  if (value == null) return null;
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new RangeError(`${what} is an integer from 0 to ${most}, not ${value}`);
}

function timestamp(what, value) {
  if (value == null) return null;
  const milliseconds = value instanceof Date ? value.getTime() : NaN;
  if (Number.isNaN(milliseconds)) throw new TypeError(`${what} is a valid Date, not ${value}`);
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanoseconds: Math.floor((milliseconds - seconds * 1000) * 1e6) };
}

function date({ seconds, nanoseconds }) {
  return new Date(Math.max(-8.64e15, Math.min(8.64e15, seconds * 1000 + Math.floor(nanoseconds / 1e6))));
}
