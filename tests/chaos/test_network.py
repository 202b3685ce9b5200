"""Shows on the real API server what happens to packets, and that places leave nothing behind."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.chaos.carrier import CarrierError
from tests.chaos.network import PROXY_FAULTS, WIRE_FAULTS, Network
from tests.chaos.way import Way
from tests.cluster import folder
from tests.cluster.build import binary
from tests.cluster.process import start_process
from tests.cluster.server import Cluster, ServiceAccount

pytestmark = pytest.mark.cluster

RETRANSMISSIONS, ROUND_TRIP_US = 100, 68  # offsets in struct tcp_info
# Acknowledgements wait for company, some 40 ms; one that is cut off holds back whatever comes after.
ACKNOWLEDGED_S = 0.5
SOON_S = 1.0  # how long a client waits that is to be disappointed


def test_a_candidate_reaches_the_api_server_from_its_place(network: Network) -> None:
    for place in network.places:
        kubectl = [str(binary("kubectl")), f"--kubeconfig={place.kubeconfig}", "get", "configmaps"]
        command = [*place.command_prefix, *kubectl, "--output=name"]
        subprocess.run(command, check=True, env={**os.environ, "KUBERC": "off"})


def test_the_environment_leads_there_too(network: Network) -> None:
    place = network.places[0]
    command = [*place.command_prefix, str(binary("kubectl")), "get", "configmaps", "--output=name"]
    subprocess.run(command, check=True, env={**os.environ, "KUBERC": "off", **place.environment})


def test_there_is_no_other_way(wired_way: Way, cluster: Cluster) -> None:
    kubectl = [str(binary("kubectl")), f"--kubeconfig={cluster.admin_kubeconfig}", "get", "namespaces"]
    command = [*wired_way.place.command_prefix, *kubectl]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "KUBERC": "off"})
    assert done.returncode
    assert "refused" in done.stderr


def test_processes_of_one_place_reach_each_other(network: Network) -> None:
    talk = "import socket as s; a = s.create_server(('127.0.0.1', 0)); s.create_connection(a.getsockname())"
    subprocess.run([*network.places[0].command_prefix, sys.executable, "-c", talk], check=True)


def test_signals_reach_the_candidate_itself(network: Network) -> None:
    command = [*network.places[0].command_prefix, sys.executable, "-c", "import os; print(os.getpid())"]
    process = start_process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert int(process.communicate()[0]) == process.pid


def test_a_candidate_does_not_outlive_the_thread_that_started_it(network: Network) -> None:
    started: list[subprocess.Popen[bytes]] = []
    command = [
        *network.places[0].command_prefix,
        sys.executable,
        "-c",
        "import time; print(1, flush=True); time.sleep(9999)",
    ]

    def start() -> None:
        process = start_process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        started.append(process)
        assert process.stdout is not None
        with process.stdout as output:
            output.readline()

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert started[0].wait() == -signal.SIGKILL


def test_a_watch_streams_through(way: Way) -> None:
    answer = way.client.send("GET", "?watch=true")
    for name in "one", "two":
        way.create_as_administrator(name)
        while json.loads(answer.readline())["object"]["metadata"]["name"] != name:
            pass


def test_a_cut_loses_what_is_sent_and_the_end_delivers_it(wired_way: Way) -> None:
    wired_way.client.read()
    fault = wired_way.begin("network cut")
    wired_way.client.timeout_s = SOON_S
    with pytest.raises(TimeoutError):
        wired_way.client.create("late")
    with pytest.raises(TimeoutError):
        wired_way.new_client(SOON_S).connect()
    assert wired_way.names() == set()
    fault.end()
    fault.end()
    wired_way.wait_for("late")  # though nobody waits for it any longer: TCP goes on
    assert wired_way.new_client().create("next").status == 201


def test_requests_are_lost_when_the_outgoing_way_is_cut(wired_way: Way) -> None:
    answer = wired_way.client.send("GET", "?watch=true")
    other = wired_way.new_client()
    other.read()
    time.sleep(ACKNOWLEDGED_S)
    fault = wired_way.begin("network cut outgoing")
    other.timeout_s = SOON_S
    with pytest.raises(TimeoutError):
        other.create("late")
    assert wired_way.names() == set()
    wired_way.create_as_administrator("news")
    assert b"news" in answer.readline()  # what comes in still comes
    fault.end()
    wired_way.wait_for("late")


def test_answers_are_lost_when_the_incoming_way_is_cut(wired_way: Way) -> None:
    wired_way.client.read()
    fault = wired_way.begin("network cut incoming")
    wired_way.client.timeout_s = SOON_S
    with pytest.raises(TimeoutError):
        wired_way.client.create("done")
    wired_way.wait_for("done")
    fault.end()
    assert wired_way.new_client().create("done").status == 409


def test_a_cut_is_one_place_s_alone(
    wired_way: Way, network: Network, cluster: Cluster, account: ServiceAccount
) -> None:
    wired_way.begin("network cut")
    neighbour = Way(cluster, account, network.places[1])
    assert neighbour.client.create("there").status == 201
    neighbour.close()


def test_two_faults_at_a_time_end_each_by_itself(wired_way: Way) -> None:
    wired_way.client.read()
    both = wired_way.begin("network cut")
    outgoing = wired_way.begin("network cut outgoing")
    both.end()
    wired_way.client.timeout_s = SOON_S
    with pytest.raises(TimeoutError):
        wired_way.client.create("late")
    assert wired_way.names() == set()
    outgoing.end()
    wired_way.wait_for("late")


def test_lost_packets_are_sent_again(wired_way: Way) -> None:
    wired_way.begin("packets lost")
    for _ in range(300):
        assert wired_way.client.read().status == 200
        if _tcp_info(wired_way.client.connect().sock, RETRANSMISSIONS):
            return
    raise AssertionError("no packet was lost")


def test_delayed_packets_travel_longer(wired_way: Way) -> None:
    wired_way.client.read()
    assert _tcp_info(wired_way.client.connect().sock, RETRANSMISSIONS) == 0
    wired_way.client.close()
    fault = wired_way.fault("packets delayed")
    words = fault.begin(random.Random(1))
    least_us = 1000 * int(words.split()[3])
    assert wired_way.client.read().status == 200
    assert _tcp_info(wired_way.client.connect().sock, ROUND_TRIP_US) > least_us
    fault.end()


def test_without_namespaces_there_is_the_proxy(cluster: Cluster, account: ServiceAccount) -> None:
    with Network(cluster, account, ["a"], namespaces=False) as network:
        assert network.lacking == "not asked for"
        place = network.places[0]
        assert place.command_prefix == []
        assert {fault.name for fault in place.faults} == set(PROXY_FAULTS)
        way = Way(cluster, account, place)
        assert way.client.create("there").status == 201
        way.begin("502 pages", "each")
        assert way.client.read().status == 502
        way.close()


def test_with_namespaces_there_is_everything(wired_way: Way) -> None:
    assert {fault.name for fault in wired_way.place.faults} == {*WIRE_FAULTS, *PROXY_FAULTS}


def test_what_is_lacking_is_named(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").symlink_to("/usr/bin/env")
    monkeypatch.setenv("PATH", str(tmp_path))
    with Network(cluster, account, ["a"]) as network:
        assert network.lacking == "no command ip: apt-get install iproute2"
        assert network.places[0].command_prefix == []


@pytest.mark.parametrize("error", [None, KeyError])
def test_nothing_is_left(cluster: Cluster, account: ServiceAccount, error: type[Exception] | None) -> None:
    before = _traces()
    fault = None
    try:
        with Network(cluster, account, ["a", "b"]) as network:
            during = _traces()
            mount = network.places[0].mount
            fault = network.places[0].faults[0]
            fault.begin(random.Random(1))
            if error:
                raise error
    except KeyError:
        pass
    assert _traces() == before != during
    assert not mount.exists()
    assert fault is not None
    fault.end()
    with pytest.raises(CarrierError, match="ended"):
        fault.begin(random.Random(1))


def test_nothing_is_left_when_it_does_not_open(
    cluster: Cluster, account: ServiceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _traces()

    def fail(*args: object) -> None:
        raise KeyError

    monkeypatch.setattr(Network, "_make_place", fail)
    with pytest.raises(KeyError), Network(cluster, account, ["a"]):
        pass
    assert _traces() == before


def _traces() -> list[set[str]]:
    """What this process has around it: children, threads, folders, network devices, named namespaces."""
    children = {
        child
        for task in Path("/proc/self/task").iterdir()
        for child in (task / "children").read_text().split()
    }
    devices = {name for _, name in socket.if_nameindex()}
    folders = {str(path) for path in [*folder._locks, *Path("/run/netns").glob("*")]}
    open_files = set(os.listdir("/proc/self/fd"))
    return [children, {str(thread) for thread in threading.enumerate()}, devices, folders, open_files]


def _tcp_info(connection: socket.socket, offset: int) -> int:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int(struct.unpack_from("I", info, offset)[0])
