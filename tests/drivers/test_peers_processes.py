"""Peers as real processes: signals, and what a fork inherits."""

from __future__ import annotations

import secrets
import signal
import time
from pathlib import Path

import pytest

from tests.drivers.processes import child
from tests.sidecar.peers import free_udp_ports

# The only voter is the process itself.
_PEERS = """
    here = "127.0.0.1:{port}"
    def peers(name="reports", listen=here):
        return Peers(name, at={{"one-name": here}}, voters=["one-name"], secret=sys.argv[1], listen=listen)
    timing = Timing(lease_duration=1)
"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(secrets.token_hex(32))
    return path


@pytest.fixture
def given() -> str:
    """What each program starts with."""
    return _PEERS.format(port=free_udp_ports(1)[0])


@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "asyncio"])
def test_sigterm_drains_releases_and_exits_143(secret: Path, given: str, blocks: bool) -> None:
    program = f"""
    {given}
    from tenure.events import Released
    def tell(event):
        if isinstance(event, Released):
            say("released")
    async def body(term):
        say("leading")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(2)  # longer than the lease
            say("ending", term.is_valid())
    def work(term):
        say("leading")
        term.wait_ending()
        time.sleep(2)
        say("ending", term.is_valid())
    if {blocks}:
        elector = blocking.LeaderElector(peers(), timing=timing)
        elector.subscribe(tell)
        elector.run(work)
    else:
        elector = LeaderElector(peers(), timing=timing)
        elector.subscribe(tell)
        asyncio.run(elector.run(body))
    """
    with child(program, secret) as process:
        assert process.says() == "leading"
        process.send(signal.SIGTERM)
        assert [process.says(), process.says()] == ["ending True", "released"]
        assert process.ends() == 143
        assert process.complaints() == ""


@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "asyncio"])
def test_a_forked_child_is_no_peer_and_can_be_one_of_its_own(secret: Path, given: str, blocks: bool) -> None:
    program = f"""
    {given}
    def fork(term):
        if (pid := os.fork()) == 0:
            say(term.is_valid(), elector.is_leader(), elector.leader)
            own = blocking.LeaderElector(peers("own", listen="127.0.0.1:0"), timing=timing)
            say(own.run(lambda term: term.is_valid() and own.is_leader(), handle_signals=False))
            os._exit(0)
        os.waitpid(pid, 0)
    def work(term):
        fork(term)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            term.check()
            time.sleep(0.01)
        return "parent"
    async def body(term):
        # Elsewhere: its event loop goes on meanwhile.
        await asyncio.to_thread(work, term)
        return "parent"
    if {blocks}:
        elector = blocking.LeaderElector(peers(), timing=timing)
        say(elector.run(work))
    else:
        elector = LeaderElector(peers(), timing=timing)
        say(asyncio.run(elector.run(body)))
    """
    with child(program, secret) as process:
        said = [process.says() for _ in range(3)]
        assert process.ends() == 0, process.errors
    assert said == ["False False None", "True", "parent"]


@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "asyncio"])
def test_a_forked_child_that_exits_by_itself_does_not_make_its_parent_deaf(
    secret: Path, given: str, blocks: bool
) -> None:
    """It closes what it has inherited, and parent and child share what their event loops wait with."""
    program = f"""
    {given}
    from tenure.events import MemberAdded
    heard = threading.Event()
    def tell(event):
        if isinstance(event, MemberAdded):
            heard.set()
    def fork():
        if (pid := os.fork()) == 0:
            sys.exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    async def body(term):
        say(fork())
        heard.clear()
        # In this event loop: asyncio's own wake-up from other threads does not survive such a child.
        other = LeaderElector(peers(listen="127.0.0.1:0"), identity="other", timing=timing)
        async with other.running(body):
            while not heard.is_set():
                await asyncio.sleep(0.01)
        say("heard")
    def work(term):
        say(fork())
        heard.clear()
        other = blocking.LeaderElector(peers(listen="127.0.0.1:0"), identity="other", timing=timing)
        with other.running(work):
            heard.wait(30)
        say("heard")
    timing = Timing(lease_duration=3)  # not to be lost on a busy machine
    Elector = blocking.LeaderElector if {blocks} else LeaderElector
    elector = Elector(peers(), timing=timing)
    elector.subscribe(tell)
    elector.run(work) if {blocks} else asyncio.run(elector.run(body))
    """
    with child(program, secret) as process:
        assert [process.says(), process.says()] == ["7", "heard"]
        assert process.ends() == 0, process.errors


def test_a_paused_leader_stops_at_once_when_it_wakes(secret: Path, given: str) -> None:
    program = f"""
    {given}
    async def body(term):
        say("leading", term.token)
        try:
            while term.is_valid():
                time.sleep(0.01)  # a pause begins within this line, mostly
                await asyncio.sleep(0)  # or here: then the elector may notice first, and cancels
        finally:
            say("over", term.is_valid(), elector.is_leader())
        await asyncio.Event().wait()
    elector = LeaderElector(peers(), timing=timing)
    asyncio.run(elector.run(body))
    """
    with child(program, secret) as process:
        first = process.says()
        process.send(signal.SIGSTOP)
        process.stopped()
        time.sleep(1.5)  # longer than the lease
        process.send(signal.SIGCONT)
        assert process.says() == "over False False"
        second = process.says()
        assert second.startswith("leading ")
        assert int(second.split()[1]) > int(first.split()[1])
