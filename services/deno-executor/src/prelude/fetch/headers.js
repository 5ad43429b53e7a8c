// Headers of the Fetch standard: a list of names and values, and a guard that says whether it may
// be changed.
(function () {
const { core } = __bootstrap;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");

const LIST = Symbol("list");
const GUARD = Symbol("guard");
const SORTED = Symbol("sorted");
const CACHE = Symbol("cache");
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const { ByteString } = webidl.converters;

function checkName(name, prefix) {
  if (!NAME.test(name)) throw new TypeError(`${prefix}: '${name}' is not a valid header name`);
  return name.toLowerCase();
}

function isSpace(code) {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

function trim(value) {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function checkValue(value, prefix) {
  value = trim(value);
  if (/[\0\r\n]/.test(value)) throw new TypeError(`${prefix}: the value of a header holds a line break or NUL`);
  return value;
}

function checkGuard(headers) {
  if (headers[GUARD] === "immutable") throw new TypeError("These headers cannot be changed: they are immutable");
  headers[CACHE] = null;
}

function append(headers, name, value, prefix) {
  value = checkValue(value, prefix);
  name = checkName(name, prefix);
  checkGuard(headers);
  headers[LIST].push([name, value]);
}

/** The values of one name as one, or null. */
function get(list, name) {
  const values = list.filter((entry) => entry[0] === name).map((entry) => entry[1]);
  return values.length === 0 ? null : values.join(", ");
}

/** Sorted by name, values of a name joined, but for Set-Cookie. */
function sortAndCombine(list) {
  const names = [...new Set(list.map((entry) => entry[0]))].sort();
  const combined = [];
  for (const name of names) {
    if (name === "set-cookie") combined.push(...list.filter((entry) => entry[0] === name));
    else combined.push([name, get(list, name)]);
  }
  return combined;
}

function fill(headers, init, prefix) {
  const pairs = Array.isArray(init) ? init : Object.keys(init).map((name) => [name, init[name]]);
  for (const pair of pairs) {
    if (pair.length !== 2) {
      throw new TypeError(`${prefix}: each header must be [name, value], this one has ${pair.length} parts`);
    }
    append(headers, pair[0], pair[1], prefix);
  }
}

class Headers {
  constructor(init = undefined) {
    const prefix = "Failed to construct 'Headers'";
    if (init !== undefined) init = webidl.converters.HeadersInit(init, prefix, "Argument 1");
    this[webidl.brand] = webidl.brand;
    this[LIST] = [];
    this[GUARD] = "none";
    this[CACHE] = null;
    if (init !== undefined) fill(this, init, prefix);
  }

  append(name, value) {
    const prefix = begin(this, arguments, 2, "append");
    append(this, ByteString(name, prefix, "Argument 1"), ByteString(value, prefix, "Argument 2"), prefix);
  }

  delete(name) {
    const prefix = begin(this, arguments, 1, "delete");
    name = checkName(ByteString(name, prefix, "Argument 1"), prefix);
    checkGuard(this);
    this[LIST] = this[LIST].filter((entry) => entry[0] !== name);
  }

  get(name) {
    const prefix = begin(this, arguments, 1, "get");
    return get(this[LIST], checkName(ByteString(name, prefix, "Argument 1"), prefix));
  }

  getSetCookie() {
    webidl.assertBranded(this, HeadersPrototype);
    return this[LIST].filter((entry) => entry[0] === "set-cookie").map((entry) => entry[1]);
  }

  has(name) {
    const prefix = begin(this, arguments, 1, "has");
    name = checkName(ByteString(name, prefix, "Argument 1"), prefix);
    return this[LIST].some((entry) => entry[0] === name);
  }

  set(name, value) {
    const prefix = begin(this, arguments, 2, "set");
    name = ByteString(name, prefix, "Argument 1");
    value = checkValue(ByteString(value, prefix, "Argument 2"), prefix);
    name = checkName(name, prefix);
    checkGuard(this);
    const at = this[LIST].findIndex((entry) => entry[0] === name);
    if (at < 0) {
      this[LIST].push([name, value]);
      return;
    }
    this[LIST] = this[LIST].filter((entry, i) => i <= at || entry[0] !== name);
    this[LIST][at] = [name, value];
  }

  get [SORTED]() {
    return (this[CACHE] ??= sortAndCombine(this[LIST]));
  }
}

function begin(headers, args, required, method) {
  webidl.assertBranded(headers, HeadersPrototype);
  const prefix = `Failed to execute '${method}' on 'Headers'`;
  webidl.requiredArguments(args.length, required, prefix);
  return prefix;
}

webidl.mixinPairIterable("Headers", Headers, SORTED, 0, 1);
webidl.configureInterface(Headers);
const HeadersPrototype = Headers.prototype;

webidl.converters.HeadersInit = (init, prefix, context, options) => {
  if (webidl.type(init) === "Object") {
    const kind = init[Symbol.iterator] !== undefined ? "sequence<sequence<ByteString>>" : "record<ByteString, ByteString>";
    return webidl.converters[kind](init, prefix, context, options);
  }
  throw new TypeError(`${prefix}: ${context} must be headers, pairs of names and values, or an object`);
};

/** Headers over a list, with a guard. */
function headersFrom(list, guard) {
  const headers = new Headers();
  headers[LIST] = list;
  headers[GUARD] = guard;
  return headers;
}

return { Headers, headersFrom, fillHeaders: fill, listOf: (headers) => headers[LIST], trim };
})();
