// What fetch does, as a table of checks: the same text runs as a task and in a browser-grade
// implementation against the same two servers, and the outputs are compared one by one.
//
// `a` and `b` are two origins, `raw` answers what is no HTTP, and at `dead` nobody listens.

const text = (r) => r.text();
const echo = async (...args) => (await fetch(...args)).json();
const hex = (bytes) => Array.from(new Uint8Array(bytes), (x) => x.toString(16).padStart(2, "0")).join("");
const bytes = (n) => Uint8Array.from({ length: n }, (_, i) => i & 255);
const thrown = async (work) => {
  try {
    return { value: await work() };
  } catch (e) {
    return e instanceof Error || e instanceof DOMException ? e.name : `thrown: ${e}`;
  }
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const stream = (...chunks) => new ReadableStream({
  start(c) {
    for (const chunk of chunks) c.enqueue(chunk);
    c.close();
  },
});
const utf8 = (s) => new TextEncoder().encode(s);
const path = (url) => url.replace(/^https?:\/\/[^/]*/, "");

const sending = {
  "get": async ({ a }) => {
    const r = await fetch(`${a}/hello`);
    const before = r.bodyUsed;
    return [r.status, r.ok, r.statusText, r.redirected, path(r.url), before, await r.text(), r.bodyUsed];
  },
  "a URL object": async ({ a }) => text(await fetch(new URL("/hello", a))),
  "a Request": async ({ a }) => echo(new Request(`${a}/echo`, { method: "POST", body: "x" })),
  "a Request and init": async ({ a }) => echo(new Request(`${a}/echo`, { method: "POST", body: "x", headers: { "x-a": "1" } }), { headers: { "x-a": "2" } }),
  "a string": ({ a }) => echo(`${a}/echo`, { method: "POST", body: "h\u00e9llo \ud83d\ude00" }),
  "a lone surrogate": ({ a }) => echo(`${a}/echo`, { method: "POST", body: "a\ud800b" }),
  "a BOM": ({ a }) => echo(`${a}/echo`, { method: "POST", body: "\ufeffx" }),
  "JSON with a type": ({ a }) => echo(`${a}/echo`, { method: "POST", body: JSON.stringify({ a: 1 }), headers: { "Content-Type": "application/json" } }),
  "bytes": ({ a }) => echo(`${a}/echo`, { method: "POST", body: bytes(256) }),
  "a view with an offset": ({ a }) => echo(`${a}/echo`, { method: "PUT", body: new Uint16Array(bytes(16).buffer, 4, 3) }),
  "an ArrayBuffer": ({ a }) => echo(`${a}/echo`, { method: "PUT", body: bytes(5).buffer }),
  "URLSearchParams": ({ a }) => echo(`${a}/echo`, { method: "POST", body: new URLSearchParams({ q: "a b&c", z: "\u00e9" }) }),
  "a Blob": ({ a }) => echo(`${a}/echo`, { method: "POST", body: new Blob(["bl", bytes(3)], { type: "x/y" }) }),
  "a Blob without a type": ({ a }) => echo(`${a}/echo`, { method: "POST", body: new Blob(["b"]) }),
  "a stream": async ({ a }) => {
    const got = await echo(`${a}/echo`, { method: "POST", body: stream(utf8("one "), utf8("two")), duplex: "half" });
    return [got.method, got.body, got.type];
  },
  "a stream that fails": ({ a }) => thrown(() => echo(`${a}/echo`, { method: "POST", duplex: "half", body: new ReadableStream({ pull() { throw new RangeError("no"); } }) })),
  "a stream of strings": ({ a }) => thrown(() => echo(`${a}/echo`, { method: "POST", duplex: "half", body: stream("text") })),
  "a locked stream": ({ a }) => thrown(() => {
    const s = stream(utf8("x"));
    s.getReader();
    return fetch(`${a}/echo`, { method: "POST", duplex: "half", body: s });
  }),
  "a form": async ({ a }) => {
    const form = new FormData();
    form.append("plain", "one\ntwo");
    form.append('na"me\r\n', "q");
    form.append("file", new Blob([bytes(4)], { type: "a/b" }), 'f"1.bin');
    form.append("file", new File(["x"], "two.txt", { lastModified: 1 }));
    const r = await fetch(`${a}/mirror`, { method: "POST", body: form });
    const out = [];
    for (const [name, value] of await r.formData()) {
      out.push([name, typeof value === "string" ? value : [value.name, value.type, value.size, hex(await value.arrayBuffer())]]);
    }
    return [r.headers.get("content-type").replace(/=.*/, ""), out];
  },
  "the text of a form": async ({ a }) => {
    const form = new FormData();
    form.append("a", "1");
    form.append("b", new File(["x"], "n.txt", { type: "text/plain" }));
    const sent = await text(await fetch(`${a}/mirror`, { method: "POST", body: form }));
    return sent.replace(/^--.*$/gm, "--B").replace(/\r/g, "<CR>");
  },
  "methods": async ({ a }) => {
    const out = [];
    for (const method of ["get", "post", "Put", "delete", "options", "head", "PATCH", "patch", "QUERY", "M-SEARCH"]) {
      const r = await fetch(`${a}/method`, { method });
      out.push(r.headers.get("x-method"));
    }
    return out;
  },
  "no body after POST": async ({ a }) => (await echo(`${a}/echo`, { method: "POST" })).length,
  "an empty body": async ({ a }) => {
    const got = await echo(`${a}/echo`, { method: "POST", body: "" });
    return [got.length, got.type];
  },
  "GET has no length": async ({ a }) => (await echo(`${a}/echo`)).length,
  "headers are joined": async ({ a }) => {
    const headers = new Headers({ "X-Two": "1" });
    headers.append("x-two", "2");
    headers.append("X-Latin", "\u00e9\u00ff");
    return (await echo(`${a}/echo`, { headers })).headers;
  },
  "a header without a value": async ({ a }) => (await echo(`${a}/echo`, { headers: { "x-two": "" } })).headers,
  "accept is everything": async ({ a }) => (await echo(`${a}/echo`)).accept,
  "an accept of one's own": async ({ a }) => (await echo(`${a}/echo`, { headers: { accept: "x/y" } })).accept,
  "the query and the fragment": async ({ a }) => {
    const r = await fetch(`${a}/where?a=1&b=%20|"<\u00e9#frag`);
    return [await r.text(), path(r.url)];
  },
  "dots and spaces in the path": async ({ a }) => text(await fetch(`${a}/where/./x/../y z\\w`)),
  "hosts of another spelling": async ({ a }) => text(await fetch(a.replace("127.0.0.1", "0x7f.1") + "/hello")),
};

const receiving = {
  "bytes": async ({ a }) => hex(await (await fetch(`${a}/bytes?n=256`)).arrayBuffer()),
  "bytes()": async ({ a }) => {
    const got = await (await fetch(`${a}/bytes?n=300`)).bytes();
    return [got instanceof Uint8Array, got.length, got[299]];
  },
  "a Blob": async ({ a }) => {
    const got = await (await fetch(`${a}/bytes?n=10`)).blob();
    return [got.size, got.type, hex(await got.arrayBuffer())];
  },
  "a Blob's type": async ({ a }) => (await (await fetch(`${a}/typed`)).blob()).type,
  "a stream": async ({ a }) => {
    const r = await fetch(`${a}/bytes?n=100000`);
    let [n, sum] = [0, 0];
    for await (const chunk of r.body) {
      n += chunk.length;
      for (const x of chunk) sum += x;
    }
    return [n, sum, r.bodyUsed, r.body.locked];
  },
  "a stream into one's own buffer": async ({ a }) => {
    const reader = (await fetch(`${a}/bytes?n=10`)).body.getReader({ mode: "byob" });
    const first = await reader.read(new Uint8Array(4));
    const second = await reader.read(new Uint8Array(20));
    const last = await reader.read(new Uint8Array(1));
    return [hex(first.value), hex(second.value), last.done];
  },
  "a stream through a decoder": async ({ a }) => {
    let all = "";
    for await (const part of (await fetch(`${a}/utf8`)).body.pipeThrough(new TextDecoderStream())) all += part;
    return all;
  },
  "a stream with its reader": async ({ a }) => {
    const r = await fetch(`${a}/bytes?n=100000`);
    const reader = r.body.getReader();
    const locked = [r.body.locked, r.bodyUsed];
    let n = 0;
    for (let part; !(part = await reader.read()).done; ) n += part.value.length;
    await reader.closed;
    reader.releaseLock();
    return [n, locked, r.body.locked, r.bodyUsed, await thrown(() => r.text())];
  },
  "a stream line by line": async ({ a }) => {
    let rest = "";
    const lines = new TransformStream({
      transform(part, to) {
        const all = (rest + part).split(",");
        rest = all.pop();
        all.forEach((line) => to.enqueue(line));
      },
      flush: (to) => to.enqueue(rest),
    });
    const out = [];
    for await (const line of (await fetch(`${a}/json`)).body.pipeThrough(new TextDecoderStream()).pipeThrough(lines)) out.push(line);
    return out;
  },
  "a stream into a sink": async ({ a }) => {
    const got = [];
    const sink = new WritableStream({ write: (chunk) => void got.push(...chunk), close: () => void got.push("closed") });
    await (await fetch(`${a}/bytes?n=5`)).body.pipeTo(sink);
    return got;
  },
  "a stream that is left early": async ({ a }) => {
    const r = await fetch(`${a}/bytes?n=100000`);
    for await (const chunk of r.body) if (chunk.length > 0) break;
    return [r.bodyUsed, r.body.locked, await thrown(() => r.text())];
  },
  "a stream that is cancelled": async ({ a }) => {
    const r = await fetch(`${a}/bytes?n=1000`);
    await r.body.cancel();
    return [r.bodyUsed, await thrown(() => r.text())];
  },
  "the same stream each time": async ({ a }) => {
    const r = await fetch(`${a}/hello`);
    return [r.body === r.body, r.body instanceof ReadableStream];
  },
  "two branches": async ({ a }) => {
    const [x, y] = (await fetch(`${a}/hello`)).body.tee();
    return [await new Response(x).text(), await new Response(y).text()];
  },
  "JSON": async ({ a }) => (await fetch(`${a}/json`)).json(),
  "JSON that is none": async ({ a }) => thrown(async () => (await fetch(`${a}/hello`)).json()),
  "JSON that is empty": async ({ a }) => thrown(async () => (await fetch(`${a}/empty`)).json()),
  "JSON with a BOM": async ({ a }) => (await fetch(`${a}/bom`)).json(),
  "text loses its BOM": async ({ a }) => text(await fetch(`${a}/bom`)),
  "bytes keep their BOM": async ({ a }) => hex(await (await fetch(`${a}/bom`)).arrayBuffer()),
  "text that is not UTF-8": async ({ a }) => text(await fetch(`${a}/latin1`)),
  "nothing": async ({ a }) => {
    const r = await fetch(`${a}/empty`);
    return [r.status, r.body === null, (await r.arrayBuffer()).byteLength];
  },
  "404 and 500 do not reject": async ({ a }) => {
    const out = [];
    for (const status of [400, 404, 418, 429, 500, 503]) {
      const r = await fetch(`${a}/status/${status}`);
      out.push([r.status, r.ok, r.statusText, await r.text()]);
    }
    return out;
  },
  "statuses without a body": async ({ a }) => {
    const out = [];
    for (const status of [204, 205, 304]) {
      const r = await fetch(`${a}/status/${status}`);
      out.push([r.status, r.body === null, await r.text()]);
    }
    return out;
  },
  "HEAD": async ({ a }) => {
    const r = await fetch(`${a}/bytes?n=1234`, { method: "HEAD" });
    return [r.status, r.headers.get("content-length"), r.body === null, await r.text()];
  },
  "a reason of its own": async ({ a }) => {
    const r = await fetch(`${a}/reason`);
    return [r.status, r.statusText];
  },
  "headers": async ({ a }) => {
    const { headers } = await fetch(`${a}/headers`);
    return [
      headers.get("X-Many"), headers.get("x-none"), headers.has("X-MANY"), headers.get("x-latin"), headers.get("x-empty"),
      headers.getSetCookie(), [...headers].filter(([name]) => name.startsWith("x-") || name === "set-cookie"),
    ];
  },
  "headers cannot be changed": async ({ a }) => {
    const r = await fetch(`${a}/hello`);
    return [
      await thrown(() => r.headers.set("a", "b")), await thrown(() => r.headers.append("a", "b")),
      await thrown(() => r.headers.delete("a")), await thrown(() => r.clone().headers.set("a", "b")),
      await thrown(() => new Headers(r.headers).set("a", "b")),
    ];
  },
  "read twice": async ({ a }) => {
    const r = await fetch(`${a}/hello`);
    await r.text();
    return [await thrown(() => r.text()), await thrown(() => r.json()), await thrown(() => r.clone())];
  },
  "read twice, empty": async ({ a }) => {
    const r = await fetch(`${a}/status/204`);
    return [await r.text(), await thrown(() => r.text()), r.bodyUsed];
  },
  "a locked body": async ({ a }) => {
    const r = await fetch(`${a}/hello`);
    r.body.getReader();
    return [r.bodyUsed, await thrown(() => r.text()), await thrown(() => r.clone())];
  },
  "a clone": async ({ a }) => {
    const r = await fetch(`${a}/hello`);
    const c = r.clone();
    return [await c.text(), await r.text(), path(c.url), c.status, c.type === r.type];
  },
  "a clone of a clone, read as a stream": async ({ a }) => {
    const r = await fetch(`${a}/hello`);
    const c = r.clone().clone();
    const parts = [];
    for await (const chunk of c.body) parts.push(...chunk);
    return [hex(parts), await r.text()];
  },
  "gzip": async ({ a }) => text(await fetch(`${a}/packed/gzip`)),
  "brotli": async ({ a }) => text(await fetch(`${a}/packed/br`)),
  "a coding that is not known": async ({ a }) => text(await fetch(`${a}/packed/unknown`)),
  "gzip that is none": async ({ a }) => thrown(async () => text(await fetch(`${a}/packed/broken`))),
  "codings are asked for": async ({ a }) => (await echo(`${a}/echo`)).gzip,
  "a form": async ({ a }) => {
    const form = await (await fetch(`${a}/form`)).formData();
    const file = form.get("f");
    return [[...form.keys()], form.get("a"), form.getAll("dup"), file.name, file.type, await file.text()];
  },
  "a form in a URL's words": async ({ a }) => [...(await (await fetch(`${a}/urlencoded`)).formData())],
  "a form that is none": async ({ a }) => thrown(async () => (await fetch(`${a}/hello`)).formData()),
  "a form that is broken": async ({ a }) => thrown(async () => (await fetch(`${a}/broken-form`)).formData()),
  "a body that comes in pieces": async ({ a }) => text(await fetch(`${a}/pieces`)),
  "a body that breaks off": async ({ a }) => thrown(async () => text(await fetch(`${a}/truncated`))),
  "a mebibyte": async ({ a }) => {
    const got = new Uint8Array(await (await fetch(`${a}/bytes?n=1048576`)).arrayBuffer());
    return [got.length, got[1048575], got.reduce((x, y) => (x * 31 + y) % 65521, 7)];
  },
};

const redirects = {
  "GET by every status": async ({ a }) => {
    const out = [];
    for (const status of [301, 302, 303, 307, 308]) {
      const r = await fetch(`${a}/redirect/${status}?to=/hello`);
      out.push([r.status, r.redirected, path(r.url), await r.text()]);
    }
    return out;
  },
  "POST by every status": async ({ a }) => {
    const out = [];
    for (const status of [301, 302, 303, 307, 308]) {
      const { method, body, type } = await echo(`${a}/redirect/${status}?to=/echo`, { method: "POST", body: "b" });
      out.push([status, method, body, type]);
    }
    return out;
  },
  "PUT by every status": async ({ a }) => {
    const out = [];
    for (const status of [301, 302, 303, 307, 308]) {
      const { method, body, type } = await echo(`${a}/redirect/${status}?to=/echo`, { method: "PUT", body: "b" });
      out.push([status, method, body, type]);
    }
    return out;
  },
  "HEAD after 303": async ({ a }) => (await fetch(`${a}/redirect/303?to=/method`, { method: "HEAD" })).headers.get("x-method"),
  "300 and 304 are none": async ({ a }) => {
    const r = await fetch(`${a}/redirect/300?to=/hello`);
    return [r.status, r.redirected, r.headers.get("location")];
  },
  "without a Location": async ({ a }) => {
    const r = await fetch(`${a}/status/302`);
    return [r.status, r.redirected, await r.text()];
  },
  "a relative Location": async ({ a }) => path((await fetch(`${a}/redirect/302?to=../hello?x=1`)).url),
  "to another origin": async ({ a, b }) => {
    const r = await fetch(`${a}/redirect/302?to=${b}/hello`);
    return [r.redirected, r.url === `${b}/hello`, await r.text()];
  },
  "the fragment goes along": async ({ a }) => {
    const r = await fetch(`${a}/redirect/302?to=/where#frag`);
    return [path(r.url), await r.text()];
  },
  "twenty": async ({ a }) => {
    const r = await fetch(`${a}/chain/20`);
    return [r.redirected, await r.text()];
  },
  "twenty-one": ({ a }) => thrown(() => fetch(`${a}/chain/21`)),
  "a loop": ({ a }) => thrown(() => fetch(`${a}/loop`)),
  "error": ({ a }) => thrown(() => fetch(`${a}/redirect/302?to=/hello`, { redirect: "error" })),
  "error without one": async ({ a }) => text(await fetch(`${a}/hello`, { redirect: "error" })),
  "manual": async ({ a }) => {
    const r = await fetch(`${a}/redirect/302?to=/hello`, { redirect: "manual" });
    return [r.status, r.redirected, r.ok, path(r.url), r.headers.get("location")];
  },
  "manual without one": async ({ a }) => (await fetch(`${a}/hello`, { redirect: "manual" })).status,
  "to a data: URL": ({ a }) => thrown(() => fetch(`${a}/redirect/302?to=data:,x`)),
  "to nonsense": ({ a }) => thrown(() => fetch(`${a}/redirect/302?to=http://%25%25/`)),
  "a password is kept for the same origin": async ({ a }) => (await echo(`${a}/redirect/302?to=/echo`, { headers: { authorization: "Bearer x" } })).authorization,
  "and not for another": async ({ a, b }) => (await echo(`${a}/redirect/302?to=${b}/echo`, { headers: { authorization: "Bearer x", cookie: "c=1", "x-two": "kept" } })),
  "a stream after 307": ({ a }) => thrown(() => echo(`${a}/redirect/307?to=/echo`, { method: "POST", body: stream(utf8("s")), duplex: "half" })),
  "a stream after 303": async ({ a }) => (await echo(`${a}/redirect/303?to=/echo`, { method: "POST", body: stream(utf8("s")), duplex: "half" })).method,
  "a Blob after 307": async ({ a }) => (await echo(`${a}/redirect/307?to=/echo`, { method: "POST", body: new Blob(["again"]) })).body,
  "the body of the redirect is not the answer": async ({ a }) => text(await fetch(`${a}/redirect/302?to=/empty`)),
};

const failing = {
  "nobody listens": ({ dead }) => thrown(() => fetch(`${dead}/`)),
  "a name that is none": () => thrown(() => fetch("http://no-such-name.invalid/")),
  "the connection is closed": ({ raw }) => thrown(() => fetch(`${raw}/close`)),
  "an answer that is no HTTP": ({ raw }) => thrown(() => fetch(`${raw}/`)),
  "another scheme": () => thrown(() => fetch("gopher://127.0.0.1/")),
  "about:": () => thrown(() => fetch("about:blank")),
  "a URL that is none": () => thrown(() => fetch("http://[/")),
  "no URL": () => thrown(() => fetch()),
  "a GET with a body": ({ a }) => thrown(() => fetch(a, { body: "x" })),
  "a HEAD with a body": ({ a }) => thrown(() => fetch(a, { method: "HEAD", body: "x" })),
  "a method that is none": ({ a }) => thrown(() => fetch(a, { method: "A B" })),
  "a header name that is none": ({ a }) => thrown(() => fetch(a, { headers: { "a b": "1" } })),
  "a header value that is none": ({ a }) => thrown(() => fetch(a, { headers: { a: "1\n2" } })),
  "a header value that is not bytes": ({ a }) => thrown(() => fetch(a, { headers: { a: "\u20ac" } })),
  "a redirect mode that is none": ({ a }) => thrown(() => fetch(a, { redirect: "maybe" })),
  "a signal that is none": ({ a }) => thrown(() => fetch(a, { signal: {} })),
  "it rejects and does not throw": async () => {
    const promise = fetch("nonsense");
    return [promise instanceof Promise, await promise.catch((e) => e.name)];
  },
  "an uncaught one is a TypeError": ({ dead }) => fetch(dead).then(() => "?", (e) => [e instanceof TypeError, e instanceof Error, typeof e.message]),
};

const aborting = {
  "before": ({ a }) => {
    const stop = new AbortController();
    stop.abort();
    return thrown(() => fetch(`${a}/hello`, { signal: stop.signal }));
  },
  "before, for a reason": ({ a }) => thrown(() => fetch(`${a}/hello`, { signal: AbortSignal.abort("because") })),
  "at once": async ({ a }) => {
    const stop = new AbortController();
    const got = thrown(() => fetch(`${a}/hello`, { signal: stop.signal }));
    stop.abort();
    return got;
  },
  "under way": async ({ a }) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 60);
    return thrown(() => fetch(`${a}/slow?ms=3000`, { signal: stop.signal }));
  },
  "under way, for a reason": async ({ a }) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new RangeError("mine")), 60);
    return thrown(() => fetch(`${a}/slow?ms=3000`, { signal: stop.signal }));
  },
  "the error of it": async ({ a }) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);
    const e = await fetch(`${a}/slow?ms=3000`, { signal: stop.signal }).catch((e) => e);
    return [e instanceof DOMException, e.name, e.code, e === stop.signal.reason];
  },
  "a timeout": ({ a }) => thrown(() => fetch(`${a}/slow?ms=3000`, { signal: AbortSignal.timeout(60) })),
  "a timeout that is long enough": async ({ a }) => text(await fetch(`${a}/hello`, { signal: AbortSignal.timeout(60000) })),
  "any of several": ({ a }) => thrown(() => fetch(`${a}/slow?ms=3000`, { signal: AbortSignal.any([new AbortController().signal, AbortSignal.timeout(60)]) })),
  "by the Request's signal": async ({ a }) => {
    const stop = new AbortController();
    const request = new Request(`${a}/slow?ms=3000`, { signal: stop.signal });
    setTimeout(() => stop.abort(), 30);
    return [await thrown(() => fetch(request)), request.signal.aborted, request.signal === stop.signal];
  },
  "after the answer": async ({ a }) => {
    const stop = new AbortController();
    const r = await fetch(`${a}/hello`, { signal: stop.signal });
    const got = await r.text();
    stop.abort();
    return [got, r.status];
  },
  "before the body is read": async ({ a }) => {
    const stop = new AbortController();
    const r = await fetch(`${a}/hello`, { signal: stop.signal });
    stop.abort();
    return thrown(() => r.text());
  },
  "before the stream is read": async ({ a }) => {
    const stop = new AbortController();
    const r = await fetch(`${a}/hello`, { signal: stop.signal });
    const reader = r.body.getReader();
    stop.abort();
    return thrown(() => reader.read());
  },
  "one of two": async ({ a }) => {
    const stop = new AbortController();
    const both = [thrown(() => fetch(`${a}/slow?ms=2000`, { signal: stop.signal })), fetch(`${a}/hello`).then(text)];
    setTimeout(() => stop.abort(), 30);
    return Promise.all(both);
  },
  "a race that is lost": async ({ a }) => {
    const stop = new AbortController();
    const won = await Promise.race([fetch(`${a}/slow?ms=2000`, { signal: stop.signal }).then(text), sleep(40).then(() => "timer")]);
    stop.abort();
    return [won, await text(await fetch(`${a}/hello`))];
  },
  "listeners are told": async ({ a }) => {
    const stop = new AbortController();
    const heard = [];
    stop.signal.addEventListener("abort", (e) => heard.push(e.type));
    setTimeout(() => stop.abort(), 20);
    await fetch(`${a}/slow?ms=2000`, { signal: stop.signal }).catch(() => heard.push("rejected"));
    return heard.sort();
  },
};

