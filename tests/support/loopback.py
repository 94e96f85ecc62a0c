"""HTTP server on 127.0.0.1 whose folders misbehave, each in its own way.

with Loopback() as web:
    web.add("good", {"file.gz": b"..."})
    web.url("403"), web.url("hang"), web.url("good")   # mirrors
"""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Loopback:
    def __enter__(self):
        self.folders = {}
        self.requested = []  # paths, in order
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"web": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = False  # so that server_close() joins them
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add(self, folder, files):
        """Serve `files`, a dict of bytes by name, under `folder`."""
        self.folders[folder] = files

    def url(self, folder):
        return f"http://127.0.0.1:{self.server.server_port}/{folder}/"


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self.web.requested.append(self.path)
        _, folder, name = self.path.split("/")
        with contextlib.suppress(OSError):  # the client is gone, as it should be from "endless"
            getattr(self, f"_{folder}", self._serve)(folder, name)

    def _serve(self, folder, name):
        body = self.web.folders.get(folder, {}).get(name)
        if body is None:
            self.send_error(404)
        else:
            self._send(body, len(body))

    def _403(self, folder, name):
        self.send_error(403)

    def _hang(self, folder, name):
        self.web.closing.wait(20)

    def _truncated(self, folder, name):
        body = self.web.folders["good"][name]
        self._send(body[: len(body) // 2], len(body))

    def _redirect(self, folder, name):
        self.send_response(302)
        self.send_header("Location", self.path)
        self.end_headers()

    def _nonsense(self, folder, name):
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: many\r\n\r\nnothing")

    def _endless(self, folder, name):
        self.send_response(200)
        self.end_headers()
        while not self.web.closing.is_set():
            self.wfile.write(b"\0" * 65536)

    def _send(self, body, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
