// What a browser asks before it lets a page call.
import { check, equal, holds } from "./harness.mjs";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const SENT = "apikey,authorization,content-type,x-client-info,x-region,traceparent,x-retry-count";

export async function cors(url, keys) {
  const ask = (path, headers) => fetch(`${url}${path}`, { method: "OPTIONS", headers });
  const list = (response, name) =>
    (response.headers.get(name) ?? "").split(",").map((word) => word.trim());
  for (const path of ["/functions/v1/tasks/execute", "/tasks/execute", "/functions/v1/wrappedkeystore"]) {
    await check(`preflight of ${path}`, async () => {
      const response = await ask(path, {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": `${SENT},x-not-invented-yet`,
      });
      holds([200, 204].includes(response.status), `status ${response.status}`);
      equal(response.headers.get("access-control-allow-origin"), "*", "allowed origin");
      const methods = list(response, "access-control-allow-methods");
      holds(METHODS.every((method) => methods.includes(method)), `methods ${methods}`);
      const headers = list(response, "access-control-allow-headers");
      const missing = `${SENT},x-not-invented-yet`.split(",").filter((name) => !headers.includes(name));
      equal(missing, [], "headers that are not allowed");
    });
  }
  await check("OPTIONS without an origin", async () => {
    const response = await ask("/functions/v1/tasks", {});
    holds(METHODS.every((m) => list(response, "access-control-allow-methods").includes(m)), "methods are missing");
  });
  const answers = { 400: keys.secret, 401: undefined, 403: keys.publishable };
  for (const [status, apikey] of Object.entries(answers)) {
    await check(`a page can read a ${status}`, async () => {
      const path = status === "400" ? "tasks/execute" : "tasks/publish";
      const headers = { origin: "https://app.example", ...(apikey && { apikey }) };
      const response = await fetch(`${url}/functions/v1/${path}`, { method: "POST", headers, body: "{}" });
      equal(String(response.status), status, "status");
      equal(response.headers.get("access-control-allow-origin"), "*", "allowed origin");
      const exposed = list(response, "access-control-expose-headers");
      holds(exposed.includes("sb-error-code") && exposed.includes("x-relay-error"), `exposed ${exposed}`);
    });
  }
}
