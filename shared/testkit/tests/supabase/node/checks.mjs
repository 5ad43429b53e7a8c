// supabase-js against a running tasker. The module to test is named on the command line.
import * as functionsJs from "@supabase/functions-js";
import { check, equal, finish, given, holds, refused } from "./harness.mjs";
import { cors } from "./cors.mjs";
import { encodings } from "./encodings.mjs";

const { createClient, FunctionRegion } = await import(process.argv[2]);
const { url, broken, dead, keys } = given;
const realtime = {};
if (typeof WebSocket === "undefined") realtime.transport = (await import("ws")).default;

/** A client as an application makes it. */
function client(key, options = {}, base = url) {
  return createClient(base, key, { auth: { persistSession: false }, realtime, ...options });
}

const echo = (text) => ({ task_identifier: "echo", input: { text } });

async function submit(supabase, text) {
  const { data, error } = await supabase.functions.invoke("tasks/execute", { body: echo(text) });
  if (error) throw new Error(`${error.name} ${await error.context?.text?.()}`);
  equal(data.success, true, "success");
  return data.data.result.taskRunId;
}

async function ended(supabase, id) {
  for (let i = 0; i < 400; i++) {
    const asked = { method: "GET" };
    const { data, error } = await supabase.functions.invoke(`tasks/status/${id}?stack_runs=0`, asked);
    if (error) throw new Error(`status: ${await error.context?.text?.()}`);
    if (data.status === "completed") return data;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  throw new Error("the run did not end");
}

// Keys and tokens: who signs in submits, and reads the result.
const callers = {
  "publishable key": client(keys.publishable),
  "secret key": client(keys.secret),
  "legacy anon key": client(keys.anon),
  "legacy service_role key": client(keys.service_role),
  "user's token beside the publishable key": client(keys.publishable, { accessToken: async () => keys.user }),
  "user's token beside the legacy anon key": client(keys.anon, { accessToken: async () => keys.user }),
};
for (const [who, supabase] of Object.entries(callers)) {
  await check(`submit and status: ${who}`, async () => {
    const row = await ended(supabase, await submit(supabase, who));
    equal(row.result, { said: who }, "result");
  });
}
await check("status?id=N keeps its query", async () => {
  const id = await submit(callers["secret key"], "query");
  const asked = { method: "GET" };
  const { data } = await callers["secret key"].functions.invoke(`tasks/status?id=${id}`, asked);
  equal(data.id, id, "id");
});

// Refusals: class, status, body, code.
const http = "FunctionsHttpError";
const coded = async (answer, status, code) => {
  const { body, headers } = await refused(answer, http, status);
  for (const name of ["code", "message", "msg", "error"]) {
    equal(typeof body[name], "string", `type of ${name}`);
  }
  equal([body.code, headers.get("sb-error-code")], [code, code], "code");
};
const invoke = (key, name, options) => client(key).functions.invoke(name, options);
await check("401 an unknown secret key", () =>
  coded(invoke("sb_secret_nobody_has_ever_made_this", "tasks/execute", { body: echo("x") }), 401, "INVALID_CREDENTIALS"));
await check("401 an expired token", () =>
  coded(client(keys.publishable, { accessToken: async () => keys.expired }).functions.invoke("tasks/execute", { body: echo("x") }), 401, "UNAUTHORIZED_LEGACY_JWT"));
await check("401 no token at all", () =>
  coded(new functionsJs.FunctionsClient(`${url}/functions/v1`).invoke("tasks/execute", { body: echo("x") }), 401, "UNAUTHORIZED_NO_AUTH_HEADER"));
for (const name of ["wrappedkeystore", "wrappedgapi", "wrappedsupabase", "deno-executor", "simple-stack-processor", "tasks/publish"]) {
  await check(`403 the publishable key at ${name}`, () =>
    coded(invoke(keys.publishable, name, { body: {} }), 403, "FORBIDDEN"));
}
await check("404 a function that does not exist", () =>
  coded(invoke(keys.secret, "no-such-function", { body: {} }), 404, "NOT_FOUND"));
await check("404 a task that does not exist", async () => {
  const { body } = await refused(invoke(keys.secret, "tasks/execute", { body: { task_identifier: "none" } }), http, 404);
  holds(body.error.includes("'none' not found"), body.error);
});
await check("405 PUT", () => refused(invoke(keys.secret, "tasks/execute", { method: "PUT", body: {} }), http, 405));
await check("FunctionsRelayError: the gateway cannot reach the service", async () =>
  refused(client(keys.secret, {}, broken).functions.invoke("tasks/execute", { body: echo("x") }), "FunctionsRelayError"));
await check("FunctionsFetchError: nobody listens", async () =>
  refused(client(keys.secret, {}, dead).functions.invoke("tasks/execute", { body: echo("x") }), "FunctionsFetchError"));
await check("a client that hangs up does no harm", async () => {
  const hangUp = new AbortController();
  const gone = invoke(keys.secret, "tasks/execute", { body: echo("gone"), signal: hangUp.signal });
  hangUp.abort();
  await refused(gone, "FunctionsFetchError");
  await submit(callers["secret key"], "still there");
});
await check("a region is accepted", async () => {
  const options = { body: echo("far"), region: FunctionRegion.UsEast1 };
  const { error } = await invoke(keys.secret, "tasks/execute", options);
  equal(error, null, "error");
});
await check("functions-js alone, with setAuth", async () => {
  const functions = new functionsJs.FunctionsClient(`${url}/functions/v1`, { headers: { apikey: keys.anon } });
  functions.setAuth(keys.user);
  const { data, error } = await functions.invoke("tasks/execute", { body: echo("alone") });
  equal([error, data?.success], [null, true], "answer");
});

await encodings(client(keys.secret).functions, ended.bind(null, callers["secret key"]));
await cors(url, keys);
finish();
