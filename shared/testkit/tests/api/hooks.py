"""What schemathesis checks beside its own checks."""

import schemathesis


@schemathesis.check
def no_fault_of_ours(ctx, response, case):
    """No 5xx.

    But for one: deno-executor answers 500 with the error's name when the task that it was given
    throws, as the original does.
    """
    if response.status_code < 500:
        return
    body = response.json() if "json" in response.headers.get("content-type", [""])[0] else {}
    thrown = body.get("status") == "error" and body.get("details", {}).get("name")
    if response.status_code == 500 and thrown and "deno-executor" in response.request.url:
        return
    raise AssertionError(f"{response.status_code} {body}")


@schemathesis.check
def errors_have_their_text(ctx, response, case):
    """Every refusal says why, in JSON, where every client looks for it."""
    if 400 <= response.status_code < 600 and case.method != "HEAD":
        kind = response.headers.get("content-type", ["nothing"])[0]
        assert kind == "application/json", f"{response.status_code} comes as {kind}"
        assert response.json().get("error"), f"{response.status_code} without `error`"
    assert response.headers.get("access-control-allow-origin") == ["*"], "no CORS header"
