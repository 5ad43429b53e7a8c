// Compiled, never run: what users write must type-check.
import { createClient, createServiceProxy, ServiceClient, TaskFailedError, TaskerError, type RunState } from "../src/index.js";

const client = createClient({ baseUrl: "http://127.0.0.1:54321", key: "sb_publishable_x" });
const run = await client.submit<{ hello: string }>("hello-task", { name: "you" }, { idempotencyKey: "k", timeoutMs: 1000 });
for await (const state of run.watch({ maxPauseMs: 500 })) {
  const known: RunState<{ hello: string }> = state;
  if (known.status === "completed") known.result?.hello.toUpperCase();
  // @ts-expect-error there is no such state
  if (known.status === "done") break;
}
const hello: string = (await run.result()).hello;
await run.cancel();
const gapi = createServiceProxy("gapi", { baseUrl: "http://127.0.0.1:54321", headers: { "x-any": hello } });
const list = await gapi.gmail.users.messages.list({ userId: "me" });
const rows = await createServiceProxy<{ data: number[] }>("database", { baseUrl: "x" }).from("t").select("*").eq("id", 1);
rows.data.map((n: number) => n + 1);
await new ServiceClient({ type: "http", baseUrl: "x", authToken: "t" }).call<{ users: unknown[] }>("gapi", "admin.users.list", [{}]);
export const caught = (e: unknown) => (e instanceof TaskFailedError ? e.taskRunId : e instanceof TaskerError ? e.status : list);
