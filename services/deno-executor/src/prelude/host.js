// Host calls: a promise per call, settled from outside. Nothing here waits: when the event loop is
// empty and calls are open, the task is suspended, and no task code can see it.
import { op_task_call, op_task_clear } from "ext:core/ops";

const { parse, stringify } = JSON;
const { keys } = Object;
const { apply } = Reflect;
const RealPromise = Promise;
const RealError = Error;
const then = Promise.prototype.then;
const { captureStackTrace } = Error;
const { indexOf, slice } = String.prototype;
const ignore = () => {};

const open = { __proto__: null };
let nextSeq = 0;

/** Calls and timers share one numbering: their order is what a replay is checked against. */
export function takeSeq() {
  return nextSeq++;
}

/** The number that is taken next. Whoever may be refused by the host asks it first. */
export function peekSeq() {
  return nextSeq;
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

/** Throws before a number is taken if the call cannot be written down. */
function begin(call, asked) {
  const text = stringify(asked);
  try {
    op_task_call(nextSeq, text);
  } catch (error) {
    throw typed(error);
  }
  const seq = takeSeq();
  open[seq] = call;
  return seq;
}

/**
 * Where task code called `api`: to be noted at once, since an outcome comes with none of its frames.
 * Of an error, and of nothing else, both engines keep the bare frames until somebody reads its stack;
 * to make text of them costs more than all else in a turn.
 */
export function calledFrom(api) {
  const at = new RealError();
  captureStackTrace(at, api);
  return at;
}

/** The error, as if it had been thrown there. */
export function thrownAt(at, error) {
  try {
    const stack = `${at.stack}`;
    const frames = apply(indexOf, stack, ["    at "]);
    if (frames >= 0) error.stack = `${error.name}: ${error.message}\n${apply(slice, stack, [frames])}`;
  } catch {
    // Task code may do anything to stacks: then the error keeps its own.
  }
  return error;
}

/** `options`: { retry, timeoutMs, idempotencyKey }. */
export function callHostTool(service, path, args, options) {
  const at = calledFrom(callHostTool);
  const promise = new RealPromise((resolve, reject) => {
    const failed = (error) => reject(thrownAt(at, error));
    begin({ resolve, reject: failed }, { service, path, args, options });
  });
  // A call whose result nobody awaits may fail without failing the task.
  apply(then, promise, [undefined, ignore]);
  return promise;
}

/** A call that can be given up: what becomes of it no longer matters then. Throws if it cannot be made. */
export function startCall(service, path, args, options) {
  const call = {};
  const promise = new RealPromise((resolve, reject) => {
    call.resolve = resolve;
    call.reject = reject;
  });
  const seq = begin(call, { service, path, args, options });
  const abandon = () => {
    if (open[seq] !== call) return;
    delete open[seq];
    op_task_clear(seq);
  };
  return { promise, abandon };
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
