//! The service's OpenAPI document.

mod flows;

use serde_json::{Value, json};
use tasker_core::Status;
use tasker_http::openapi::{Document, Operation, enveloped, health, named, object};

/// What the service offers.
pub fn document() -> Document {
    let about = "Accepts tasks, answers how they do, and lets people act on runs.";
    let document = Document::new("tasks", about, env!("CARGO_PKG_VERSION"));
    flows::flows(control(publishing(listing(reading(submitting(document))))))
        .schema("Status", json!({ "type": "string", "enum": Status::ALL.map(Status::as_str) }))
        .schema("Run", run())
        .schema("StackRun", stack_run())
}

fn id() -> Value {
    json!({ "type": "integer", "format": "int64", "minimum": 1 })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn submitting(document: Document) -> Document {
    let timeout =
        json!({ "type": ["integer", "null"], "minimum": 1, "maximum": 315_576_000_000_i64 });
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
    let body = object(
        &["task_identifier"],
        json!({
            "task_identifier": { "type": "string", "minLength": 1, "description": "Name of the task" },
            "input": { "description": "What the task is given; {} unless sent" },
            "idempotencyKey": { "type": ["string", "null"], "minLength": 1, "maxLength": 255 },
            "timeoutMs": timeout,
        }),
    );
    let made = enveloped(object(
        &["result", "task_identifier"],
        json!({
            "task_identifier": text(),
            "result": object(
                &["taskRunId", "status"],
                json!({ "taskRunId": id(), "status": { "const": "submitted" }, "message": text() }),
            ),
        }),
    ));
    let submit = Operation::new("Submit a task")
        .about("Makes a run and answers at once. The same key, task and input are one run.")
        .header("Idempotency-Key", key, "Makes repeating the request safe")
        .body(body)
        .answers(200, "The run is made", made)
        .refuses(&[
            (400, "A field is missing or wrong; the error names it"),
            (404, "No such task"),
            (409, "The lease that was sent is not held any more"),
            (422, "The idempotency key was used for another task or input"),
            (429, "Too many runs are open; Retry-After says when to come back"),
        ]);
    document.post("/execute", submit.clone()).post("/", submit)
}

const BAD_PARAMETER: (u16, &str) = (400, "A parameter is wrong; the error names it");
const NO_SUCH_RUN: (u16, &str) = (404, "No such run");

fn limit(most: u32) -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": most })
}

fn reading(document: Document) -> Document {
    let status = |operation: Operation| {
        operation
            .query("limit", limit(1000), "Rows of the stack [200]")
            .query("after", limit(u32::MAX), "Rows after this id: `next_after` of the page before")
            .query("stack_runs", json!({ "enum": ["0", "1"] }), "0 leaves the rows out")
            .refuses(&[BAD_PARAMETER, NO_SUCH_RUN])
    };
    document
        .get("/", Operation::new("What the service is").open().answers(200, "Its routes", index()))
        .get("/health", health())
        .get(
            "/status/{id}",
            status(Operation::new("A run and a page of its calls").path("id", id(), "The run"))
                .answers(200, "The run", named("Run")),
        )
        .get(
            "/status",
            status(Operation::new("A run by ?id=, or else the newest runs"))
                .query("id", id(), "The run")
                .answers(200, "The run, or the newest runs", json!({ "type": "object" })),
        )
        .get(
            "/logs",
            Operation::new("What a run printed")
                .query("task_id", id(), "The run: lines with level and time")
                .query("id", id(), "The run: plain lines, as the older generation reads them")
                .query("limit", limit(10_000), "Newest lines [50]")
                .answers(200, "Lines, oldest first", json!({ "type": "object" }))
                .refuses(&[BAD_PARAMETER, NO_SUCH_RUN]),
        )
}

fn listing(document: Document) -> Document {
    let list = |name: &str, entry: Value| {
        enveloped(object(&[name], json!({ name: { "type": "array", "items": entry } })))
    };
    let status_word = named("Status");
    document
        .get(
            "/list",
            Operation::new("Published tasks")
                .query("type", json!({ "enum": ["basic", "special", "database"] }), "Kind of task")
                .answers(200, "Tasks", list("tasks", object(&["name"], json!({ "name": text() }))))
                .refuses(&[BAD_PARAMETER]),
        )
        .get(
            "/runs",
            Operation::new("Newest runs, without their results")
                .query("status", status_word, "Only runs in this state")
                .query("task", text(), "Only runs of this task")
                .query("limit", limit(500), "Most runs [20]")
                .answers(200, "Runs", list("runs", object(&["id"], json!({ "id": id() }))))
                .refuses(&[BAD_PARAMETER]),
        )
        .get(
            "/attention",
            Operation::new("Calls whose outcome is unknown, for a person to decide")
                .query("limit", limit(500), "Most calls [50]")
                .answers(200, "Calls", list("calls", json!({ "type": "object" })))
                .refuses(&[BAD_PARAMETER]),
        )
}

