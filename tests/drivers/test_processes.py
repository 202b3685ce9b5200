"""Signals, forks, pauses and starved event loops, in real processes."""

from __future__ import annotations

import json
import signal
import urllib.request
from typing import Any

import pytest

from tenure.testing.pytest_plugin import RunningDevServer
from tests.drivers.processes import child

# Writes and reads are seen by the server's own log; the record by asking it.
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"


def spec(server: RunningDevServer, name: str = "reports") -> dict[str, Any]:
    with urllib.request.urlopen(f"{server.url}{LEASES}/{name}") as answer:
        found: dict[str, Any] = json.load(answer)["spec"]
    return found


def holder(server: RunningDevServer, name: str = "reports") -> str:
    return spec(server, name).get("holderIdentity") or ""


def go(server: RunningDevServer) -> None:
    """Let a program go on that waits for it."""
    server.kubeconfig.with_name(f"{server.kubeconfig.name}.go").touch()


RUN = """
async def work(term):
    say("leading")
    try:
        await asyncio.Event().wait()
    finally:
        say("draining", term.is_valid(), term.is_ending())
try:
    asyncio.run(LeaderElector(lock(), identity="a").run(work))
finally:
    say("restored", signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""

BLOCKING = """
def work(term):
    say("leading")
    term.wait_ending()
    say("draining", term.is_valid(), term.is_ending())
try:
    blocking.LeaderElector(lock(), identity="a").run(work)
finally:
    say("restored", signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""


HUNG = """
async def work(term):
    pass
def eligible():
    say("asked")
    threading.Event().wait()
try:
    asyncio.run(LeaderElector(lock(), identity="a", eligible=eligible).run(work))
finally:
    say("over")
"""


def test_a_question_that_hangs_keeps_no_program_from_its_end(tenure_devserver: RunningDevServer) -> None:
    with child(HUNG, tenure_devserver.kubeconfig) as process:
        assert process.says() == "asked"
        process.send(signal.SIGTERM)
        assert process.says() == "over"
        assert process.ends() == 143


@pytest.mark.parametrize("program", [RUN, BLOCKING], ids=["asyncio", "blocking"])
def test_sigterm_drains_releases_and_exits_143(tenure_devserver: RunningDevServer, program: str) -> None:
    with child(program, tenure_devserver.kubeconfig) as process:
        assert process.says() == "leading"
        process.send(signal.SIGTERM)
        assert process.says() == "draining True True"
        assert process.says() == "restored True"
        assert process.ends() == 143
        assert process.complaints() == ""
    assert holder(tenure_devserver) == ""


def test_sigint_is_a_keyboard_interrupt_after_the_release(tenure_devserver: RunningDevServer) -> None:
    with child(RUN, tenure_devserver.kubeconfig) as process:
        assert process.says() == "leading"
        process.send(signal.SIGINT)
        assert process.says() == "draining True True"
        assert process.says() == "restored True"
        assert process.ends() == -signal.SIGINT
        assert "KeyboardInterrupt" in process.errors
    assert holder(tenure_devserver) == ""


@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "asyncio"])
@pytest.mark.parametrize("case", ["handled", "declined", "thread"])
def test_sigterm_is_left_alone(tenure_devserver: RunningDevServer, case: str, blocks: bool) -> None:
    program = f"""
    def look(term):
        say("leading", signal.getsignal(signal.SIGTERM) is before)
    async def work(term):
        look(term)
        await asyncio.sleep(0)
    if {case!r} == "handled":
        signal.signal(signal.SIGTERM, lambda *_: None)
    before = signal.getsignal(signal.SIGTERM)
    def main():
        if {blocks}:
            blocking.LeaderElector(lock()).run(look, handle_signals={case != "declined"})
        else:
            asyncio.run(LeaderElector(lock()).run(work, handle_signals={case != "declined"}))
        say(signal.getsignal(signal.SIGTERM) is before)
    if {case!r} == "thread":
        thread = threading.Thread(target=main)
        thread.start()
        thread.join()
    else:
        main()
    """
    with child(program, tenure_devserver.kubeconfig) as process:
        assert process.says() == "leading True"
        assert process.says() == "True"
        assert process.ends() == 0
        assert process.complaints() == ""


def test_sigterm_while_an_acquire_is_under_way_releases_what_it_got(
    tenure_devserver: RunningDevServer,
) -> None:
    program = """
    from tenure.locks import kube_session
    create = kube_session.KubeSession.create
    async def slowly(self, *args, **kwargs):
        created = await create(self, *args, **kwargs)
        say("created")
        while not os.path.exists(kubeconfig + ".go"):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        return created
    async def silently(self, since):
        await asyncio.Event().wait()
        yield
    kube_session.KubeSession.create = slowly
    kube_session.KubeSession.watch = silently  # or it tells of the record before the answer does
    async def work(term):
        say("leading")
    asyncio.run(LeaderElector(lock(), identity="a").run(work))
    """
    with child(program, tenure_devserver.kubeconfig) as process:
        assert process.says() == "created"
        process.send(signal.SIGTERM)
        go(tenure_devserver)
        assert process.ends() == 143
        assert process.says() == ""
    assert holder(tenure_devserver) == ""