const own = {
  "Headers": () => {
    const h = new Headers([["b", "1"], ["A", " 2 \t"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]]);
    h.append("B", "3");
    h.set("c", "4");
    const before = [...h];
    h.delete("b");
    h.set("A", "5");
    return [before, [...h.keys()], [...h.values()], [...h.entries()], h.get("a"), h.has("b"), h.getSetCookie(), String(h)];
  },
  "Headers of several things": async () => {
    const out = [];
    for (const init of [{ a: 1, B: "x" }, [["a", "b"]], new Headers({ q: "r" }), new Map([["m", "n"]]), undefined]) out.push([...new Headers(init)]);
    for (const init of [null, "text", [["a"]], [["a", "b", "c"]], { "a b": "c" }, { a: "\0" }]) out.push(await thrown(() => [...new Headers(init)]));
    return out;
  },
  "Headers while they are walked": () => {
    const h = new Headers({ a: "1", b: "2" });
    const seen = [];
    h.forEach((value, name, self) => seen.push(value, name, self === h));
    return seen;
  },
  "a Request's properties": ({ a }) => {
    const r = new Request(`${a}/x?y#z`, { method: "post", body: "b", headers: { A: "1" }, redirect: "manual", cache: "no-store", mode: "same-origin", credentials: "omit", integrity: "sha256-x", keepalive: true });
    return [r.method, path(r.url), [...r.headers], r.redirect, r.bodyUsed, r.signal.aborted, r.signal instanceof AbortSignal];
  },
  "a Request's defaults": ({ a }) => {
    const r = new Request(`${a}/`);
    return [r.method, [...r.headers], r.body, r.redirect, r.bodyUsed];
  },
  "a Request's body": async ({ a }) => {
    const r = new Request(a, { method: "POST", body: "text" });
    const c = r.clone();
    return [await r.text(), r.bodyUsed, await thrown(() => r.text()), await c.json().catch((e) => e.name), r.headers.get("content-type")];
  },
  "a Request of a Request": async ({ a }) => {
    const first = new Request(a, { method: "POST", body: "moved", headers: { x: "1" } });
    const second = new Request(first);
    return [first.bodyUsed, second.method, await second.text(), second.headers.get("x"), await thrown(() => new Request(first))];
  },
  "a Request that was sent": async ({ a }) => {
    const r = new Request(`${a}/echo`, { method: "POST", body: "once" });
    await text(await fetch(r));
    return [r.bodyUsed, await thrown(() => fetch(r))];
  },
  "a Response's properties": async () => {
    const r = new Response("text", { status: 201, statusText: "Made", headers: { A: "1" } });
    return [r.status, r.ok, r.statusText, r.type, r.url, r.redirected, [...r.headers], await r.text()];
  },
  "a Response's defaults": () => {
    const r = new Response();
    return [r.status, r.statusText, r.body, [...r.headers], r.bodyUsed];
  },
  "Response that cannot be": async () => {
    const out = [];
    for (const [body, init] of [["", { status: 199 }], ["", { status: 600 }], ["x", { status: 204 }], [null, { status: 204 }], ["", { statusText: "a\nb" }], ["", { status: 304 }]]) {
      out.push(await thrown(() => new Response(body, init).status));
    }
    return out;
  },
  "Response.json": async () => {
    const r = Response.json({ a: [1, null] }, { status: 418 });
    return [r.status, r.headers.get("content-type"), await r.text(), await thrown(() => Response.json(undefined)), await thrown(() => Response.json(1n))];
  },
  "Response.json keeps a type": () => Response.json(1, { headers: { "content-type": "x/y" } }).headers.get("content-type"),
  "Response.redirect": async () => {
    const r = Response.redirect("http://x.y/z?q", 307);
    return [r.status, r.headers.get("location"), r.type, await thrown(() => Response.redirect("http://x", 200)), await thrown(() => Response.redirect("/rel")), await thrown(() => r.headers.set("a", "b"))];
  },
  "Response.error": async () => {
    const r = Response.error();
    return [r.type, r.status, r.statusText, r.body, [...r.headers], await thrown(() => r.headers.set("a", "b"))];
  },
  "types of bodies": async () => {
    const form = new FormData();
    form.set("a", "b");
    const bodies = ["s", new URLSearchParams("a=b"), new Blob(["x"], { type: "T/x" }), new Blob(["x"]), bytes(1), form, stream()];
    return bodies.map((body) => (new Response(body).headers.get("content-type") ?? "none").replace(/boundary=.*/, "boundary"));
  },
  "bodies of a Response": async () => {
    const out = [];
    for (const body of ["s\u00e9", new URLSearchParams("a=b c"), new Blob(["x", "y"]), bytes(3), bytes(3).buffer, stream(utf8("st"), utf8("ream")), 42, { toString: () => "object" }]) {
      out.push(hex(await new Response(body).arrayBuffer()));
    }
    return out;
  },
  "a stream as a body": async () => {
    const r = new Response(stream(utf8("abc")));
    const c = r.clone();
    return [await r.text(), await c.text(), await thrown(() => new Response(stream("no bytes")).text())];
  },
  "FormData": async () => {
    const f = new FormData();
    f.append("a", 1);
    f.append("a", "2");
    f.append("b", new Blob(["x"]), "n");
    f.set("c", "3");
    f.set("a", "4");
    const file = f.get("b");
    const made = [[...f.keys()], f.getAll("a"), f.has("z"), f.get("z"), file instanceof File, file.name, await file.text()];
    f.delete("b");
    return [...made, [...f], await thrown(() => f.append("a")), await thrown(() => f.append("a", "text", "name")), await thrown(() => new FormData({}))];
  },
  "a form and back": async () => {
    const f = new FormData();
    f.append("text", "l1\r\nl2");
    f.append("file", new File([bytes(300)], "b.bin", { type: "x/y" }));
    f.append("empty", "");
    const back = await new Response(f).formData();
    const file = back.get("file");
    return [[...back.keys()], back.get("text"), back.get("empty"), file.name, file.type, hex(await file.arrayBuffer()).length];
  },
  "data:": async () => {
    const out = [];
    for (const url of ["data:,a%20b", "data:text/html;charset=utf-8,<p>", "data:;base64,aGk=", "data:x/y;base64,aGk", "data:;charset=x,q"]) {
      const r = await fetch(url);
      out.push([r.status, r.headers.get("content-type"), await r.text()]);
    }
    return [...out, await thrown(() => fetch("data:text/plain"))];
  },
  "blob:": async () => {
    const url = URL.createObjectURL(new Blob(["in here"], { type: "a/b" }));
    const r = await fetch(url);
    const got = [r.status, r.headers.get("content-type"), await r.text()];
    URL.revokeObjectURL(url);
    return [...got, await thrown(() => fetch(url))];
  },
  "names and lengths": () => [fetch, Request, Response, Headers, FormData].map((f) => [f.name, f.length]),
  "tags": ({ a }) => [new Request(a), new Response(), new Headers(), new FormData()].map((o) => Object.prototype.toString.call(o)),
  "called on something else": () => thrown(() => Object.getOwnPropertyDescriptor(Response.prototype, "status").get.call({})),
  "URL": ({ a }) => {
    const u = new URL("../x?y=1#z", `${a}/b/c/d`);
    u.searchParams.append("k", "v w");
    return [path(u.href), u.hash, URL.canParse("nope"), u.origin === a];
  },
};

const table = { sending, receiving, redirects, failing, aborting, own };

async function all(env) {
  const out = {};
  for (const [group, checks] of Object.entries(table)) {
    for (const [name, check] of Object.entries(checks)) {
      try {
        out[`${group}: ${name}`] = (await check(env)) ?? null;
      } catch (e) {
        out[`${group}: ${name}`] = { failed: `${e?.name}: ${e?.message}` };
      }
    }
  }
  return out;
}
