/**
 * Client of tasker. Runs wherever there is `fetch`: Node 20 and newer, Deno, Bun, browsers.
 *
 * - {@link createClient}: submit tasks, watch runs, take their results.
 * - {@link createServiceProxy}: call a wrapped service as if it were the SDK behind it.
 * - {@link ServiceClient}: the same by dotted method names.
 */
export { createClient, Run, TaskerClient } from "./client.js";
export type { ClientOptions, LogLine, Progress, RunState, RunStatus, SubmitOptions, WatchOptions } from "./client.js";
export { TaskerError, TaskFailedError } from "./errors.js";
export { createServiceProxy } from "./proxy.js";
export type { ChainStep, ProxyOptions, ServiceProxy } from "./proxy.js";
export { ServiceClient } from "./service-client.js";
export type { ServiceClientOptions } from "./service-client.js";
