// Web globals from deno_web, each loaded when it is first used. What would not replay the same
// (real timers, real clocks, sharing between threads) is left out.
import { core } from "ext:core/mod.js";
import { random } from "ext:tasker_task/clock.js";
import { calledFrom, startCall, thrownAt } from "ext:tasker_task/host.js";
import { sleep } from "ext:tasker_task/timers.js";

const ABORT = "ext:deno_web/03_abort_signal.js";
const FETCH = "ext:tasker_task/fetch/fetch.js";
const SOURCES = {
  "ext:deno_web/00_url.js": ["URL", "URLSearchParams"],
  "ext:deno_web/01_urlpattern.js": ["URLPattern"],
  "ext:deno_web/01_dom_exception.js": ["DOMException"],
  "ext:deno_web/02_event.js": ["Event", "EventTarget", "CustomEvent", "ErrorEvent"],
  [ABORT]: ["AbortController", "AbortSignal"],
  "ext:deno_web/05_base64.js": ["atob", "btoa"],
  "ext:deno_web/06_streams.js": [
    "ReadableStream", "WritableStream", "TransformStream", "ByteLengthQueuingStrategy",
    "CountQueuingStrategy",
  ],
  "ext:deno_web/08_text_encoding.js": [
    "TextEncoder", "TextDecoder", "TextEncoderStream", "TextDecoderStream",
  ],
  "ext:deno_web/09_file.js": ["Blob", "File"],
  "ext:deno_web/14_compression.js": ["CompressionStream", "DecompressionStream"],
  "ext:deno_web/02_structured_clone.js": ["structuredClone"],
  // Ours: fetch is a host call.
  [FETCH]: ["fetch", "FormData", "Headers", "Request", "Response"],
};

/** The original counts real time; this one is a durable timer. */
function durableTimeout(ms) {
  const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
  const { newSignal, signalAbort } = core.loadExtScript(ABORT);
  const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
  const prefix = "Failed to execute 'AbortSignal.timeout'";
  webidl.requiredArguments(arguments.length, 1, prefix);
  ms = webidl.converters["unsigned long long"](ms, prefix, "Argument 1", { enforceRange: true });
  const signal = newSignal();
  const reason = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");
  sleep(ms).then(() => signal[signalAbort](reason()));
  return signal;
}

let fetchGlobals;

function load(source, name) {
  if (source === FETCH || source === ABORT) core.loadExtScript(ABORT).AbortSignal.timeout = durableTimeout;
  if (source !== FETCH) return core.loadExtScript(source)[name];
  fetchGlobals ??= core.loadExtScript(FETCH)({ calledFrom, startCall, thrownAt, random });
  return fetchGlobals[name];
}

/** Defines each name as a getter that replaces itself with the value. */
export function defineWebGlobals(target) {
  for (const [source, names] of Object.entries(SOURCES)) {
    for (const name of names) {
      const define = (value) =>
        Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });
      Object.defineProperty(target, name, {
        configurable: true,
        enumerable: false,
        get() {
          const value = load(source, name);
          define(value);
          return value;
        },
        set: define,
      });
    }
  }
}
