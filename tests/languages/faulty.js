// A storage that fails in each way that an author may not have thought of; `/good` is all that works.

import { Storage, StorageError } from "strongroom";

export default class Faulty extends Storage {
  stat(path) {
    return { kind: path === "/" || path === "/bad-name" ? "directory" : "regular", size: 5 };
  }
  *readdir(path) {
    yield { name: path === "/" ? "good" : "../up" };
  }
  open(path) {
    return path;
  }
  fstat() {
    return { size: 5 };
  }
  async read(handle) {
    if (handle === "/throws") return undefined.byMistake;
    return "no bytes";
  }
  unlink() {
    throw new StorageError("permission-denied", "", { detail: "for the log only" });
  }
}
