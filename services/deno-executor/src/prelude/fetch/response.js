// Response of the Fetch standard.
(function () {
const { core } = __bootstrap;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { fillHeaders, headersFrom, listOf } = core.loadExtScript("ext:tasker_task/fetch/headers.js");
const { Body, extractBody, mimeOf, mixinBody } = core.loadExtScript("ext:tasker_task/fetch/body.js");

const INNER = Symbol("response");
const OWN = Symbol("own");
const NULL_BODY = [101, 103, 204, 205, 304];
const REDIRECTS = [301, 302, 303, 307, 308];
// TAB, SP, visible characters and bytes above ASCII.
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

let boundary;

function initialize(response, body, init, prefix) {
  if (init.status < 200 || init.status > 599) {
    throw new RangeError(`${prefix}: the status (${init.status}) must be from 200 to 599`);
  }
  if (!REASON.test(init.statusText)) throw new TypeError(`${prefix}: statusText is not a reason phrase`);
  const inner = { type: "default", url: "", redirected: false, status: init.status, statusText: init.statusText, body: null };
  response[INNER] = inner;
  inner.headers = headersFrom([], "none");
  if (init.headers !== undefined) fillHeaders(inner.headers, init.headers, prefix);
  if (body === null) return;
  if (NULL_BODY.includes(init.status)) throw new TypeError(`${prefix}: a response with status ${init.status} has no body`);
  inner.body = body.body;
  if (body.type !== null && !inner.headers.has("content-type")) inner.headers.append("content-type", body.type);
}

class Response {
  constructor(body = null, init = undefined) {
    this[webidl.brand] = webidl.brand;
    if (body === OWN) return;
    const prefix = "Failed to construct 'Response'";
    body = webidl.converters["BodyInit?"](body, prefix, "Argument 1");
    init = webidl.converters.ResponseInit(init, prefix, "Argument 2");
    initialize(this, body === null ? null : extractBody(body, boundary), init, prefix);
  }

  static error() {
    return fromInner({ type: "error", url: "", redirected: false, status: 0, statusText: "", body: null, headers: headersFrom([], "immutable"), immutable: true });
  }

  static json(data, init = undefined) {
    const prefix = "Failed to execute 'json' on 'Response'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    init = webidl.converters.ResponseInit(init, prefix, "Argument 2");
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError(`${prefix}: the value cannot be written as JSON`);
    const response = new Response(OWN);
    initialize(response, { body: new Body(text), type: "application/json" }, init, prefix);
    return response;
  }

  static redirect(url, status = 302) {
    const prefix = "Failed to execute 'redirect' on 'Response'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    url = webidl.converters.USVString(url, prefix, "Argument 1");
    status = webidl.converters["unsigned short"](status, prefix, "Argument 2");
    const target = new URL(url);
    if (!REDIRECTS.includes(status)) throw new RangeError(`${prefix}: ${status} is no redirect status`);
    const headers = headersFrom([["location", target.href]], "immutable");
    return fromInner({ type: "default", url: "", redirected: false, status, statusText: "", body: null, headers, immutable: true });
  }

  clone() {
    webidl.assertBranded(this, ResponsePrototype);
    const inner = this[INNER];
    if (inner.body !== null && inner.body.unusable) {
      throw new TypeError("The body was read before, or its stream is locked: the response cannot be cloned");
    }
    const guard = inner.immutable ? "immutable" : "none";
    const headers = headersFrom(listOf(inner.headers).map((entry) => [...entry]), guard);
    return fromInner({ ...inner, headers, body: inner.body === null ? null : inner.body.clone() });
  }
}

function fromInner(inner) {
  const response = new Response(OWN);
  response[INNER] = inner;
  return response;
}

const getters = {
  type: (inner) => inner.type,
  url: (inner) => inner.url,
  redirected: (inner) => inner.redirected,
  status: (inner) => inner.status,
  ok: (inner) => inner.status >= 200 && inner.status <= 299,
  statusText: (inner) => inner.statusText,
  headers: (inner) => inner.headers,
};
for (const name of Object.keys(getters)) {
  const get = {
    get [name]() {
      webidl.assertBranded(this, ResponsePrototype);
      return getters[name](this[INNER]);
    },
  };
  Object.defineProperty(Response.prototype, name, Object.getOwnPropertyDescriptor(get, name));
}
mixinBody(Response, (response) => ({
  body: response[INNER].body,
  mime: () => mimeOf(listOf(response[INNER].headers)),
}));
webidl.configureInterface(Response);
const ResponsePrototype = Response.prototype;

webidl.converters.ResponseInit = webidl.createDictionaryConverter("ResponseInit", [
  { key: "status", defaultValue: 200, converter: webidl.converters["unsigned short"] },
  { key: "statusText", defaultValue: "", converter: webidl.converters.ByteString },
  { key: "headers", converter: webidl.converters.HeadersInit },
]);

/** A response that came from outside: nobody changes its headers. */
function received(fields, list, source) {
  const headers = headersFrom(list, "immutable");
  const body = source === null || NULL_BODY.includes(fields.status) ? null : new Body(source);
  const response = fromInner({ type: "basic", ...fields, headers, immutable: true, body });
  return { response, body };
}

const setBoundary = (make) => (boundary = make);

return { Response, received, setBoundary };
})();