def test_all_elections_of_a_process_share_sigterm(tenure_devserver: RunningDevServer) -> None:
    program = """
    async def work(term):
        say("leading")
        await asyncio.Event().wait()
    async def brief(term):
        return None
    async def main():
        async with asyncio.TaskGroup() as group:
            short = group.create_task(LeaderElector(lock("short")).run(brief))
            await asyncio.sleep(0)
            for name in ("one", "two"):
                group.create_task(LeaderElector(lock(name)).run(work))
            await short
            say("short")
    asyncio.run(main())
    """
    with child(program, tenure_devserver.kubeconfig) as process:
        assert sorted(process.says() for _ in range(3)) == ["leading", "leading", "short"]
        process.send(signal.SIGTERM)
        assert process.ends() == 143
    assert holder(tenure_devserver, "one") == holder(tenure_devserver, "two") == ""


FORKS = {
    "os.fork": """
        if (pid := os.fork()) == 0:
            inside(term)
            os._exit(0)
        os.waitpid(pid, 0)
    """,
    "multiprocessing": """
        import multiprocessing
        process = multiprocessing.get_context("fork").Process(target=inside, args=(term,))
        process.start()
        process.join()
    """,
}


@pytest.mark.parametrize("way", FORKS)
@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "asyncio"])
def test_forked_child_leads_nothing_and_can_elect_itself(
    tenure_devserver: RunningDevServer, way: str, blocks: bool
) -> None:
    program = f"""
    def inside(term):
        try:
            term.check()
        except LeadershipLostError as error:
            say("forked" in str(error))
        say(term.is_valid(), term.is_ending(), elector.is_leader(), elector.leader, elector.latest.leader)
        other = blocking.LeaderElector(lock("own"))
        say(other.run(lambda term: term.is_valid() and other.is_leader()))
        say(asyncio.run(again()))
    async def again():
        async def body(term):
            return term.is_valid()
        return await LeaderElector(lock("own")).run(body)
    def fork(term):
        {FORKS[way]}
    def work(term):
        fork(term)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            term.check()
            time.sleep(0.01)
        return "parent"
    async def main():
        async def body(term):
            fork(term)
            for _ in range(150):
                term.check()
                await asyncio.sleep(0.01)
            return "parent"
        return await elector.run(body)
    timing = Timing(lease_duration=6)
    if {blocks}:
        elector = blocking.LeaderElector(lock(), timing=timing)
        say(elector.run(work))
    else:
        elector = LeaderElector(lock(), timing=timing)
        say(asyncio.run(main()))
    """
    with child(program, tenure_devserver.kubeconfig) as process:
        said = [process.says() for _ in range(5)]
        assert process.ends() == 0, process.errors
    assert said == ["True", "False True False None None", "True", "True", "parent"]
    assert holder(tenure_devserver) == holder(tenure_devserver, "own") == ""


@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "asyncio"])
def test_forked_child_that_exits_by_itself_harms_nothing(
    tenure_devserver: RunningDevServer, blocks: bool
) -> None:
    program = f"""
    def fork():
        if (pid := os.fork()) == 0:
            sys.exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    async def body(term):
        say(fork())
        term.check()
        say("go on")
        await asyncio.Event().wait()
    def work(term):
        say(fork())
        term.check()
        say("go on")
        term.wait_ending()
    if {blocks}:
        blocking.LeaderElector(lock(), identity="a").run(work)
    else:
        asyncio.run(LeaderElector(lock(), identity="a").run(body))
    """
    with child(program, tenure_devserver.kubeconfig) as process:
        assert process.says() == "7"
        assert process.says() == "go on"
        assert holder(tenure_devserver) == "a"
        writes = [request for request in tenure_devserver.server.requests if request.method == "PUT"]
        assert writes == []
        process.send(signal.SIGTERM)
        if blocks:
            assert process.ends() == 143
            assert holder(tenure_devserver) == ""


def test_signal_of_a_forked_child_is_not_its_parents(tenure_devserver: RunningDevServer) -> None:
    program = """
    async def work(term):
        up, told = os.pipe()
        if (pid := os.fork()) == 0:
            os.write(told, b"up")
            time.sleep(60)
            os._exit(0)
        os.read(up, 2)
        os.kill(pid, signal.SIGTERM)
        say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        return await term.wait_ending(timeout=0.5)
    say(asyncio.run(LeaderElector(lock()).run(work)))
    """
    with child(program, tenure_devserver.kubeconfig) as process:
        assert process.says() == str(-signal.SIGTERM)
        assert process.says() == "False"
        assert process.ends() == 0


