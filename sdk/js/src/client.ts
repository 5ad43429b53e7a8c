import { TaskFailedError, TaskerError } from "./errors.js";
import { request, target, type Target, type TargetOptions } from "./http.js";

/** Settings of {@link createClient}. */
export interface ClientOptions extends TargetOptions {
  /** Where tasker, or the Supabase gateway before it, is: `http://127.0.0.1:54321`. */
  baseUrl: string;
}

/** What a submission may ask for. */
export interface SubmitOptions {
  /** The same key with the same task and input is the same run, however often it is submitted. */
  idempotencyKey?: string;
  /** The run fails with `RunTimeout` unless it ends within so many milliseconds. */
  timeoutMs?: number;
}

/** States of a run, in the words of the database. */
export type RunStatus = "pending" | "processing" | "completed" | "failed" | "cancelled";

/** How far a run has come. */
export interface Progress {
  /** Host calls made so far. */
  calls: number;
  /** The call it waits for, e.g. `wrappedgapi.gmail.users.messages.get`. */
  waiting_on: string | null;
  /** That call's own state; `needs_attention` waits for a person. */
  waiting_status: string | null;
}

/** A run as `GET tasks/status/<id>` answers it. */
export interface RunState<Result = unknown> {
  id: number;
  task_name: string;
  status: RunStatus;
  input: unknown;
  result: Result | null;
  error: { name: string; message: string; stack?: string; status?: number; details?: unknown } | null;
  progress?: Progress;
  created_at: string;
  updated_at: string;
  ended_at: string | null;
}

/** A line that task code printed. */
export interface LogLine {
  level: string;
  message: string;
}

/** How {@link Run.watch} looks. */
export interface WatchOptions {
  /** Longest pause between two looks, milliseconds (2000). The first pauses are shorter. */
  maxPauseMs?: number;
  /** Stops watching; the run goes on. */
  signal?: AbortSignal;
}

const ENDED: readonly string[] = ["completed", "failed", "cancelled"];
const FIRST_PAUSE_MS = 50;
const FUNCTIONS = "/functions/v1/tasks";

/** A client of the `tasks` service. */
export function createClient(options: ClientOptions): TaskerClient {
  return new TaskerClient(options);
}

/** Submits runs and looks after them. */
export class TaskerClient {
  readonly #to: Target;

  constructor(options: ClientOptions) {
    this.#to = target(options.baseUrl, options);
  }

  /** Submits a run of a published task. Answers as soon as it is on record. */
  async submit<Result = unknown>(task: string, input: unknown = {}, options: SubmitOptions = {}): Promise<Run<Result>> {
    const body = { task_identifier: task, input, ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }) };
    const headers: Record<string, string> = options.idempotencyKey === undefined ? {} : { "idempotency-key": options.idempotencyKey };
    const answer = (await request(this.#to, "POST", `${FUNCTIONS}/execute`, body, { headers })) as { data?: { result?: { taskRunId?: unknown } } } | null;
    const id = answer?.data?.result?.taskRunId;
    if (typeof id !== "number") throw new TaskerError("the answer names no run: is this tasker?", { status: 200, body: answer });
    return this.run<Result>(id);
  }

  /** Submits, waits for the end, answers the result. */
  async execute<Result = unknown>(task: string, input: unknown = {}, options: SubmitOptions = {}): Promise<Result> {
    return (await this.submit<Result>(task, input, options)).result();
  }

  /** A run that was submitted before. */
  run<Result = unknown>(id: number): Run<Result> {
    return new Run<Result>(this.#to, id);
  }

  /** Publishes task code under a name; needs the service role's key. */
  async publish(name: string, code: string, description?: string): Promise<void> {
    await request(this.#to, "POST", `${FUNCTIONS}/publish`, { name, code, ...(description === undefined ? {} : { description }) });
  }
}

/** One run. */
export class Run<Result = unknown> {
  readonly #to: Target;
  /** Its id. */
  readonly id: number;

  constructor(to: Target, id: number) {
    this.#to = to;
    this.id = id;
  }

  /** How it does now. */
  async status(signal?: AbortSignal): Promise<RunState<Result>> {
    return (await request(this.#to, "GET", `${FUNCTIONS}/status/${this.id}?limit=1`, undefined, { signal })) as RunState<Result>;
  }

  /** Each change of it, its end last: `for await (const state of run.watch()) ...`. */
  async *watch(options: WatchOptions = {}): AsyncGenerator<RunState<Result>, void, void> {
    const longest = options.maxPauseMs ?? 2_000;
    let pause = FIRST_PAUSE_MS;
    let seen = "";
    for (;;) {
      const state = await this.#patiently(options.signal);
      const now = JSON.stringify([state.status, state.progress]);
      if (now !== seen) {
        pause = FIRST_PAUSE_MS;
        seen = now;
        yield state;
      }
      if (ENDED.includes(state.status)) return;
      await sleep(pause, options.signal);
      pause = Math.min(pause * 2, longest);
    }
  }

  /** Waits for its end. Rejects with a {@link TaskFailedError} if it failed or was cancelled. */
  async result(options: WatchOptions = {}): Promise<Result> {
    let last: RunState<Result> | undefined;
    for await (const state of this.watch(options)) last = state;
    if (last?.status !== "completed") throw new TaskFailedError(this.id, last?.status ?? "failed", last?.error ?? null);
    return last.result as Result;
  }

  /** What it printed, oldest first; needs the service role's key. */
  async logs(limit = 200): Promise<LogLine[]> {
    const answer = (await request(this.#to, "GET", `${FUNCTIONS}/logs?task_id=${this.id}&limit=${limit}`)) as { data?: { logs?: LogLine[] } } | null;
    return answer?.data?.logs ?? [];
  }

  /** Ends it, with the runs that its calls became; needs the service role's key. */
  async cancel(): Promise<void> {
    await request(this.#to, "POST", `${FUNCTIONS}/cancel`, { taskRunId: this.id });
  }

  /** A server that restarts is waited for: the run is not lost with it. */
  async #patiently(signal?: AbortSignal): Promise<RunState<Result>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.status(signal);
      } catch (error) {
        const passing = error instanceof TaskerError && (error.status === 0 || error.status === 429 || error.status >= 502);
        if (!passing || attempt >= 8) throw error;
        await sleep(error.retryAfter === undefined ? Math.min(100 * 2 ** attempt, 5_000) : error.retryAfter * 1_000, signal);
      }
    }
  }
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
