// fetch: one host call a request. The call is made when fetch is called, unless its body has to be
// read first; what it settles with is in the run's journal, so a replay sees the same response.
(function () {
const { core } = __bootstrap;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { forgivingBase64Decode, forgivingBase64Encode } = core.loadExtScript("ext:deno_web/00_infra.js");
const { add, remove } = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const { TextDecoder } = core.loadExtScript("ext:deno_web/08_text_encoding.js");
const { FormData } = core.loadExtScript("ext:tasker_task/fetch/form_data.js");
const { Headers, listOf } = core.loadExtScript("ext:tasker_task/fetch/headers.js");
const request_ = core.loadExtScript("ext:tasker_task/fetch/request.js");
const response_ = core.loadExtScript("ext:tasker_task/fetch/response.js");
const { local } = core.loadExtScript("ext:tasker_task/fetch/data_url.js");

const { Request, innerOf } = request_;
const { Response, received } = response_;
// A key that the engine takes (call options).
const KEY = /^[\x20-\x7e]{1,255}$/;
/** How much later than the egress service the engine gives up. */
const GRACE_MS = 5_000;
const LONGEST_MS = 3_600_000;

function networkError(code, message) {
  const cause = new Error(message);
  cause.name = cause.code = code;
  const error = new TypeError(`fetch failed: ${message}`, { cause });
  error.code = code;
  return error;
}

/** The egress service's answer as a response. */
function fromAnswer(answer, method) {
  const { url, redirected, status, statusText, headers, text, base64 } = answer;
  const source = method === "HEAD" ? null : base64 !== undefined ? forgivingBase64Decode(base64) : text ?? "";
  const fields = { url: url.split("#", 1)[0], redirected, status, statusText };
  return received(fields, headers.map(([name, value]) => [name.toLowerCase(), value]), source);
}

/** A call that failed: the target's answer after the last attempt, or the error to reject with. */
function fromFailure(error, method) {
  const details = error.details ?? {};
  if (details.response !== undefined) return fromAnswer(details.response, method);
  if (details.error?.code !== undefined) throw networkError(details.error.code, details.error.message);
  throw networkError(error.name, error.message);
}

/** The body as the host call's argument carries it: text if it is UTF-8. */
function carried(body) {
  if (typeof body === "string") return { text: body };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body) };
  } catch {
    return { base64: forgivingBase64Encode(body) };
  }
}

/** The argument and the options of the host call. */
function asCall(inner, body) {
  const { retry, timeoutMs, ...unknown } = inner.tasker ?? {};
  for (const name of Object.keys(unknown)) {
    throw new TypeError(`init.tasker has no '${name}': it takes retry and timeoutMs`);
  }
  const argument = { url: inner.url.href };
  const headers = listOf(inner.headers);
  if (headers.length > 0) argument.headers = headers;
  if (body !== null) Object.assign(argument, carried(body));
  if (inner.body !== null && inner.body.source === null) argument.streamed = true;
  if (inner.redirect !== "follow") argument.redirect = inner.redirect;
  if (inner.integrity !== "") argument.integrity = inner.integrity;
  if (retry !== undefined && retry !== false) argument.retry = true;
  if (timeoutMs !== undefined) argument.timeoutMs = timeoutMs;
  const options = {};
  if (retry !== undefined) options.retry = retry;
  // The engine refuses one that is out of range.
  const fits = timeoutMs >= 1 && timeoutMs <= LONGEST_MS;
  if (timeoutMs !== undefined) options.timeoutMs = fits ? Math.min(timeoutMs + GRACE_MS, LONGEST_MS) : timeoutMs;
  const key = inner.headers.get("idempotency-key");
  if (key !== null && KEY.test(key)) options.idempotencyKey = key;
  return { argument, options };
}

function fromLocal(inner, found) {
  if (found === null) throw networkError("BadUrl", `the ${inner.url.protocol} URL cannot be read`);
  const headers = [["content-type", found.type]];
  if (found.size !== undefined) headers.unshift(["content-length", `${found.size}`]);
  const fields = { url: inner.url.href.split("#", 1)[0], redirected: false, status: 200, statusText: "OK" };
  return received(fields, headers, inner.method === "HEAD" ? null : found.bytes);
}

/** One fetch under way. */
class Fetching {
  /** `resolve` and `reject` are of the promise that task code has; `failed` says of an error where fetch was called. */
  constructor(inner, startCall, { resolve, reject, failed }) {
    Object.assign(this, { inner, startCall, resolve, reject, failed, call: null, body: null, over: false });
    this.onAbort = () => this.abort();
    inner.signal[add](this.onAbort);
  }

  abort() {
    const { reason } = this.inner.signal;
    this.over = true;
    this.call?.abandon();
    this.body?.fail(reason);
    this.reject(reason);
  }

  fail(error) {
    if (this.over) return;
    this.over = true;
    this.inner.signal[remove](this.onAbort);
    this.reject(this.failed(error));
  }

  done({ response, body }) {
    if (this.over) return;
    // From here on aborting ends the reading of the body.
    this.body = body;
    this.resolve(response);
  }

  run() {
    const { inner } = this;
    const { protocol } = inner.url;
    const found = local(inner.url, inner.method);
    if (found !== undefined) return this.done(fromLocal(inner, found));
    if (protocol !== "http:" && protocol !== "https:") {
      throw networkError("SchemeNotAllowed", `the scheme '${protocol.slice(0, -1)}' cannot be fetched`);
    }
    const body = inner.body === null ? null : inner.body.take();
    if (!(body instanceof Promise)) return this.send(body);
    const unreadable = (error) => this.fail(new TypeError("fetch failed: the body could not be read", { cause: error }));
    body.then((bytes) => this.guard(() => this.over || this.send(bytes)), unreadable);
  }

  send(body) {
    const { argument, options } = asCall(this.inner, body);
    const { method } = this.inner;
    try {
      this.call = this.startCall("fetch", [method], [argument], options);
    } catch (error) {
      error.message = error.message.replace("__callHostTool__ options", "init.tasker");
      throw error;
    }
    this.call.promise.then(
      (answer) => this.guard(() => this.done(fromAnswer(answer, method))),
      (error) => this.guard(() => this.done(fromFailure(error, method))),
    );
  }

  guard(work) {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }
}

/** `startCall` makes a host call; `random` is the run's own; the others tell where fetch was called. */
function make({ calledFrom, startCall, thrownAt, random }) {
  const boundary = () => {
    let digits = "";
    while (digits.length < 24) digits += Math.floor(random() * 10);
    return `----formdata-tasker-${digits}`;
  };
  request_.setBoundary(boundary);
  response_.setBoundary(boundary);

  function fetch(input, init = undefined) {
    const at = calledFrom(fetch);
    const failed = (error) => thrownAt(at, error);
    return new Promise((resolve, reject) => {
      webidl.requiredArguments(arguments.length, 1, "Failed to execute 'fetch'");
      const inner = innerOf(new Request(input, init));
      if (inner.signal.aborted) {
        reject(inner.signal.reason);
        return;
      }
      const fetching = new Fetching(inner, startCall, { resolve, reject, failed });
      fetching.guard(() => fetching.run());
    });
  }
  return { fetch, FormData, Headers, Request, Response };
}

return make;
})();
