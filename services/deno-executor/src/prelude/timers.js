// Durable timers: the host writes each one down, decides when it fires, and records that.
import { op_task_clear, op_task_timer } from "ext:core/ops";
import { peekSeq, takeSeq } from "ext:tasker_task/host.js";

const { apply } = Reflect;
const RealPromise = Promise;
const LONGEST = 366 * 86_400_000;

const byId = { __proto__: null };
const bySeq = { __proto__: null };
let nextId = 1;

function arm(id, timer) {
  op_task_timer(peekSeq(), timer.ms);
  const seq = takeSeq();
  timer.seq = seq;
  bySeq[seq] = id;
}

function add(callback, ms, args, repeats) {
  if (typeof callback !== "function") {
    throw new TypeError("the first argument of a timer must be a function");
  }
  ms = Math.floor(+ms);
  // NaN, negative and missing delays mean at once; a repeating timer advances at least 1 ms.
  ms = ms > 0 ? (ms < LONGEST ? ms : LONGEST) : 0;
  const id = nextId++;
  byId[id] = { callback, args, ms: repeats && ms === 0 ? 1 : ms, repeats, seq: -1 };
  arm(id, byId[id]);
  return id;
}

function clear(id) {
  const timer = byId[id];
  if (timer === undefined) return;
  delete byId[id];
  delete bySeq[timer.seq];
  op_task_clear(timer.seq);
}

/** Fires timer `seq`; one that was cleared after it fell due does nothing. */
export function fire(seq) {
  const id = bySeq[seq];
  if (id === undefined) return;
  delete bySeq[seq];
  const timer = byId[id];
  if (timer.repeats) arm(id, timer);
  else delete byId[id];
  apply(timer.callback, undefined, timer.args);
}

export const timers = {
  setTimeout: (callback, ms, ...args) => add(callback, ms, args, false),
  setInterval: (callback, ms, ...args) => add(callback, ms, args, true),
  setImmediate: (callback, ...args) => add(callback, 0, args, false),
  clearTimeout: clear,
  clearInterval: clear,
  clearImmediate: clear,
};

/** Like setTimeout, as a promise; for AbortSignal.timeout. */
export const sleep = (ms) => new RealPromise((resolve) => add(resolve, ms, [], false));