LEADER = """
async def work(term):
    say("leading", term.token)
    try:
        while True:
            term.check()
            say("valid", boot_time())
            await asyncio.sleep(0.02)
    finally:
        say("over", boot_time())
asyncio.run(LeaderElector(lock(), identity=sys.argv[1], timing=Timing(lease_duration=1.5)).run(work))
"""


def test_a_paused_leader_stops_at_once_and_sends_nothing_for_its_term(
    tenure_devserver: RunningDevServer,
) -> None:
    with child(LEADER, tenure_devserver.kubeconfig) as old:
        assert old.says().startswith("leading")
        old.send(signal.SIGSTOP)
        old.stopped()
        with child(LEADER, tenure_devserver.kubeconfig) as new:
            assert new.says().startswith("leading")
            first_valid = float(new.says().split()[1])
            requests = tenure_devserver.server.requests
            incarnation, before = _attempt(tenure_devserver)
            requests.clear()
            old.send(signal.SIGCONT)
            said = [old.says()]
            while not said[-1].startswith("over"):
                said.append(old.says())
            valid = [float(line.split()[1]) for line in said if line.startswith("valid")]
            # It may have been stopped between its check and its line; any later one would be a second leader.
            assert [moment for moment in valid if moment >= first_valid][1:] == []
            number = _attempt(tenure_devserver)[1]
            while _attempt(tenure_devserver)[1] < number + 2:
                assert new.says().startswith("valid")
            # Each write that arrived is one of the new leader's: the old one sent none for its term.
            writes = sum(request.method in ("PUT", "POST") for request in requests)
            assert _attempt(tenure_devserver)[0] == incarnation
            assert writes <= _attempt(tenure_devserver)[1] - before


def _attempt(server: RunningDevServer) -> tuple[str, int]:
    with urllib.request.urlopen(f"{server.url}{LEASES}/reports") as answer:
        annotations = json.load(answer)["metadata"]["annotations"]
    incarnation, _, number = annotations["tenure.dev/attempt"].partition("@")[0].partition("/")
    return incarnation, int(number)


def test_a_starved_loop_never_makes_two_leaders(tenure_devserver: RunningDevServer) -> None:
    starving = """
    async def work(term):
        say("leading")
        while not os.path.exists(kubeconfig + ".go"):
            time.sleep(0.01)
            if term.is_valid():
                last = boot_time()
        say(term.is_valid(), last)
        try:
            await asyncio.Event().wait()
        finally:
            say("cancelled")
    asyncio.run(LeaderElector(lock(), timing=Timing(lease_duration=1.5)).run(work))
    """
    with child(starving, tenure_devserver.kubeconfig) as old:
        assert old.says() == "leading"
        with child(LEADER, tenure_devserver.kubeconfig) as new:
            assert new.says().startswith("leading")
            first = float(new.says().split()[1])
            go(tenure_devserver)
            valid, last = old.says().split()
            assert valid == "False"
            assert float(last) < first
            assert old.says() == "cancelled"
            assert new.says().startswith("valid")


STUBBORN = """
async def work(term):
    say("leading")
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
options = dict(timing=Timing(lease_duration=1), drain_timeout=0.2, on_overrun="exit")
asyncio.run(LeaderElector(lock(), identity="a", **options).run(work))
"""

STUBBORN_THREAD = """
def work(term):
    say("leading")
    while True:
        time.sleep(1)
options = dict(timing=Timing(lease_duration=1), drain_timeout=0.2, on_overrun="exit")
blocking.LeaderElector(lock(), identity="a", **options).run(work)
"""


@pytest.mark.parametrize("program", [STUBBORN, STUBBORN_THREAD], ids=["asyncio", "blocking"])
def test_overrun_can_exit(tenure_devserver: RunningDevServer, program: str) -> None:
    with child(program, tenure_devserver.kubeconfig) as process:
        assert process.says() == "leading"
        process.send(signal.SIGTERM)
        assert process.ends() == 70
        assert "hard limit" in process.errors
    assert holder(tenure_devserver) == "a"


SERVER = """
import fastapi, uvicorn
async def work(term):
    say("leading")
    await asyncio.Event().wait()
@contextlib.asynccontextmanager
async def lifespan(app):
    async with LeaderElector(lock(), identity="a").running(work) as app.state.elector:
        yield
app = fastapi.FastAPI(lifespan=lifespan)
uvicorn.run(app, port=0, log_level="warning")
say("served")
"""


def test_a_server_under_uvicorn(tenure_devserver: RunningDevServer) -> None:
    program = "import warnings; warnings.simplefilter('default')" + SERVER
    with child(program, tenure_devserver.kubeconfig) as process:
        assert process.says() == "leading"
        process.send(signal.SIGTERM)
        assert process.ends() in (0, -signal.SIGTERM, 143)
        assert "Task" not in process.errors
    assert holder(tenure_devserver) == ""
