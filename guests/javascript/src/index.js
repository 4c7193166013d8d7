// Storages for Strongroom in JavaScript: extend `Storage`, test it with "strongroom/testing", build it with
// `strongroom-build`.

export { ERROR_CODES, StorageError } from "./errors.js";
export { Storage } from "./storage.js";
export { decodeText, encodeText } from "./text.js";
export { FEATURES } from "./values.js";
