import { request, target, type TargetOptions } from "./http.js";

/** A link of a recorded chain: a property that was read, or a method that was called. */
export type ChainStep = { type: "get"; property: string } | { type: "call"; property: string; args: unknown[] };

/** Settings of {@link createServiceProxy}. */
export interface ProxyOptions extends TargetOptions {
  /** Where tasker is, e.g. `http://127.0.0.1:54321`; `/api/proxy/<service>` follows. */
  baseUrl: string;
}

/**
 * Any path of properties and calls. Nothing is sent until a chain that ends in a call is awaited:
 * `await gapi.gmail.users.messages.list({ userId })`, `await db.from("t").select("*").eq("id", 1)`.
 */
export interface ServiceProxy<Result = any> {
  (...args: any[]): ServiceProxy<Result> & PromiseLike<Result>;
  /** `any`, so that a path reads the same under every setting of the compiler. */
  readonly [property: string]: any;
}

/**
 * An SDK of a wrapped service: records the chain of properties and calls and sends it when it is
 * awaited. Rejects with a `TaskerError` that says what the service said.
 */
export function createServiceProxy<Result = any>(service: string, options: ProxyOptions): ServiceProxy<Result> {
  const to = target(options.baseUrl, options);
  const run = async (chain: ChainStep[]) => {
    const answer = await request(to, "POST", `/api/proxy/${encodeURIComponent(service)}`, { chain }, { proxied: true });
    const data = (answer as { data?: unknown } | null)?.data;
    // A Supabase result keeps its own `data` beside `error`, `count` and `status`.
    const isResult = typeof answer === "object" && answer !== null && "error" in answer;
    return (data === undefined || isResult ? answer : data) as Result;
  };
  return link([], run);
}

function link<Result>(chain: ChainStep[], run: (chain: ChainStep[]) => Promise<Result>): ServiceProxy<Result> {
  const take = (property: string | symbol) => {
    if (typeof property === "symbol") return undefined;
    // A chain that called nothing is no promise: it may be passed around and returned freely.
    const called = chain.some((step) => step.type === "call");
    if (property === "then" && !called) return undefined;
    if (property === "then" || property === "catch" || property === "finally") {
      if (called) {
        const answer = () => run(chain);
        return (...handlers: never[]) => (answer() as any)[property](...handlers);
      }
    }
    return link([...chain, { type: "get", property }], run);
  };
  const call = (args: unknown[]) => {
    const last = chain.at(-1);
    if (last?.type !== "get") throw new TypeError("a service proxy is called through a method: proxy.method(...)");
    return link([...chain.slice(0, -1), { type: "call", property: last.property, args }], run);
  };
  return new Proxy(function () {} as unknown as ServiceProxy<Result>, {
    get: (_, property) => take(property),
    apply: (_, __, args) => call(args),
  });
}
