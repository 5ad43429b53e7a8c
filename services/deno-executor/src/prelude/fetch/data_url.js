// data: and blob: URLs, which need no network.
(function () {
const { core } = __bootstrap;
const { forgivingBase64Decode } = core.loadExtScript("ext:deno_web/00_infra.js");
const { parseMimeType, serializeMimeType } = core.loadExtScript("ext:deno_web/01_mimesniff.js");
const { blobFromObjectUrl } = core.loadExtScript("ext:deno_web/09_file.js");

function percentDecode(bytes) {
  const out = [];
  for (let i = 0; i < bytes.length; i++) {
    const hex = bytes[i] === 0x25 ? String.fromCharCode(bytes[i + 1], bytes[i + 2]) : "";
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      out.push(Number.parseInt(hex, 16));
      i += 2;
    } else out.push(bytes[i]);
  }
  return new Uint8Array(out);
}

/** { type, bytes } of a data: URL, or null. */
function data(url) {
  const text = url.href.slice("data:".length).split("#", 1)[0];
  const comma = text.indexOf(",");
  if (comma < 0) return null;
  let type = text.slice(0, comma).replace(/^ +| +$/g, "");
  let bytes = percentDecode(core.encode(text.slice(comma + 1)));
  const base64 = /; *base64$/i.exec(type);
  if (base64 !== null) {
    try {
      bytes = forgivingBase64Decode(String.fromCharCode(...bytes));
    } catch {
      return null;
    }
    type = type.slice(0, base64.index);
  }
  if (type.startsWith(";")) type = `text/plain${type}`;
  const mime = parseMimeType(type);
  return { type: mime === null ? "text/plain;charset=US-ASCII" : serializeMimeType(mime), bytes };
}

/** { type, bytes } of a blob: URL, bytes as a Blob, or null. */
function blob(url) {
  const found = blobFromObjectUrl(url.href);
  return found === null ? null : { type: found.type, bytes: found, size: found.size };
}

/** What the URL holds in itself; undefined for one of the network, null for none. */
function local(url, method) {
  if (url.protocol === "data:") return data(url);
  if (url.protocol === "blob:") return method === "GET" ? blob(url) : null;
  return undefined;
}

return { local };
})();
