// Why an operation failed: the error that carries one of the contract's codes, and what system error codes mean.

/** The contract's `error-code`; the SFTP status that a client gets stands beside each in `wit/types.wit`. */
export const ERROR_CODES = Object.freeze([
  "no-such-file",
  "not-a-directory",
  "loop",
  "permission-denied",
  "read-only",
  "invalid-argument",
  "name-too-long",
  "unsupported",
  "already-exists",
  "is-a-directory",
  "not-empty",
  "no-space",
  "quota-exceeded",
  "file-too-large",
  "too-many-links",
  "too-many-open",
  "cross-device",
  "busy",
  "conflict",
  "corrupt",
  "unavailable",
  "timed-out",
  "not-authenticated",
  "failure",
]);

/**
 * An error with one of the contract's codes. `message` is shown to the client, so it names no host, credential or path
 * but the client's own; empty for the host's words. `detail` goes to the operator's log only.
 */
export class StorageError extends Error {
  constructor(code, message = "", { detail } = {}) {
    super(message);
    this.name = "StorageError";
    this.code = ERROR_CODES.includes(code) ? code : "failure";
    this.detail = this.code === code ? detail : `there is no error code ${code}; ${detail ?? ""}`;
  }
}

const BY_SYSTEM_CODE = new Map([
  ["ENOENT", "no-such-file"],
  ["ENOTDIR", "not-a-directory"],
  ["ELOOP", "loop"],
  ["EACCES", "permission-denied"],
  ["EPERM", "permission-denied"],
  ["EROFS", "read-only"],
  ["EINVAL", "invalid-argument"],
  ["ENAMETOOLONG", "name-too-long"],
  ["ENOSYS", "unsupported"],
  ["ENOTSUP", "unsupported"],
  ["EEXIST", "already-exists"],
  ["EISDIR", "is-a-directory"],
  ["ENOTEMPTY", "not-empty"],
  ["ENOSPC", "no-space"],
  ["EDQUOT", "quota-exceeded"],
  ["EFBIG", "file-too-large"],
  ["EMLINK", "too-many-links"],
  ["EMFILE", "too-many-open"],
  ["ENFILE", "too-many-open"],
  ["EXDEV", "cross-device"],
  ["EBUSY", "busy"],
  ["ECONNREFUSED", "unavailable"],
  ["ECONNRESET", "unavailable"],
  ["EHOSTUNREACH", "unavailable"],
  ["ENETUNREACH", "unavailable"],
  ["ETIMEDOUT", "timed-out"],
]);

/** What the host is told of whatever was thrown. The client learns the code only; the rest is for the log. */
export function asStorageError(thrown) {
  if (thrown instanceof StorageError) return thrown;
  const code = BY_SYSTEM_CODE.get(thrown?.code) ?? "failure";
  return new StorageError(code, "", { detail: inOneLine(thrown, code === "failure") });
}

function inOneLine(thrown, withPlace) {
  if (!(thrown instanceof Error)) return `thrown: ${describe(thrown)}`;
  const said = `${thrown.name}: ${thrown.message}`.replaceAll("\n", " ");
  const frames = String(thrown.stack ?? "").split("\n");
  const place = frames.map((line) => line.trim()).find((line) => line.startsWith("at ") && !line.includes("native"));
  return withPlace && place ? `${said} (${place})` : said;
}

function describe(value) {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}
