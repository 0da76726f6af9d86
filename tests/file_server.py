"""A server of one file that a test may let hang up, refuse ranges or answer without the file."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

DATA = bytes(range(256)) * 2000


class Server(BaseHTTPRequestHandler):
    """Serves one file, with ranges; may hang up early, request by request, ignore ranges or answer without the file."""

    protocol_version = "HTTP/1.1"

    def __init__(self, state, *arguments):
        self.state = state
        super().__init__(*arguments)

    def do_GET(self):
        state, asked = self.state, self.headers.get("Range")
        state["asked"].append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state["ranges"] else 0
        status = 416 if start >= len(state["data"]) > 0 else state["status"]
        if status != 200:
            self.send_error(status)
            return
        body = state["data"][start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(state['data']) - 1}/{len(state['data'])}")
        self.end_headers()
        cut = state["cuts"].pop(0) if state["cuts"] else len(body)
        self.wfile.write(body[:cut])
        self.wfile.flush()
        if cut < len(body):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, *arguments):
        pass


@contextmanager
def serving(**state) -> Iterator[tuple[str, dict]]:
    """The address of a running server, and its state, to be changed and read."""
    state = {"data": DATA, "ranges": True, "cuts": [], "status": 200, "asked": [], **state}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, state))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/file.csv", state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def unused_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/file.csv"
