"""A plain HTTPS client that stands in a place, as a candidate would."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any, NamedTuple

from tests.chaos.namespace import Namespace
from tests.chaos.network import Place

__all__ = ["Answer", "Client"]

PATIENCE_S = 60  # generous: the machine may be busy with other things


class Answer(NamedTuple):
    """What came back."""

    status: int
    kind: str
    body: bytes


class Client:
    """One connection, made anew after an error.

    Args:
        place: where it stands.
        timeout_s: for each step of a request.
    """

    def __init__(self, place: Place, timeout_s: float = PATIENCE_S) -> None:
        config = json.loads(place.kubeconfig.read_text())
        server = config["clusters"][0]["cluster"]
        self._address, _, port = server["server"].removeprefix("https://").partition(":")
        self._port = int(port)
        self._tls = ssl.create_default_context(cafile=server["certificate-authority"])
        self._path = f"/api/v1/namespaces/{config['contexts'][0]['context']['namespace']}/configmaps"
        self._place = place
        self.timeout_s = timeout_s
        self.connection: http.client.HTTPSConnection | None = None

    def connect(self) -> http.client.HTTPSConnection:
        """Return the connection, after its handshakes."""
        if self.connection is None or self.connection.sock is None:  # also: the server closed it
            raw = self._in_place(socket.create_connection, (self._address, self._port), self.timeout_s)
            connection = http.client.HTTPSConnection(self._address, self._port, timeout=self.timeout_s)
            try:
                connection.sock = self._tls.wrap_socket(raw, server_hostname=self._address)
            except BaseException:
                raw.close()
                raise
            self.connection = connection
        self.connection.sock.settimeout(self.timeout_s)
        return self.connection

    def create(self, name: str) -> Answer:
        """Create a ConfigMap."""
        return self.request("POST", "", {"metadata": {"name": name}})

    def read(self) -> Answer:
        """List the ConfigMaps."""
        return self.request("GET", "")

    def request(self, method: str, rest: str, body: Any = None) -> Answer:
        """Make one request about ConfigMaps; after an error the connection is closed."""
        try:
            answer = self.send(method, rest, body)
            return Answer(answer.status, answer.headers.get_content_type(), answer.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def send(self, method: str, rest: str, body: Any = None) -> http.client.HTTPResponse:
        """Make one request, and return the answer when its head has come."""
        connection = self.connect()
        token = (self._place.mount / "token").read_text()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(method, self._path + rest, body and json.dumps(body), headers)
        return connection.getresponse()

    def close(self) -> None:
        """Close the connection; what is under way stays under way. May be repeated."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def _in_place(self, *call: Any) -> socket.socket:
        if not self._place.command_prefix:
            return call[0](*call[1:])  # type: ignore[no-any-return]
        namespace = Namespace(self._place.command_prefix[-1].removeprefix("--net="))
        try:
            return namespace.run(*call)  # type: ignore[no-any-return]
        finally:
            namespace.close()
