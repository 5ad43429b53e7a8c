"""A wrapped service in plain Python: counts, and remembers idempotency keys."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

total, answers, refusals = 0, {}, 0


class Counter(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {"status": "healthy"})

    def do_POST(self):
        global total, refusals
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        link, key = body["chain"][-1], self.headers.get("idempotency-key")
        if link["property"] == "busy" and refusals < 2:
            refusals += 1
            return self.answer(500, {"error": "BUSY", "message": "not yet", "retryable": True})
        if link["property"] == "broken":
            return self.answer(503, {"error": "no such luck", "retryable": False})
        if key not in answers:
            total += sum(link.get("args", []))
            shown = [name for name in ("apikey", "authorization", "cookie") if name in self.headers]
            answers[key] = {"total": total, "key": key, "shown": shown, "token": self.headers.get("authorization")}
        self.answer(200, answers[key])

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Counter).serve_forever()
