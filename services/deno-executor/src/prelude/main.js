// Evaluated once in each isolate, before any task code. What the host needs is left on one global,
// which the host takes away again.
import { op_task_defaults, op_task_ended } from "ext:core/ops";
import { callHostTool, settle } from "ext:tasker_task/host.js";
import { fire, timers } from "ext:tasker_task/timers.js";
import { TaskDate, crypto, performance, random, seed, setNow } from "ext:tasker_task/clock.js";
import { console } from "ext:tasker_task/console.js";
import { defineWebGlobals } from "ext:tasker_task/web.js";

const { parse, stringify } = JSON;
const RealError = Error;

const define = (target, name, value) =>
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });

for (const name of Object.getOwnPropertyNames(globalThis)) {
  // Not repeatable, shared between threads, or the engine's own.
  const banned = ["WeakRef", "FinalizationRegistry", "SharedArrayBuffer", "Atomics", "WebAssembly", "Temporal", "ShadowRealm", "gc"];
  if (banned.includes(name) || name.startsWith("__v8x")) delete globalThis[name];
}
define(Math, "random", random);
define(Date.prototype, "constructor", TaskDate);
define(globalThis, "Date", TaskDate);
define(globalThis, "performance", performance);
define(globalThis, "crypto", crypto);
define(globalThis, "console", console);
define(globalThis, "__callHostTool__", callHostTool);
for (const name of Object.keys(timers)) define(globalThis, name, timers[name]);
defineWebGlobals(globalThis);

function describe(error) {
  try {
    if (error === null || typeof error !== "object") {
      const text = typeof error === "string" ? error : stringify(error) ?? String(error);
      return stringify({ name: "Error", message: text });
    }
    if (!("message" in error)) return stringify({ name: "Error", message: stringify(error), details: error });
    const own = { name: String(error.name ?? "Error"), message: String(error.message) };
    if (typeof error.stack === "string") own.stack = error.stack;
    if (typeof error.status === "number") own.status = error.status;
    if (typeof error.retryable === "boolean") own.retryable = error.retryable;
    if (error.details !== undefined) own.details = error.details;
    else if (error.cause !== undefined) own.details = { cause: String(error.cause) };
    return stringify(own);
  } catch {
    return '{"name":"Error","message":"a value was thrown that cannot be shown"}';
  }
}

function handlerOf(exported) {
  if (typeof exported === "function") return exported;
  if (exported !== null && typeof exported === "object") {
    if (typeof exported.default === "function") return exported.default;
    for (const key of Object.keys(exported)) if (typeof exported[key] === "function") return exported[key];
  }
  throw new TypeError(
    "the task exports no function: write module.exports = async function (input) { ... } " +
      "or export default async function (input) { ... }",
  );
}

/** How the task wants its host calls to be made, if it says so beside its function. */
function takeCallOptions(exported, handler) {
  const options = handler.callOptions ?? exported.callOptions;
  if (options !== undefined && options !== null) op_task_defaults(stringify(options));
}

/** Runs the task. async/await rather than then(), which task code may have replaced. */
async function start(exported, input) {
  let json;
  try {
    const handler = handlerOf(exported);
    takeCallOptions(exported, handler);
    json = stringify(await handler(parse(input))) ?? "null";
  } catch (error) {
    op_task_ended(false, describe(error));
    return;
  }
  op_task_ended(true, json);
}

/** A CommonJS task: its exports. */
function commonjs(wrapper) {
  const module = { exports: {} };
  const require = (name) => {
    throw new RealError(`require(${stringify(name)}) is not available: a task is one file`);
  };
  wrapper(module, module.exports, require);
  return module.exports;
}

function deliver(seq, ok, json, nowMs) {
  setNow(nowMs);
  if (!settle(seq, ok, json)) fire(seq);
}

globalThis.__tasker = { seed, start, deliver, commonjs };
