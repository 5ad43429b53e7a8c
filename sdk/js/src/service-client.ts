import { request, target, type Target, type TargetOptions } from "./http.js";

/** Settings of a {@link ServiceClient}. */
export interface ServiceClientOptions extends TargetOptions {
  /** Services are called over HTTP. */
  type?: "http";
  /** Where tasker is. */
  baseUrl?: string;
  /** A bearer token, where `key` is not used. */
  authToken?: string;
}

/** Calls a wrapped service by a dotted method name. */
export class ServiceClient {
  readonly #to: Target;

  constructor(options: ServiceClientOptions = {}) {
    const headers = { ...options.headers };
    if (options.authToken !== undefined) headers["authorization"] ??= `Bearer ${options.authToken}`;
    this.#to = target(options.baseUrl ?? "http://127.0.0.1:54321", { ...options, headers });
  }

  /**
   * `call("gapi", "gmail.users.messages.list", [{ userId: "me" }])`; answers the service's own
   * JSON. A method given as names, `["admin", "domains", "list"]`, is the same.
   */
  async call<Result = any>(service: string, method: string | string[], params: unknown[] = []): Promise<Result> {
    const names = typeof method === "string" ? method.split(".") : method;
    const chain = names.map((property, i) => (i === names.length - 1 ? { type: "call", property, args: params } : { type: "get", property }));
    const answer = await request(this.#to, "POST", `/api/proxy/${encodeURIComponent(service)}`, { chain }, { proxied: true });
    const record = answer as { data?: unknown; result?: unknown } | null;
    const isResult = typeof answer === "object" && answer !== null && "error" in answer;
    return (isResult ? answer : (record?.data ?? record?.result ?? record)) as Result;
  }
}
