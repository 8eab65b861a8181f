"""Listens at PORT. Only what Python brings, so that the first run waits for nobody; put a framework in when you need one."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = {"/": "Hello from {{ name }}.\n", "/healthz": "ok\n"}


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        text = ANSWERS.get(self.path.partition("?")[0])
        body = (text or "There is nothing here.\n").encode()
        self.send_response(404 if text is None else 200)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """One line a request is the proxy's business."""


def serve(port):
    """A server that listens on this machine; 0 takes any port that is free."""
    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    with serve(int(os.environ.get("PORT", "8080"))) as server:
        print(f"listening at port {server.server_port}", flush=True)
        server.serve_forever()
