/** A request that tasker or a wrapped service refused, or that got no answer. */
export class TaskerError extends Error {
  override readonly name: string = "TaskerError";
  /** HTTP status; 0 if no answer came. */
  readonly status: number;
  /** Machine-readable reason, e.g. `NOT_FOUND`, where the server gave one. */
  readonly code: string | undefined;
  /** Seconds after which another try makes sense, where the server said so. */
  readonly retryAfter: number | undefined;
  /** The answer's body, parsed if it was JSON. */
  readonly body: unknown;

  constructor(message: string, about: { status: number; code?: string | undefined; retryAfter?: number | undefined; body?: unknown; cause?: unknown }) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.status = about.status;
    this.code = about.code;
    this.retryAfter = about.retryAfter;
    this.body = about.body;
  }
}

/** A run that ended without a result: it failed, or it was cancelled. */
export class TaskFailedError extends Error {
  override readonly name: string = "TaskFailedError";
  /** The run. */
  readonly taskRunId: number;
  /** `failed` or `cancelled`. */
  readonly status: string;
  /** The error as the run recorded it: name, message, stack, and what the service said. */
  readonly error: unknown;

  constructor(taskRunId: number, status: string, error: unknown) {
    const said = (error as { message?: unknown } | null)?.message;
    super(`run ${taskRunId} ${status === "cancelled" ? "was cancelled" : `failed: ${String(said ?? "no reason on record")}`}`);
    this.taskRunId = taskRunId;
    this.status = status;
    this.error = error;
  }
}
