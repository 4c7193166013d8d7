// What a storage says it wants of whoever runs it, as the section that `strongroom inspect` reads. It grants nothing.
//
//   static wants = {
//     name: "photos", version: "1.0.0", about: "Photographs by year",
//     settings: [{ name: "key", help: "For the bucket", required: true, secret: true }, { name: "port", default: "443" }],
//     directories: [{ path: "/spool", access: "rw", reason: "Uploads", required: false }],
//     addresses: [{ address: "s3.example.com:{port}", reason: "The bucket" }],
//     variables: [{ name: "TZ", reason: "For times" }],
//   };
//
// A setting and a variable are optional unless `required`; a directory and an address are required unless that is false.
// A secret belongs in a file (`--set key=@FILE`). An address is HOST:PORT, or `{setting}` for what that setting names.

const encoder = new TextEncoder();

/** The form of wit/README.md. Throws for a text that is not one line. */
export function wantsText({ name, version, about = "", settings = [], directories = [], addresses = [], variables = [] }) {
  const need = (required) => (required ? "required" : "optional");
  const records = [
    ["strongroom-wants 1"],
    ["name", name],
    ["about", about],
    ...(version === undefined ? [] : [["version", version]]),
    ...settings.map(({ name, help = "", required = false, default: value, secret = false }) => [
      secret ? "secret" : "setting",
      name,
      value === undefined ? need(required) : `=${value}`,
      help,
    ]),
    ...directories.map(({ path, access = "ro", reason = "", required = true }) => [
      "directory",
      path,
      access,
      need(required),
      reason,
    ]),
    ...addresses.map(({ address, reason = "", required = true }) => ["address", address, need(required), reason]),
    ...variables.map(({ name, reason = "", required = false }) => ["variable", name, need(required), reason]),
  ];
  for (const text of records.flat()) {
    if (typeof text !== "string" || /[\u0000-\u001f\u007f-\u009f]/.test(text)) {
      throw new Error(`a text is one line without tabs, and this is not: ${JSON.stringify(text)}`);
    }
  }
  return records.map((record) => `${record.join("\t")}\n`).join("");
}

/** As a custom section, which may stand behind any component. */
export function wantsSection(wants) {
  return customSection("strongroom-wants", encoder.encode(wantsText(wants)));
}

/** The section `producers` with the language; jco writes none that names it. */
export function producersSection() {
  return customSection("producers", [1, ...counted(encoder.encode("language")), 1, ...counted(encoder.encode("JavaScript")), 0]);
}

function customSection(name, content) {
  return Uint8Array.from([0, ...counted([...counted(encoder.encode(name)), ...content])]);
}

function counted(bytes) {
  return [...length(bytes.length), ...bytes];
}

/** As WebAssembly writes numbers (LEB128). */
function length(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) + 128);
  return [...bytes, number];
}
