// FormData, and its two forms on the wire.
(function () {
const { core } = __bootstrap;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { Blob, File, BlobPrototype, FilePrototype } = core.loadExtScript("ext:deno_web/09_file.js");
const { TextDecoder } = core.loadExtScript("ext:deno_web/08_text_encoding.js");
const { trim } = core.loadExtScript("ext:tasker_task/fetch/headers.js");

const ENTRIES = Symbol("entries");
const { USVString } = webidl.converters;
const isBlob = (value) => Object.prototype.isPrototypeOf.call(BlobPrototype, value);
const isFile = (value) => Object.prototype.isPrototypeOf.call(FilePrototype, value);

/** A value as an entry holds it: text, or a file with a name. */
function entryValue(value, filename, prefix) {
  if (!isBlob(value)) {
    if (filename !== undefined) throw new TypeError(`${prefix}: a file name is given, so Argument 2 must be a Blob`);
    return USVString(value, prefix, "Argument 2");
  }
  if (isFile(value) && filename === undefined) return value;
  const name = filename === undefined ? "blob" : USVString(filename, prefix, "Argument 3");
  const lastModified = isFile(value) ? value.lastModified : Date.now();
  return new File([value], name, { type: value.type, lastModified });
}

class FormData {
  constructor(form) {
    if (form !== undefined) {
      throw new TypeError("Failed to construct 'FormData': there are no forms here, Argument 1 must be left out");
    }
    this[webidl.brand] = webidl.brand;
    this[ENTRIES] = [];
  }

  append(name, value, filename = undefined) {
    const prefix = begin(this, arguments, 2, "append");
    name = USVString(name, prefix, "Argument 1");
    this[ENTRIES].push([name, entryValue(value, filename, prefix)]);
  }

  delete(name) {
    const prefix = begin(this, arguments, 1, "delete");
    name = USVString(name, prefix, "Argument 1");
    this[ENTRIES] = this[ENTRIES].filter((entry) => entry[0] !== name);
  }

  get(name) {
    const prefix = begin(this, arguments, 1, "get");
    name = USVString(name, prefix, "Argument 1");
    const entry = this[ENTRIES].find((entry) => entry[0] === name);
    return entry === undefined ? null : entry[1];
  }

  getAll(name) {
    const prefix = begin(this, arguments, 1, "getAll");
    name = USVString(name, prefix, "Argument 1");
    return this[ENTRIES].filter((entry) => entry[0] === name).map((entry) => entry[1]);
  }

  has(name) {
    const prefix = begin(this, arguments, 1, "has");
    name = USVString(name, prefix, "Argument 1");
    return this[ENTRIES].some((entry) => entry[0] === name);
  }

  set(name, value, filename = undefined) {
    const prefix = begin(this, arguments, 2, "set");
    name = USVString(name, prefix, "Argument 1");
    const entry = [name, entryValue(value, filename, prefix)];
    const at = this[ENTRIES].findIndex((entry) => entry[0] === name);
    if (at < 0) {
      this[ENTRIES].push(entry);
      return;
    }
    this[ENTRIES] = this[ENTRIES].filter((entry, i) => i <= at || entry[0] !== name);
    this[ENTRIES][at] = entry;
  }
}

function begin(form, args, required, method) {
  webidl.assertBranded(form, FormDataPrototype);
  const prefix = `Failed to execute '${method}' on 'FormData'`;
  webidl.requiredArguments(args.length, required, prefix);
  return prefix;
}

webidl.mixinPairIterable("FormData", FormData, ENTRIES, 0, 1);
webidl.configureInterface(FormData);
const FormDataPrototype = FormData.prototype;

const escapeName = (name) => name.replace(/\r\n|\r|\n/g, "\r\n").replace(/[\n\r"]/g, (c) => (c === "\n" ? "%0A" : c === "\r" ? "%0D" : "%22"));
const escapeFileName = (name) => name.replace(/[\n\r"]/g, (c) => (c === "\n" ? "%0A" : c === "\r" ? "%0D" : "%22"));

/** As multipart/form-data: pieces of text and files between a boundary. */
function encode(form, boundary) {
  const pieces = [];
  for (const [name, value] of form[ENTRIES]) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`;
    if (typeof value === "string") {
      pieces.push(`${head}\r\n\r\n${value.replace(/\r\n|\r|\n/g, "\r\n")}\r\n`);
    } else {
      const type = value.type || "application/octet-stream";
      pieces.push(`${head}; filename="${escapeFileName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`, value, "\r\n");
    }
  }
  pieces.push(`--${boundary}--\r\n`);
  return pieces.every((piece) => typeof piece === "string") ? pieces.join("") : new Blob(pieces);
}

const CR = 13;
const LF = 10;
const DASH = 45;

function find(bytes, wanted, from) {
  for (let at = bytes.indexOf(wanted[0], from); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    let i = 1;
    while (i < wanted.length && bytes[at + i] === wanted[i]) i++;
    if (i === wanted.length) return at;
  }
  return -1;
}

const text = (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
const broken = (why) => new TypeError(`The body is not multipart/form-data: ${why}`);

function parameter(line, name) {
  const quoted = new RegExp(`;[ \\t]*${name}="([^"]*)"`, "i").exec(line);
  const bare = quoted ?? new RegExp(`;[ \\t]*${name}=([^;\\s]*)`, "i").exec(line);
  return bare === null ? null : bare[1].replace(/%0A|%0D|%22/gi, (c) => decodeURIComponent(c));
}

function part(head, body) {
  let [name, filename, type] = [null, null, "text/plain"];
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) throw broken("a header has no colon");
    const key = line.slice(0, colon).toLowerCase();
    const value = trim(line.slice(colon + 1));
    if (key === "content-disposition") {
      if (!/^form-data\b/i.test(value)) throw broken("a part is no form-data");
      name = parameter(value, "name");
      filename = parameter(value, "filename");
    } else if (key === "content-type") type = value;
  }
  if (name === null) throw broken("a part has no name");
  return [name, filename === null ? new TextDecoder().decode(body) : new File([body], filename, { type, lastModified: Date.now() })];
}

/** Reads multipart/form-data. */
function parse(bytes, boundary) {
  const form = new FormData();
  const delimiter = core.encode(`--${boundary}`);
  let at = find(bytes, delimiter, 0);
  if (at < 0) throw broken("the boundary is not in it");
  for (;;) {
    at += delimiter.length;
    if (bytes[at] === DASH && bytes[at + 1] === DASH) return form;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) throw broken("a boundary is not followed by a line break");
    const headEnd = find(bytes, [CR, LF, CR, LF], at);
    if (headEnd < 0) throw broken("a part has no headers");
    const end = find(bytes, [CR, LF, ...delimiter], headEnd + 2);
    if (end < 0) throw broken("the last boundary is missing");
    form[ENTRIES].push(part(text(bytes.subarray(at + 2, headEnd)), bytes.slice(headEnd + 4, end)));
    at = end + 2;
  }
}

function fromPairs(pairs) {
  const form = new FormData();
  form[ENTRIES] = pairs;
  return form;
}

const isFormData = (value) => Object.prototype.isPrototypeOf.call(FormDataPrototype, value);

return { FormData, encodeForm: encode, parseForm: parse, formFromPairs: fromPairs, isFormData, isBlob };
})();
