// Runs checks one by one and prints a line for each: ok or FAIL, a tab, what was checked.
import { readFileSync } from "node:fs";

/** Where tasker is, and the keys: on standard input, for they belong on no command line. */
export const given = JSON.parse(readFileSync(0, "utf8"));

let failed = 0;

export async function check(what, run) {
  try {
    await run();
    console.log(`ok\t${what}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL\t${what}: ${error?.message ?? error}`);
  }
}

export function finish() {
  process.exit(failed === 0 ? 0 : 1);
}

export function equal(found, wanted, what = "value") {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what} is ${a}, not ${b}`);
}

export function holds(condition, what) {
  if (!condition) throw new Error(what);
}

/** The error's class, the status and the body of an answer that must have been refused. */
export async function refused(answer, name, status) {
  const { data, error } = await answer;
  holds(error, `no error, but ${JSON.stringify(data)}`);
  equal(error.name, name, "error class");
  if (name !== "FunctionsHttpError") return {};
  equal(error.context.status, status, "status");
  equal(error.context.headers.get("content-type"), "application/json", "content type");
  equal(error.context.headers.get("access-control-allow-origin"), "*", "CORS header");
  const body = await error.context.json();
  equal(typeof body.error, "string", "type of the body's error");
  return { body, headers: error.context.headers };
}
