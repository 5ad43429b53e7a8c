// One script for every runtime: prints a line a check, the same wherever it runs.
import { createClient, createServiceProxy, ServiceClient, TaskFailedError, TaskerError } from "../dist/index.js";

const [baseUrl, label] = globalThis.Deno ? Deno.args : process.argv.slice(2);
const say = (what, value) => console.log(`${what}: ${JSON.stringify(value)}`);
const refused = (promise) => promise.then(() => "resolved", (e) => e);

const client = createClient({ baseUrl });
await client.publish("sdk-sum", "module.exports = async ({ n }) => { let sum = 0; for (let i = 0; i < n; i++) sum += (await __callHostTool__('gapi', 'echo', [i])).echo; console.log('summed', n); return { sum }; };");
await client.publish("sdk-throws", "module.exports = async () => { throw new RangeError('out of it'); };");
await client.publish("sdk-sleeps", "module.exports = async () => { await new Promise((r) => setTimeout(r, 600000)); };");

say("execute", await client.execute("sdk-sum", { n: 5 }));
const run = await client.submit("sdk-sum", { n: 30 });
let last;
let updates = 0;
for await (const state of run.watch()) {
  last = state;
  updates += 1;
}
say("watched to the end", [last.status, last.result, updates >= 1, last.progress.calls]);
say("log", (await run.logs()).map((l) => l.message ?? l));
const key = `${label}-${Math.random()}`;
const twice = await Promise.all([0, 1].map(() => client.submit("sdk-sum", { n: 1 }, { idempotencyKey: key })));
say("same key, same run", twice[0].id === twice[1].id);
const other = await refused(client.submit("sdk-sum", { n: 2 }, { idempotencyKey: key }));
say("same key, other input", [other instanceof TaskerError, other.status]);

const failed = await refused(client.execute("sdk-throws"));
say("failed", [failed instanceof TaskFailedError, failed.status, failed.error.name, failed.message.includes("out of it")]);
const unknown = await refused(client.submit("sdk-nobody"));
say("unknown task", [unknown instanceof TaskerError, unknown.status, unknown.message.includes("sdk-nobody")]);
const sleeping = await client.submit("sdk-sleeps");
await sleeping.cancel();
const cancelled = await refused(sleeping.result());
say("cancelled", [cancelled instanceof TaskFailedError, cancelled.status]);
const stop = new AbortController();
setTimeout(() => stop.abort(new Error("enough")), 100);
const forever = await client.submit("sdk-sleeps");
say("aborted watch", (await refused(forever.result({ signal: stop.signal }))).message);
await forever.cancel();
say("nobody there", (await refused(createClient({ baseUrl: "http://127.0.0.1:9" }).submit("x"))).status);

const gapi = createServiceProxy("gapi", { baseUrl });
say("proxy", await gapi.echo({ deep: [1, null, "é\u0000"] }));
say("proxy error", await refused(gapi.nothing.at.all()).then((e) => [e instanceof TaskerError, e.status]));
say("proxy is no promise", typeof gapi.gmail.users.then);
const keystore = createServiceProxy("keystore", { baseUrl });
await keystore.setKey(label, "SDK", "a value");
say("keystore", await keystore.getKey(label, "SDK"));
const database = createServiceProxy("database", { baseUrl });
const { data, error } = await database.from("task_functions").select("name").eq("name", "sdk-sum").single();
say("database", [data, error]);
const services = new ServiceClient({ type: "http", baseUrl });
say("service client", [await services.call("gapi", "echo", [7]), await services.call("gapi", ["echo"], ["x"])]);
say("done", true);
