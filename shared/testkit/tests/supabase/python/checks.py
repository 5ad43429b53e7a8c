"""PyPI's supabase_functions against a running tasker: keys on standard input, a line a check."""

import asyncio
import json
import sys
import time

from supabase_functions import AsyncFunctionsClient, FunctionRegion, SyncFunctionsClient
from supabase_functions.errors import FunctionsHttpError, FunctionsRelayError

given = json.load(sys.stdin)
keys = given["keys"]
failed = 0


def check(what, run):
    """Prints ok or FAIL, a tab, what was checked."""
    global failed
    try:
        run()
        print(f"ok\t{what}")
    except Exception as error:  # noqa: BLE001  a failed check must not stop the others
        failed += 1
        print(f"FAIL\t{what}: {type(error).__name__}: {error}")


def headers(key, user=None):
    """As supabase-py's client sends them."""
    return {"apiKey": key, "Authorization": f"Bearer {user or key}"}


def functions(key=keys["secret"], user=None, base=given["url"]):
    return SyncFunctionsClient(f"{base}/functions/v1", headers(key, user))


def echo(text):
    return {"task_identifier": "echo", "input": {"text": text}}


def invoke(client, name, **options):
    return client.invoke(name, {"responseType": "json", **options})


def ended(client, run):
    for _ in range(400):
        row = invoke(client, f"tasks/status/{run}?stack_runs=0", method="GET")
        if row["status"] == "completed":
            return row
        time.sleep(0.015)
    raise AssertionError("the run did not end")


def submits(client, text):
    answer = invoke(client, "tasks/execute", body=echo(text))
    row = ended(client, answer["data"]["result"]["taskRunId"])
    assert row["result"] == {"said": text}, row


def refused(status, words, run, kind=FunctionsHttpError):
    try:
        answer = run()
    except kind as error:
        assert error.status == status, f"status {error.status}: {error.message}"
        assert words in error.message, f"message: {error.message}"
        return
    raise AssertionError(f"no error, but {answer!r}")


async def asynchronously():
    client = AsyncFunctionsClient(f"{given['url']}/functions/v1", headers(keys["publishable"]))
    options = {"responseType": "json", "body": echo("async")}
    answer = await client.invoke("tasks/execute", options)
    assert answer["success"], answer


for name, client in {
    "publishable key": functions(keys["publishable"]),
    "secret key": functions(keys["secret"]),
    "legacy anon key": functions(keys["anon"]),
    "legacy service_role key": functions(keys["service_role"]),
    "user's token beside the publishable key": functions(keys["publishable"], keys["user"]),
}.items():
    check(f"submit and status: {name}", lambda: submits(client, name))
check("the asynchronous client", lambda: asyncio.run(asynchronously()))
check("body: text", lambda: invoke(functions(), "tasks/execute", body=json.dumps(echo("text"))))
check(
    "a region is accepted",
    lambda: invoke(functions(), "tasks/execute", body=echo("far"), region=FunctionRegion("us-east-1")),
)
check("body: none: 400 that says so", lambda: refused(400, "body is empty", lambda: invoke(functions(), "tasks/execute")))
check(
    "401 an unknown secret key",
    lambda: refused(401, "Invalid API key", lambda: invoke(functions("sb_secret_nobody_has_ever_made_this"), "tasks/execute", body=echo("x"))),
)
check(
    "401 an expired token",
    lambda: refused(401, "Invalid JWT", lambda: invoke(functions(keys["publishable"], keys["expired"]), "tasks/execute", body=echo("x"))),
)
check(
    "403 the publishable key at wrappedkeystore",
    lambda: refused(403, "service role", lambda: invoke(functions(keys["publishable"]), "wrappedkeystore", body={})),
)
check(
    "404 a task that does not exist",
    lambda: refused(404, "'none' not found", lambda: invoke(functions(), "tasks/execute", body={"task_identifier": "none"})),
)
check(
    "FunctionsRelayError: the gateway cannot reach the service",
    lambda: refused(502, "cannot be reached", lambda: invoke(functions(base=given["broken"]), "tasks/execute", body=echo("x")), FunctionsRelayError),
)
sys.exit(1 if failed else 0)
