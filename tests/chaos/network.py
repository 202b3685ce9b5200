"""Places where candidates run, each with its own way to the API server, and what can happen on that way."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.carrier import Carrier, CarrierError
from tests.chaos.proxy import Door, Proxy
from tests.chaos.trouble import Trouble
from tests.cluster.folder import create_folder, remove_folder
from tests.cluster.server import Cluster, ServiceAccount
from tests.kubernetes.authority import Authority

__all__ = ["WIRE_FAULTS", "Choice", "Network", "NetworkFault", "Place"]

Choice = Callable[[random.Random], tuple[str, Trouble]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one candidate runs.

    Attributes:
        name: of the place.
        command_prefix: goes before the candidate's command; the candidate keeps the process id.
        kubeconfig: leads to the API server through the proxy, with the token of `mount`.
        mount: what a Pod finds in a folder, for the same way: the files token, ca.crt and namespace.
        environment: variables to add to the candidate's.
        faults: what can happen on the way, each by itself or several at a time.
    """

    name: str
    command_prefix: list[str]
    kubeconfig: Path
    mount: Path
    environment: dict[str, str]
    faults: tuple[NetworkFault, ...]


class NetworkFault:
    """One thing that can happen on the way from and to a place.

    Attributes:
        name: unique at its place.
    """

    def __init__(self, name: str, carrier: Carrier, number: int, place: str, choose: Choice) -> None:
        self.name = name
        self._carrier = carrier
        self._number = number
        self._place = place
        self._choose = choose

    def begin(self, rng: random.Random) -> str:
        """Let it happen until `end`, and return what, in words; `rng` chooses the variant.

        Raises:
            CarrierError: the network is closed.
        """
        words, trouble = self._choose(rng)
        self._carrier.seed(self._number, rng.getrandbits(32))
        self._carrier.begin(self._number, self.name, trouble)
        return f"{self._place}: {words}"

    def end(self) -> None:
        """Let it be over; without effect if it is. What was lost is sent again, and may arrive only now."""
        with contextlib.suppress(CarrierError):
            self._carrier.end(self._number, self.name)


class Network:
    """Opens places for a cluster, each with a token file of its own; a context manager that closes them.

    Where network namespaces can be had (Linux, root, iproute2, /dev/net/tun), each place is one, with a
    single way out: over a wire that the tests can cut, to their proxy. Elsewhere the proxy is on loopback,
    and its faults are all there are. To be used in a thread that lives as long as the network.

    Args:
        cluster: a running one.
        account: as whom candidates come.
        names: one for each place.
        namespaces: False: do without.

    Attributes:
        places: in the order of `names`.
        lacking: why there are no network namespaces; "" if there are.
    """

    def __init__(
        self, cluster: Cluster, account: ServiceAccount, names: Sequence[str], *, namespaces: bool = True
    ) -> None:
        self._cluster = cluster
        self._account = account
        self._names = names
        self._namespaces = namespaces
        self.places: list[Place] = []
        self.lacking = ""

    def __enter__(self) -> Self:
        """Open the places.

        Raises:
            CarrierError: the proxy does not start; names the reason.
        """
        with contextlib.ExitStack() as opened:
            folder = create_folder()
            opened.callback(remove_folder, folder)
            self._open(folder, opened)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def _open(self, folder: Path, opened: contextlib.ExitStack) -> None:
        authority = Authority("tenure chaos")
        pair = authority.issue(
            "proxy", "127.0.0.1", *(f"192.0.2.{2 * n + 1}" for n in range(len(self._names)))
        )
        certificate = folder / "proxy.pem"
        certificate.write_text(pair.certificate + pair.key)
        proxy = Proxy(
            folder, upstream=self._cluster.url, authority=self._cluster.ca_file, certificate=certificate
        )
        opened.callback(proxy.stop)
        proxy.start(len(self._names), namespaces=self._namespaces)
        self.lacking = proxy.lacking
        self.places = [
            self._make_place(number, name, folder / f"place-{number}", authority, proxy)
            for number, name in enumerate(self._names)
        ]

    def _make_place(self, number: int, name: str, mount: Path, authority: Authority, proxy: Proxy) -> Place:
        door = proxy.doors[number]
        mount.mkdir()
        (mount / "token").write_text(self._account.token)
        (mount / "ca.crt").write_text(authority.pem)
        (mount / "namespace").write_text(self._account.namespace)
        kubeconfig = mount / "kubeconfig"
        kubeconfig.write_text(_kubeconfig(door, mount, self._account.namespace))
        prefix = [str(shutil.which("nsenter")), f"--net={door.namespace}"] if door.namespace else []
        choices = {**(WIRE_FAULTS if door.namespace else {}), **PROXY_FAULTS}
        return Place(
            name=name,
            command_prefix=prefix,
            kubeconfig=kubeconfig,
            mount=mount,
            environment={"KUBECONFIG": str(kubeconfig)},
            faults=tuple(NetworkFault(fault, proxy, number, name, choices[fault]) for fault in choices),
        )


