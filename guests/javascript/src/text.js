// Text as UTF-8 and back, which QuickJS has no TextEncoder and TextDecoder for.

/** The UTF-8 of a string. */
export function encodeText(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text.toWellFormed())), (unit) => unit.charCodeAt(0));
}

/** The string that `bytes` are the UTF-8 of; throws a URIError if they are not. */
export function decodeText(bytes) {
  let units = "";
  for (const byte of bytes) units += String.fromCharCode(byte);
  return decodeURIComponent(escape(units));
}
