// Bodies of requests and responses: what they are made of, and how they are read.
(function () {
const { core } = __bootstrap;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { URLSearchParamsPrototype, parseUrlEncoded } = core.loadExtScript("ext:deno_web/00_url.js");
const { essence, extractMimeType, serializeMimeType } = core.loadExtScript("ext:deno_web/01_mimesniff.js");
const { createProxy, isReadableStreamDisturbed, ReadableStream, ReadableStreamPrototype, readableStreamTee } =
  core.loadExtScript("ext:deno_web/06_streams.js");
const { TextDecoder } = core.loadExtScript("ext:deno_web/08_text_encoding.js");
const { Blob } = core.loadExtScript("ext:deno_web/09_file.js");
const { encodeForm, formFromPairs, isBlob, isFormData, parseForm } =
  core.loadExtScript("ext:tasker_task/fetch/form_data.js");

const is = (prototype, value) => Object.prototype.isPrototypeOf.call(prototype, value);
const BOM = "\ufeff";

/** A body: text, bytes or a Blob that a stream is made of when somebody asks for one; or a stream. */
class Body {
  #source;
  #stream;
  #controller = null;
  #used = false;
  #failure = null;

  constructor(source, stream = null) {
    this.#source = source;
    this.#stream = stream;
  }

  /** What it is made of; null for a stream, which can be read once. */
  get source() {
    return this.#source;
  }

  get stream() {
    this.#stream ??= new ReadableStream({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller;
        if (this.#failure !== null) controller.error(this.#failure.reason);
      },
      pull: (controller) => this.#pull(controller),
    });
    if (this.#used && !isReadableStreamDisturbed(this.#stream)) this.#stream.cancel().then(undefined, () => {});
    return this.#stream;
  }

  #pulled = false;
  #pull(controller) {
    const give = (bytes) => {
      // Handed over: the buffer is not ours any more.
      if (bytes.byteLength > 0) controller.enqueue(bytes.slice());
      controller.close();
      controller.byobRequest?.respond(0);
    };
    if (this.#pulled) return undefined;
    this.#pulled = true;
    const bytes = bytesOf(this.#source);
    return bytes instanceof Promise ? bytes.then(give) : give(bytes);
  }

  get used() {
    return this.#used || (this.#stream !== null && isReadableStreamDisturbed(this.#stream));
  }

  get unusable() {
    return this.used || (this.#stream !== null && this.#stream.locked);
  }

  /** Errors the stream, unless it was read to its end. */
  fail(reason) {
    this.#failure ??= { reason };
    try {
      this.#controller?.error(reason);
    } catch {
      // It was closed before.
    }
  }

  /** All of it, as text or bytes, or a promise of bytes. */
  take() {
    if (this.#failure !== null) throw this.#failure.reason;
    if (this.#source !== null && this.#stream === null) {
      this.#used = true;
      return typeof this.#source === "string" ? this.#source : bytesOf(this.#source);
    }
    return collect(this.#stream);
  }

  /** The same body; this one counts as read. */
  move() {
    if (this.#source !== null && this.#stream === null) {
      this.#used = true;
      return new Body(this.#source);
    }
    return new Body(this.#source, createProxy(this.stream));
  }

  clone() {
    if (this.#source !== null && this.#stream === null) {
      const copy = new Body(this.#source);
      copy.#failure = this.#failure;
      return copy;
    }
    const [mine, other] = readableStreamTee(this.stream, true);
    this.#stream = mine;
    return new Body(this.#source, other);
  }
}

function bytesOf(source) {
  if (typeof source === "string") return core.encode(source);
  if (isBlob(source)) return source.arrayBuffer().then((buffer) => new Uint8Array(buffer));
  return source;
}

async function collect(stream) {
  const chunks = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    if (!is(Uint8Array.prototype, value)) {
      const error = new TypeError("a body's stream gave something other than a Uint8Array");
      reader.cancel(error).then(undefined, () => {});
      throw error;
    }
    chunks.push(value);
    length += value.byteLength;
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

/** A Body of what was given as one, and its media type. */
function extract(value, boundary) {
  if (is(ReadableStreamPrototype, value)) {
    if (value.locked || isReadableStreamDisturbed(value)) {
      throw new TypeError("The body is a stream that is locked or was read before");
    }
    return { body: new Body(null, value), type: null };
  }
  if (typeof value === "string") return { body: new Body(value), type: "text/plain;charset=UTF-8" };
  if (isBlob(value)) return { body: new Body(value), type: value.type || null };
  if (is(URLSearchParamsPrototype, value)) {
    return { body: new Body(value.toString()), type: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
  if (isFormData(value)) {
    const mark = boundary();
    return { body: new Body(encodeForm(value, mark)), type: `multipart/form-data; boundary=${mark}` };
  }
  const view = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
  return { body: new Body(view.slice()), type: null };
}

webidl.converters["BodyInit?"] = (value, prefix, context, options) => {
  if (value === null || value === undefined) return null;
  const kept = is(ReadableStreamPrototype, value) || isBlob(value) || isFormData(value) ||
    is(URLSearchParamsPrototype, value) || ArrayBuffer.isView(value) || is(ArrayBuffer.prototype, value);
  return kept ? value : webidl.converters.USVString(value, prefix, context, options);
};

const asText = (taken) => {
  if (typeof taken === "string") return taken.startsWith(BOM) ? taken.slice(1) : taken;
  return new TextDecoder().decode(taken);
};
const asBytes = (taken) => (typeof taken === "string" ? core.encode(taken) : taken.slice());

function asForm(taken, mime) {
  const kind = mime === null ? "" : essence(mime);
  if (kind === "multipart/form-data") {
    const boundary = mime.parameters.get("boundary");
    if (boundary === undefined) throw new TypeError("The Content-Type names no boundary");
    return parseForm(asBytes(taken), boundary);
  }
  if (kind === "application/x-www-form-urlencoded") return formFromPairs(parseUrlEncoded(asBytes(taken)));
  throw new TypeError(`The body is no form: its Content-Type is '${kind}'`);
}

/** Adds the methods of bodies; `inner(object)` answers { body, mime() }. */
function mixin(Interface, inner) {
  const prototype = Interface.prototype;
  const read = async (self, convert) => {
    webidl.assertBranded(self, prototype);
    const { body, mime } = inner(self);
    if (body !== null && body.unusable) throw new TypeError("The body was read before, or its stream is locked");
    const taken = body === null ? "" : await body.take();
    return convert(taken, mime);
  };
  const type = (mime) => {
    const found = mime();
    return found === null ? "" : serializeMimeType(found);
  };
  const methods = {
    arrayBuffer() {
      return read(this, (taken) => asBytes(taken).buffer);
    },
    blob() {
      return read(this, (taken, mime) => new Blob([taken], { type: type(mime) }));
    },
    bytes() {
      return read(this, asBytes);
    },
    formData() {
      return read(this, (taken, mime) => asForm(taken, mime()));
    },
    json() {
      return read(this, (taken) => JSON.parse(asText(taken)));
    },
    text() {
      return read(this, asText);
    },
    get body() {
      webidl.assertBranded(this, prototype);
      const { body } = inner(this);
      return body === null ? null : body.stream;
    },
    get bodyUsed() {
      webidl.assertBranded(this, prototype);
      const { body } = inner(this);
      return body !== null && body.used;
    },
  };
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(methods));
}

/** The media type that headers name. */
function mimeOf(list) {
  const values = list.filter((entry) => entry[0] === "content-type").map((entry) => entry[1]);
  return values.length === 0 ? null : extractMimeType(values);
}

return { Body, extractBody: extract, mixinBody: mixin, mimeOf };
})();
