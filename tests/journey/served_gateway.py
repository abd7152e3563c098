"""The SDK's fake gateway behind a real HTTP server on loopback, for clients in any language."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from portcullis.client.testing import FakeGateway


@dataclass
class Served:
    """``url`` of the server. A payment announces itself by ``arrived`` and waits for ``go``; the answers to the first
    ``lost`` payments are not sent."""

    fake: FakeGateway
    url: str = ""
    lost: int = 0
    arrived: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """May raise httpx.ReadError: close the connection."""
        if request.method == "POST":
            self.arrived.set()
            assert self.go.wait(20)
            if self.lost:
                self.lost -= 1
                self.fake.lose_answer()
        return self.fake.handle(request)


@contextmanager
def served_gateway() -> Iterator[Served]:
    """Serve until the block ends."""
    served = Served(FakeGateway())
    served.go.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = served.url.removesuffix("/test") + self.path
            try:
                answer = served.answer(httpx.Request(self.command, url, headers=self.headers.items(), content=body))
            except httpx.ReadError:
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = _serve  # noqa: N815 the names that the server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 its name in the server
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}/test"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        served.go.set()
        server.shutdown()
        thread.join()
        server.server_close()
