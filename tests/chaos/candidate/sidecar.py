"""A candidate that campaigns through `tenure sidecar`, and asks that before each act."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from functools import partial
from typing import Any

from tenure.clock import boot_time
from tests.chaos.act import ACT_PERIOD_S
from tests.chaos.candidate.companion import Companion
from tests.chaos.candidate.options import Options, options

_ASK_PERIOD_S = 0.1  # while another leads
_TIMEOUT_S = 1.0


def main() -> None:
    """Campaign until SIGTERM, or until the sidecar ends."""
    given = options()
    actor = given.actor("sidecar")
    port = _free_port()
    companion = Companion(_command(given, port))
    token = None
    while companion.is_useful:
        asked = boot_time()
        answer = _ask(port)
        if answer is None or not answer["is_leader"]:
            time.sleep(_ASK_PERIOD_S)
            continue
        if answer["token"] != token:
            token = answer["token"]
            actor.begin(int(token))
        if companion.is_useful:
            actor.act(partial(_left_s, asked, answer))
        time.sleep(ACT_PERIOD_S)
    sys.exit(companion.end())


def _command(given: Options, port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "tenure",
        "sidecar",
        f"--election={given.name}",
        f"--election-namespace={given.namespace}",
        f"--id={given.identity}",
        f"--kubeconfig={given.kubeconfig}",
        f"--http=127.0.0.1:{port}",
        f"--lease-duration={given.lease_duration}s",
        f"--renew-deadline={given.renew_deadline}s",
        f"--renew-period={given.renew_period}s",
        f"--retry-period={given.retry_period}s",
        "--on-missing=wait",
        "--verbose",
    ]


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


def _left_s(asked: float, answer: dict[str, Any]) -> float:
    """Return what is left of the sidecar's promise, which counts from when it was asked."""
    left_s: float = asked + answer["valid_for_ms"] / 1000 - boot_time()
    return left_s


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    main()