fn publishing(document: Document) -> Document {
    let name = json!({ "type": "string", "pattern": "^[A-Za-z0-9_./-]{1,255}$" });
    let body = object(
        &["name", "code"],
        json!({
            "name": name, "code": { "type": "string", "minLength": 1, "maxLength": 1 << 20 },
            "description": { "type": ["string", "null"] },
        }),
    );
    let made = object(
        &["name", "version", "created"],
        json!({ "name": text(), "version": id(), "created": { "type": "boolean" } }),
    );
    let formats = json!({ "enum": ["json", "openapi", "openai"] });
    document
        .post(
            "/publish",
            Operation::new("Publish a task, or a new version of it")
                .body(body)
                .answers(200, "Published", enveloped(made))
                .refuses(&[
                    (400, "A field is missing or wrong; the error names it"),
                    (413, "More code than a task may have"),
                    (422, "Code that does not compile; `errors` says where"),
                ]),
        )
        .get(
            "/schema",
            Operation::new("What tasks take and return, from their JSDoc")
                .query("task", text(), "Only this task")
                .query(
                    "format",
                    formats,
                    "JSON Schema, an OpenAPI document, or tools of OpenAI's API",
                )
                .answers(200, "The schema", enveloped(json!({ "type": "object" })))
                .refuses(&[(400, "A parameter is wrong"), (404, "No such task")]),
        )
}

fn control(document: Document) -> Document {
    let errors = [
        (400, "A field is missing or wrong; the error names it"),
        (404, "No such run"),
        (409, "The run is in another state; `status` has it"),
    ];
    let one = || object(&["taskRunId"], json!({ "taskRunId": id() }));
    let done = enveloped(object(&["taskRunId"], json!({ "taskRunId": id() })));
    let act = |summary: &str, body: Value| {
        Operation::new(summary).body(body).answers(200, "Done", done.clone()).refuses(&errors)
    };
    let again = object(
        &["taskRunId"],
        json!({
            "taskRunId": id(),
            "newestCode": { "type": ["boolean", "null"], "description": "Take the newest version" },
            "timeoutMs": { "type": ["integer", "null"], "minimum": 1 },
        }),
    );
    let settle = object(
        &["stackRunId", "resolution"],
        json!({
            "stackRunId": id(),
            "resolution": { "enum": ["completed", "retry", "failed"] },
            "result": { "description": "With completed: what the call answered" },
            "error": { "type": ["string", "object", "null"], "description": "With failed" },
        }),
    );
    let settled = enveloped(object(&["stackRunId"], json!({ "stackRunId": id() })));
    let newer = object(
        &[],
        json!({
            "taskRunId": id(),
            "task_identifier": { "type": "string", "description": "Instead: all its open runs" },
            "dryRun": { "type": "boolean", "description": "Only say whether they could be moved" },
        }),
    );
    let moved = enveloped(json!({ "type": "object" }));
    document
        .post(
            "/upgrade",
            Operation::new("Let open runs go on on the newest version of their code")
                .body(newer)
                .answers(200, "What became of each", moved)
                .refuses(&errors)
                .refuses(&[(503, "The executor cannot be reached")]),
        )
        .post("/cancel", act("End a run, and those its calls became", one()))
        .post("/pause", act("Let a run stop at its next quiet point", one()))
        .post("/resume", act("Let a paused run go on", one()))
        .post("/retry", act("Let a failed or cancelled run go on from its last failed step", again))
        .post(
            "/resolve",
            Operation::new("Say what became of a call that needs attention")
                .body(settle)
                .answers(200, "Done", settled)
                .refuses(&errors),
        )
}

fn index() -> Value {
    let list = json!({ "type": "array", "items": text() });
    object(&["service"], json!({ "service": text(), "version": text(), "endpoints": list }))
}

fn run() -> Value {
    object(
        &["id", "task_name", "status", "calls", "created_at"],
        json!({
            "id": id(), "task_name": text(), "status": named("Status"),
            "version": { "type": ["integer", "null"] },
            "input": {}, "result": {}, "error": {},
            "calls": { "type": "integer", "minimum": 0 },
            "created_at": text(), "updated_at": text(),
            "ended_at": { "type": ["string", "null"] },
            "stack_runs": { "type": "array", "items": named("StackRun") },
            "next_after": { "type": "integer" },
        }),
    )
}

fn stack_run() -> Value {
    object(
        &["id", "kind", "service_name", "method_name", "status"],
        json!({
            "id": id(), "kind": { "enum": ["task", "call", "timer"] }, "status": named("Status"),
            "seq": { "type": "integer", "minimum": 0 },
            "service_name": text(), "method_name": text(), "args": {}, "result": {}, "error": {},
        }),
    )
}
