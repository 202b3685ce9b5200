"""A candidate that campaigns through `tenure sidecar`, and asks that before each act."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from typing import Any

from tenure.clock import boot_time
from tenure.token import FencingToken
from tests.chaos.act import ACT_PERIOD_S
from tests.chaos.candidate.companion import Companion
from tests.chaos.candidate.options import Options, options

_ASK_PERIOD_S = 0.1  # while another leads
_TIMEOUT_S = 1.0


class _Promise:
    """For how long the sidecar says that its term is valid; `until` is a boot time in seconds."""

    until = 0.0

    def left_s(self) -> float:
        return self.until - boot_time()


def main() -> None:
    """Campaign until SIGTERM, or until the sidecar ends."""
    given = options()
    actor = given.actor("sidecar")
    port = _free_port()
    companion = Companion(_command(given, port))
    token = writer = None
    promise = _Promise()
    while companion.is_useful:
        asked = boot_time()
        answer = _ask(port)
        if answer is None or not answer["is_leader"]:
            time.sleep(_ASK_PERIOD_S)
            continue
        promise.until = asked + answer["valid_for_ms"] / 1000  # it counts from when it was asked
        if answer["token"] != token:
            token = answer["token"]
            actor.begin(int(token))
            if writer is not None:
                writer.end()
            writer = given.writer(FencingToken.parse(token, given.election), promise.left_s)
        if companion.is_useful:
            actor.act(promise.left_s)
        time.sleep(ACT_PERIOD_S)
    if writer is not None:
        writer.end()
    sys.exit(companion.end())


def _command(given: Options, port: int) -> list[str]:
    flags = [
        f"--election={given.name}",
        f"--election-namespace={given.namespace}",
        f"--id={given.identity}",
        f"--http=127.0.0.1:{port}",
        f"--lease-duration={given.lease_duration}s",
        f"--renew-deadline={given.renew_deadline}s",
        f"--renew-period={given.renew_period}s",
        f"--retry-period={given.retry_period}s",
        "--verbose",
    ]
    if given.peers is None:
        flags.append("--on-missing=wait")
    else:
        flags += [f"--peers={given.peers}", f"--peers-secret={given.peers_secret}"]
        flags += [f"--peers-voters={given.peers_voters}", *["--peers-alone"] * given.peers_alone]
    if not given.peers_alone:
        flags.append(f"--kubeconfig={given.kubeconfig}")
    return [sys.executable, "-m", "tenure", "sidecar", *flags]


def _ask(port: int) -> dict[str, Any] | None:
    """Return what the sidecar says; None: it does not answer (yet)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/leader")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return answer


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    main()
