"""DevServer: the embedded API server as a scope, in an event loop or in a thread of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tenure.devserver.app import App, LoggedRequest
from tenure.errors import ConfigurationError
from tenure.serving import Address, bind, serve

__all__ = ["DevServer", "running_devserver"]

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_log = logging.getLogger("tenure.devserver")


class DevServer:
    """A Kubernetes API server in memory, for development and tests: nothing is stored, nobody is authorised.

    It serves Leases, ConfigMaps, Endpoints, EndpointSlices, Pods, Services, ServiceAccounts, Namespaces and
    Events, with compare-and-swap, watches and errors as the real server has them. It runs no controllers:
    Pods do not run, Services get no endpoints, finalizers hold nothing, namespaces appear with their first
    object. Use it as ``async with DevServer() as server``.

    Args:
        host: where to listen; anything but loopback is open to whoever can reach it.
        port: the port, 0 for a free one.
        token: demand this bearer token; None lets everybody in.
        cert_file: serve TLS with this PEM certificate.
        key_file: its private key, where the certificate's file does not hold it.
        ca_file: the CA that clients are to trust; by default the certificate itself.
        history: how many changes a watch can go back; older ones are answered with 410.
        bookmark_s: seconds between the bookmarks of a watch that asks for them.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token: str | None = None,
        cert_file: str | Path | None = None,
        key_file: str | Path | None = None,
        ca_file: str | Path | None = None,
        history: int = 1000,
        bookmark_s: float = 60.0,
    ) -> None:
        self._host, self._port = host, port
        self._token = token
        self._ca_file = ca_file or cert_file
        self._ssl = _tls(cert_file, key_file) if cert_file else None
        self._app = App(history=history, bookmark_s=bookmark_s, token=token)
        self._address: Address | None = None
        self._scope = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Listen and serve.

        Raises:
            ConfigurationError: the address is taken or not of this machine.
        """
        sock = bind(self._host, self._port, option="--port")
        serving = await self._scope.enter_async_context(serve(self._app, sockets=[sock], ssl=self._ssl))
        self._address = serving.addresses[0]
        _log.info("API server for development and tests at %s: in memory, nobody is authorised", self.url)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop: open watches end at once. The objects stay and are served again by the next entry."""
        await self._scope.aclose()

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:40123``."""
        if self._address is None:
            raise RuntimeError(
                "the server has no address before it is entered: async with DevServer() as server"
            )
        return f"{'https' if self._ssl else 'http'}://{self._address}"

    @property
    def requests(self) -> deque[LoggedRequest]:
        """The latest 10,000 requests, oldest first; clear it at will."""
        return self._app.requests

    @property
    def authority(self) -> bytes:
        """The certificates that clients are to trust, in PEM and without any key; empty without TLS."""
        pem = Path(self._ca_file).read_bytes() if self._ca_file else b""
        return b"".join(found + b"\n" for found in _CERTIFICATE.findall(pem))

    def kubeconfig(self, path: str | Path) -> Path:
        """Write a kubeconfig for this server (JSON, which is YAML) and return its path."""
        cluster = {"server": self.url}
        if self._ssl:
            cluster["certificate-authority-data"] = base64.b64encode(self.authority).decode()
        context = {"cluster": "devserver", "user": "devserver", "namespace": "default"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "devserver", "cluster": cluster}],
            "users": [{"name": "devserver", "user": {"token": self._token} if self._token else {}}],
            "contexts": [{"name": "devserver", "context": context}],
            "current-context": "devserver",
        }
        Path(path).write_text(json.dumps(config, indent=2) + "\n")
        return Path(path)


def _tls(cert_file: str | Path, key_file: str | Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert_file, key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"cannot use the certificate {cert_file}: {error}") from error
    return context


@contextmanager
def running_devserver(server: DevServer | None = None) -> Iterator[DevServer]:
    """Run a server in a thread with an event loop of its own: for synchronous tests.

    Raises:
        ConfigurationError: the address is taken or not of this machine.
    """
    server = server or DevServer()
    started: Future[Callable[[], object]] = Future()

    async def main() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with server:
            started.set_result(lambda: loop.call_soon_threadsafe(stopping.set))
            await stopping.wait()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=run, name="tenure-devserver", daemon=True)
    thread.start()
    stop = started.result()
    try:
        yield server
    finally:
        stop()
        thread.join()
