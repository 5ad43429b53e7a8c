// A clock and a random source that give the same values when a run is replayed: the time is that
// of the last outcome delivered, the seed belongs to the run.
const RealDate = Date;
const { construct } = Reflect;
const HEX = "0123456789abcdef";

let now = 0;
const state = new Uint32Array(4);

export function setNow(ms) {
  if (ms > now) now = ms;
}

/** 32 random bits: xoshiro128**. */
function next() {
  const s = state;
  const five = Math.imul(s[1], 5);
  const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0;
  const shifted = s[1] << 9;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = (s[3] << 11) | (s[3] >>> 21);
  return result;
}

export function seed(a, b, startMs) {
  state.set([a, b, a ^ 0x9e3779b9, b ^ 0x85ebca6b]);
  if (state.every((x) => x === 0)) state[0] = 1;
  for (let i = 0; i < 16; i++) next();
  now = startMs;
}

export function random() {
  return (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
}

export const TaskDate = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    construct(target, args.length === 0 ? [now] : args, newTarget === TaskDate ? target : newTarget),
  apply: () => new RealDate(now).toString(),
  get: (target, key) => (key === "now" ? dateNow : target[key]),
});
function dateNow() {
  return now;
}

export const performance = Object.freeze({ now: () => now, timeOrigin: 0, mark() {}, measure() {} });

export const crypto = Object.freeze({
  getRandomValues(array) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = next() >>> 24;
    return array;
  },
  randomUUID() {
    let text = "";
    for (let i = 0; i < 32; i++) {
      let digit = next() >>> 28;
      if (i === 12) digit = 4;
      if (i === 16) digit = (digit & 3) | 8;
      text += (i === 8 || i === 12 || i === 16 || i === 20 ? "-" : "") + HEX[digit];
    }
    return text;
  },
});
