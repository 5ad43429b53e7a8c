import { TaskerError } from "./errors.js";

/** Where requests go, and what every one of them carries. */
export interface Target {
  /** Address without a slash at its end. */
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
}

/** Settings that every kind of client takes. */
export interface TargetOptions {
  /** Sent with every request. */
  headers?: Record<string, string>;
  /** A Supabase key (publishable, secret, anon or service role). */
  key?: string;
  /** Another `fetch`, for tests or proxies. */
  fetch?: typeof fetch;
}

export function target(baseUrl: string, options: TargetOptions): Target {
  const headers: Record<string, string> = { ...options.headers };
  if (options.key !== undefined) {
    headers["apikey"] = options.key;
    // Keys of the newer kind are no tokens and travel in `apikey` alone.
    if (!options.key.startsWith("sb_")) headers["authorization"] ??= `Bearer ${options.key}`;
  }
  const send: typeof fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
  return { baseUrl: baseUrl.replace(/\/+$/, ""), headers, fetch: send };
}

/** Sends a request and reads JSON; whatever is no success becomes a {@link TaskerError}. */
export async function request(
  to: Target,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
  more: { headers?: Record<string, string>; signal?: AbortSignal | undefined; proxied?: boolean } = {},
): Promise<unknown> {
  const headers: Record<string, string> = { ...to.headers, ...more.headers };
  const init: RequestInit = { method, headers };
  if (more.signal) init.signal = more.signal;
  if (body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await to.fetch(`${to.baseUrl}${path}`, init);
  } catch (cause) {
    if (more.signal?.aborted) throw more.signal.reason;
    throw new TaskerError(`no answer from ${to.baseUrl}: ${(cause as Error).message}`, { status: 0, cause });
  }
  const text = await response.text();
  const answer = parsed(text);
  if (!response.ok || (more.proxied && hasErrorObject(answer))) throw refusal(response, answer, text);
  return answer;
}

function parsed(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A proxied call may fail with `{ error: { message, ... } }`, whatever the status; a Supabase result's `error: null` is none. */
function hasErrorObject(answer: unknown): boolean {
  const record = answer as { error?: unknown; data?: unknown } | null;
  return typeof record === "object" && record !== null && typeof record.error === "object" && record.error !== null && !("data" in record);
}

function refusal(response: Response, answer: unknown, text: string): TaskerError {
  const record = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const inner = record["error"];
  const details = (typeof inner === "object" && inner !== null ? inner : record) as Record<string, unknown>;
  const said = [typeof inner === "string" ? inner : undefined, details["message"], record["message"], text].find((s) => typeof s === "string" && s !== "");
  const code = details["code"] ?? record["code"];
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new TaskerError(String(said ?? `HTTP error ${response.status}`), {
    status: typeof details["status"] === "number" ? details["status"] : response.status,
    code: typeof code === "string" ? code : undefined,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
    body: answer,
  });
}
