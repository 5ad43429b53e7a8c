// Web globals from deno_web, each loaded when it is first used. What would not replay the same
// (real timers, real clocks, sharing between threads) is left out.
import { core } from "ext:core/mod.js";
import { sleep } from "ext:tasker_task/timers.js";

const SOURCES = {
  "ext:deno_web/00_url.js": ["URL", "URLSearchParams"],
  "ext:deno_web/01_urlpattern.js": ["URLPattern"],
  "ext:deno_web/01_dom_exception.js": ["DOMException"],
  "ext:deno_web/02_event.js": ["Event", "EventTarget", "CustomEvent", "ErrorEvent"],
  "ext:deno_web/03_abort_signal.js": ["AbortController", "AbortSignal"],
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
};

function load(source, name) {
  const value = core.loadExtScript(source)[name];
  if (name === "AbortSignal") {
    // The original counts real time; this one is a durable timer.
    value.timeout = (ms) => {
      const { AbortController, DOMException } = globalThis;
      const controller = new AbortController();
      sleep(ms).then(() => controller.abort(new DOMException("The operation timed out.", "TimeoutError")));
      return controller.signal;
    };
  }
  return value;
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
