// Request of the Fetch standard.
(function () {
const { core } = __bootstrap;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { createDependentAbortSignal, newSignal } = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const { fillHeaders, headersFrom, listOf } = core.loadExtScript("ext:tasker_task/fetch/headers.js");
const { extractBody, mimeOf, mixinBody } = core.loadExtScript("ext:tasker_task/fetch/body.js");

const INNER = Symbol("request");
const OWN = Symbol("own");
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const USUAL = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
const FORBIDDEN = ["CONNECT", "TRACE", "TRACK"];

let boundary;

function methodOf(method, prefix) {
  const upper = method.toUpperCase();
  if (!METHOD.test(method) || FORBIDDEN.includes(upper)) throw new TypeError(`${prefix}: '${method}' is no method to fetch with`);
  return USUAL.includes(upper) ? upper : method;
}

function fromUrl(input, prefix) {
  let url;
  try {
    url = new URL(input);
  } catch {
    throw new TypeError(`${prefix}: '${input.slice(0, 100)}' is not an absolute URL`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(`${prefix}: the URL has a user name or password in it; use an Authorization header`);
  }
  return {
    method: "GET", url, headers: [], body: null, referrer: "about:client", referrerPolicy: "", mode: "cors",
    credentials: "same-origin", cache: "default", redirect: "follow", integrity: "", keepalive: false, tasker: undefined,
  };
}

function referrerOf(text, prefix) {
  if (text === "") return "no-referrer";
  try {
    return new URL(text).href;
  } catch {
    if (text === "about:client") return text;
    throw new TypeError(`${prefix}: referrer '${text}' is not a URL`);
  }
}

/** Copies what `init` says over `inner`. */
function override(inner, init, prefix) {
  if (init.window !== undefined && init.window !== null) throw new TypeError(`${prefix}: window must be null`);
  if (init.referrer !== undefined) inner.referrer = referrerOf(init.referrer, prefix);
  if (init.mode === "navigate") throw new TypeError(`${prefix}: mode must not be 'navigate'`);
  for (const name of ["referrerPolicy", "mode", "credentials", "cache", "redirect", "integrity", "keepalive", "tasker"]) {
    if (init[name] !== undefined) inner[name] = init[name];
  }
  if (inner.cache === "only-if-cached" && inner.mode !== "same-origin") {
    throw new TypeError(`${prefix}: cache 'only-if-cached' needs mode 'same-origin'`);
  }
  if (init.method !== undefined) inner.method = methodOf(init.method, prefix);
}

/** The body that `init` or another request brings. */
function bodyOf(inner, init, other, headers, prefix) {
  const given = init.body ?? null;
  const inherited = other === null ? null : other.body;
  if ((given !== null || inherited !== null) && ["GET", "HEAD"].includes(inner.method)) {
    throw new TypeError(`${prefix}: a request with method GET or HEAD has no body`);
  }
  if (given !== null) {
    const { body, type } = extractBody(given, boundary);
    if (type !== null && !headers.has("content-type")) headers.append("content-type", type);
    if (body.source === null && init.duplex === undefined) {
      throw new TypeError(`${prefix}: a body that is a stream needs duplex: 'half'`);
    }
    return body;
  }
  if (inherited === null) return null;
  if (inherited.unusable) throw new TypeError(`${prefix}: the body of the request was read before, or its stream is locked`);
  // The other request's body is used up, as if it had been sent.
  return inherited.move();
}

class Request {
  constructor(input, init = undefined) {
    this[webidl.brand] = webidl.brand;
    if (input === OWN) return;
    const prefix = "Failed to construct 'Request'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    init = webidl.converters.RequestInit(init, prefix, "Argument 2");
    const other = isRequest(input) ? input[INNER] : null;
    const inner = other === null
      ? fromUrl(webidl.converters.USVString(input, prefix, "Argument 1"), prefix)
      : { ...other, body: null, headers: [] };
    override(inner, init, prefix);
    const signal = init.signal === undefined ? (other === null ? null : other.signal) : init.signal;
    inner.signal = signal === null ? newSignal() : createDependentAbortSignal([signal], prefix);
    inner.headers = headersFrom([], "request");
    if (init.headers !== undefined) fillHeaders(inner.headers, init.headers, prefix);
    else if (other !== null) fillHeaders(inner.headers, listOf(other.headers), prefix);
    inner.body = bodyOf(inner, init, other, inner.headers, prefix);
    this[INNER] = inner;
  }

  clone() {
    webidl.assertBranded(this, RequestPrototype);
    const inner = this[INNER];
    if (inner.body !== null && inner.body.unusable) {
      throw new TypeError("The body was read before, or its stream is locked: the request cannot be cloned");
    }
    const copy = new Request(OWN);
    copy[INNER] = {
      ...inner,
      headers: headersFrom(listOf(inner.headers).map((entry) => [...entry]), "request"),
      body: inner.body === null ? null : inner.body.clone(),
      signal: createDependentAbortSignal([inner.signal], "Failed to execute 'clone' on 'Request'"),
    };
    return copy;
  }
}

function isRequest(value) {
  return Object.prototype.isPrototypeOf.call(RequestPrototype, value);
}

const getters = {
  method: (inner) => inner.method,
  url: (inner) => inner.url.href,
  headers: (inner) => inner.headers,
  destination: () => "",
  referrer: (inner) => (inner.referrer === "no-referrer" ? "" : inner.referrer),
  referrerPolicy: (inner) => inner.referrerPolicy,
  mode: (inner) => inner.mode,
  credentials: (inner) => inner.credentials,
  cache: (inner) => inner.cache,
  redirect: (inner) => inner.redirect,
  integrity: (inner) => inner.integrity,
  keepalive: (inner) => inner.keepalive,
  isReloadNavigation: () => false,
  isHistoryNavigation: () => false,
  signal: (inner) => inner.signal,
  duplex: () => "half",
};
for (const name of Object.keys(getters)) {
  const get = {
    get [name]() {
      webidl.assertBranded(this, RequestPrototype);
      return getters[name](this[INNER]);
    },
  };
  Object.defineProperty(Request.prototype, name, Object.getOwnPropertyDescriptor(get, name));
}
mixinBody(Request, (request) => ({
  body: request[INNER].body,
  mime: () => mimeOf(listOf(request[INNER].headers)),
}));
webidl.configureInterface(Request);
const RequestPrototype = Request.prototype;

const choice = (key, name, values) => ({ key, converter: webidl.createEnumConverter(name, values) });
const AbortSignal = webidl.createNullableConverter(webidl.converters.AbortSignal);
webidl.converters.RequestInit = webidl.createDictionaryConverter("RequestInit", [
  { key: "method", converter: webidl.converters.ByteString },
  { key: "headers", converter: webidl.converters.HeadersInit },
  { key: "body", converter: webidl.createNullableConverter(webidl.converters["BodyInit?"]) },
  { key: "referrer", converter: webidl.converters.USVString },
  choice("referrerPolicy", "ReferrerPolicy", [
    "", "no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin",
    "origin-when-cross-origin", "strict-origin-when-cross-origin", "unsafe-url",
  ]),
  choice("mode", "RequestMode", ["navigate", "same-origin", "no-cors", "cors"]),
  choice("credentials", "RequestCredentials", ["omit", "same-origin", "include"]),
  choice("cache", "RequestCache", ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"]),
  choice("redirect", "RequestRedirect", ["follow", "error", "manual"]),
  { key: "integrity", converter: webidl.converters.DOMString },
  { key: "keepalive", converter: webidl.converters.boolean },
  { key: "signal", converter: AbortSignal },
  choice("duplex", "RequestDuplex", ["half"]),
  choice("priority", "RequestPriority", ["high", "low", "auto"]),
  { key: "window", converter: webidl.converters.any },
  { key: "tasker", converter: webidl.converters.any },
]);

const setBoundary = (make) => (boundary = make);

return { Request, innerOf: (request) => request[INNER], setBoundary };
})();
