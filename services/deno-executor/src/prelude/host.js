// Host calls: a promise per call, settled from outside. Nothing here waits: when the event loop is
// empty and calls are open, the task is suspended, and no task code can see it.
import { op_task_call } from "ext:core/ops";

const { parse, stringify } = JSON;
const { keys } = Object;
const { apply } = Reflect;
const RealPromise = Promise;
const RealError = Error;
const then = Promise.prototype.then;
const { indexOf, slice } = String.prototype;
const ignore = () => {};

const open = { __proto__: null };
let nextSeq = 0;

/** Calls and timers share one numbering: their order is what a replay is checked against. */
export function takeSeq() {
  return nextSeq++;
}

/** The host's limits come as `RangeError: PayloadTooLarge: ...`. */
function typed(error) {
  const at = apply(indexOf, error.message, [": "]);
  const name = at < 0 ? "" : apply(slice, error.message, [0, at]);
  if (name === "PayloadTooLarge" || name === "CallLimit") {
    error.name = name;
    error.message = apply(slice, error.message, [at + 2]);
    if (name === "PayloadTooLarge") error.status = 413;
  }
  return error;
}

/** `options`: { retry, timeoutMs, idempotencyKey }. */
export function callHostTool(service, path, args, options) {
  const promise = new RealPromise((resolve, reject) => {
    // Throws (and so rejects) before a number is taken if the call cannot be written down.
    const call = stringify({ service, path, args, options });
    try {
      op_task_call(nextSeq, call);
    } catch (error) {
      throw typed(error);
    }
    open[takeSeq()] = { resolve, reject };
  });
  // A call whose result nobody awaits may fail without failing the task.
  apply(then, promise, [undefined, ignore]);
  return promise;
}

function asError(value) {
  if (value === null || typeof value !== "object") return new RealError(`${value}`);
  const error = new RealError(value.message);
  for (const key of keys(value)) {
    if (key !== "message" && key !== "stack") error[key] = value[key];
  }
  return error;
}

/** Settles call `seq`; false if it is not an open call. */
export function settle(seq, ok, json) {
  const call = open[seq];
  if (call === undefined) return false;
  delete open[seq];
  const value = parse(json);
  if (ok) call.resolve(value);
  else call.reject(asError(value));
  return true;
}
