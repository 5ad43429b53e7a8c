// console: formatted lines into the run's log.
import { op_task_log } from "ext:core/ops";

const RealError = Error;
const RealDate = Date;
const { stringify } = JSON;
const { keys } = Object;
const { isArray } = Array;
const MOST = 100;
const DEEPEST = 4;

function list(open, close, parts, left) {
  if (left > 0) parts.push(`... ${left} more`);
  return parts.length === 0 ? open + close : `${open} ${parts.join(", ")} ${close}`;
}

function several(values, show) {
  const parts = [];
  for (let i = 0; i < values.length && i < MOST; i++) parts.push(show(values[i]));
  return [parts, values.length - parts.length];
}

function object(value, depth, above) {
  if (value instanceof RealError) return value.stack || `${value}`;
  if (value instanceof RealDate) return value.toISOString();
  if (above.includes(value)) return "[Circular]";
  if (depth >= DEEPEST) return isArray(value) ? "[Array]" : "[Object]";
  const inside = [...above, value];
  const show = (v) => format(v, depth + 1, inside);
  if (isArray(value)) return list("[", "]", ...several(value, show));
  if (value instanceof Map) {
    return `Map(${value.size}) ` + list("{", "}", ...several([...value], ([k, v]) => `${show(k)} => ${show(v)}`));
  }
  if (value instanceof Set) return `Set(${value.size}) ` + list("{", "}", ...several([...value], show));
  return list("{", "}", ...several(keys(value), (k) => `${k}: ${show(value[k])}`));
}

function format(value, depth, above) {
  switch (typeof value) {
    case "string":
      return depth === 0 ? value : stringify(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return `[Function: ${value.name || "anonymous"}]`;
    case "object":
      return value === null ? "null" : object(value, depth, above);
    default:
      return String(value);
  }
}

function line(values) {
  try {
    return values.map((v) => format(v, 0, [])).join(" ");
  } catch {
    return "[unprintable]";
  }
}

const log = (level) => (...values) => op_task_log(level, line(values));
const counts = { __proto__: null };

export const console = {
  debug: log(0),
  trace: log(0),
  log: log(1),
  info: log(1),
  dir: log(1),
  table: log(1),
  group: log(1),
  groupEnd() {},
  warn: log(2),
  error: log(3),
  assert: (good, ...values) => {
    if (!good) op_task_log(3, line(["Assertion failed:", ...values]));
  },
  count: (label = "default") => op_task_log(1, `${label}: ${(counts[label] = (counts[label] ?? 0) + 1)}`),
  time() {},
  timeEnd() {},
  timeLog() {},
};
