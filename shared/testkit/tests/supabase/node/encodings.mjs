// Every body that functions-js can send.
import { check, equal, holds, refused } from "./harness.mjs";

export async function encodings(functions, ended) {
  const text = JSON.stringify({ task_identifier: "echo", input: { text: "ö ☃ 𝄞" } });
  const bytes = new TextEncoder().encode(text).buffer;
  const taken = {
    "an object": { body: JSON.parse(text) },
    "a string (text/plain)": { body: text },
    "a Blob": { body: new Blob([text]) },
    "an ArrayBuffer": { body: bytes },
    "an object under the caller's own content type": {
      body: JSON.parse(text),
      headers: { "content-type": "application/vnd.api+json" },
    },
    "a string as application/json; charset=utf-8": {
      body: text,
      headers: { "Content-Type": "application/json; charset=utf-8" },
    },
  };
  if (typeof File !== "undefined") taken["a File"] = { body: new File([text], "task.json") };
  for (const [what, options] of Object.entries(taken)) {
    await check(`body: ${what}`, async () => {
      const { data, error } = await functions.invoke("tasks/execute", options);
      if (error) throw new Error(`${error.name} ${await error.context?.text?.()}`);
      const row = await ended(data.data.result.taskRunId);
      equal(row.result, { said: "ö ☃ 𝄞" }, "result");
    });
  }
  const form = new FormData();
  form.append("task_identifier", "echo");
  const notTaken = {
    "a form (multipart)": form,
    "none": undefined,
    "an empty string": "",
    "zero": 0,
    "false": false,
    "an array": [1, 2],
    "text that is no JSON": "task_identifier=echo",
    "bytes that are no text": new Uint8Array([0xff, 0xfe, 0x00]).buffer,
  };
  for (const [what, body] of Object.entries(notTaken)) {
    await check(`body: ${what}: 400 that says so`, async () => {
      const { body: said } = await refused(functions.invoke("tasks/execute", { body }), "FunctionsHttpError", 400);
      holds(/JSON|body|column|expected/i.test(said.error), said.error);
    });
  }
  await check("body: none with GET", async () => {
    const { data, error } = await functions.invoke("tasks/list", { method: "GET" });
    equal([error, data?.success], [null, true], "answer");
  });
}