def _kubeconfig(door: Door, mount: Path, namespace: str) -> str:
    cluster = {
        "server": f"https://{door.address}:{door.port}",
        "certificate-authority": str(mount / "ca.crt"),
    }
    context = {"cluster": "tests", "user": "tests", "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": cluster}],
        "users": [{"name": "tests", "user": {"tokenFile": str(mount / "token")}}],
        "contexts": [{"name": "tests", "context": context}],
        "current-context": "tests",
    }
    return json.dumps(config, indent=1)  # JSON is YAML too


def _loss(rng: random.Random) -> tuple[str, Trouble]:
    share = rng.choice((0.1, 0.3, 0.5))
    return f"{share:.0%} of the packets lost, both ways", Trouble(loss_out=share, loss_in=share)


def _delay(rng: random.Random) -> tuple[str, Trouble]:
    delay_s, jitter_s = rng.uniform(0.02, 0.3), rng.uniform(0, 0.5)
    words = f"each packet {delay_s * 1000:.0f} to {(delay_s + jitter_s) * 1000:.0f} ms on its way"
    return words, Trouble(delay_s=delay_s, jitter_s=jitter_s)


def _reset(rng: random.Random) -> tuple[str, Trouble]:
    if rng.choice((True, False)):
        return "connections reset", Trouble(reset_open=True)
    return "connections reset, and each new one too", Trouble(reset_open=True, reset=True)


def _slow(rng: random.Random) -> tuple[str, Trouble]:
    piece_bytes, delay_s = rng.choice(((16, 0.05), (200, 0.3), (1 << 16, 3.0)))
    words = f"answers in pieces of {piece_bytes} bytes, each {delay_s:g} s late"
    return words, Trouble(piece_bytes=piece_bytes, piece_delay_s=delay_s)


def _shared(words: str, **settings: bool | str) -> Choice:
    """Each request, or half of them: an outage makes a candidate stop, a mixture makes it doubt."""

    def choose(rng: random.Random) -> tuple[str, Trouble]:
        share = rng.choice((1.0, 0.5))
        which = "each request" if share == 1.0 else "every other request"
        return f"{which} {words}", Trouble(share=share, **settings)  # type: ignore[arg-type]

    return choose


def _always(words: str, trouble: Trouble) -> Choice:
    return lambda rng: (words, trouble)


WIRE_FAULTS: dict[str, Choice] = {
    "network cut": _always("cut, both ways", Trouble(loss_out=1, loss_in=1)),
    "network cut outgoing": _always("cut, outgoing only", Trouble(loss_out=1)),
    "network cut incoming": _always("cut, incoming only", Trouble(loss_in=1)),
    "packets lost": _loss,
    "packets delayed": _delay,
}
PROXY_FAULTS: dict[str, Choice] = {
    "connections reset": _reset,
    "requests unanswered": _shared("accepted and neither forwarded nor answered", swallow_requests=True),
    "requests late": _shared("held back, to be forwarded when this is over", hold_requests=True),
    "answers lost": _shared("forwarded and never answered", swallow_answers=True),
    "answers slow": _slow,
    "answers truncated": _shared("answered in part, then closed", truncate=True),
    "502 pages": _shared("answered with an HTML page, not forwarded", bad_gateway="before"),
    "502 pages after the act": _shared(
        "answered with an HTML page after it was forwarded", bad_gateway="after"
    ),
}
