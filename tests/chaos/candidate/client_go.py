"""A candidate of client-go, which acts between its reports of "started" and "stopped"."""

from __future__ import annotations

import json
import math
import sys
import threading
import time

from tests.chaos.act import ACT_PERIOD_S
from tests.chaos.candidate.companion import Companion
from tests.chaos.candidate.options import Options, options
from tests.cluster.build import binary


def main() -> None:
    """Campaign until SIGTERM, or until client-go ends, as it does when it lost its term."""
    given = options()
    actor = given.actor("client-go")
    companion = Companion(_command(given), reports=True)
    leads = threading.Event()
    threading.Thread(target=_follow, args=(companion, leads), daemon=True).start()
    while companion.is_useful:
        actor.act(lambda: math.inf if leads.is_set() else 0.0)
        time.sleep(ACT_PERIOD_S)
    sys.exit(companion.end())


def _follow(companion: Companion, leads: threading.Event) -> None:
    assert companion.process.stdout is not None
    for line in companion.process.stdout:
        match json.loads(line)["event"]:
            case "started":
                leads.set()
            case "stopped":
                leads.clear()


def _command(given: Options) -> list[str]:
    return [
        str(binary("candidate-v0.36")),
        f"--kubeconfig={given.kubeconfig}",
        f"--namespace={given.namespace}",
        f"--name={given.name}",
        f"--identity={given.identity}",
        f"--lease-duration={given.lease_duration}s",
        f"--renew-deadline={given.renew_deadline}s",
        f"--retry-period={given.retry_period}s",
        # Its release may wipe the Lease of a successor of ours, and that emptying nobody could date.
        "--release-on-cancel=false",
    ]


if __name__ == "__main__":
    main()
