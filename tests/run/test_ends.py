"""How `tenure run` ends: a status for every way."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.devserver.api import Api
from tests.run.conftest import StartRunner
from tests.run.runner import is_alive, unread_bytes
from tests.sidecar.process import eventually, run_tenure

_LEASES = "leases.coordination.k8s.io"
# 32 and 33: glibc lets no program block or unblock them, so these are as whoever started the tests left them.
_C_LIBRARY_S_OWN = (1 << 31) | (1 << 32)


def holder(api: Api) -> str:
    name: str = api.get(_LEASES, "example").body["spec"]["holderIdentity"]
    return name


@pytest.mark.parametrize("status", [0, 7, 255])
def test_a_program_that_exits_at_once(runner: StartRunner, api: Api, status: int) -> None:
    leader = runner("a", f"exit={status}")
    assert leader.wait() == status
    assert holder(api) == ""


def test_a_program_that_a_signal_ends(runner: StartRunner, api: Api) -> None:
    leader = runner("a", program=["sh", "-c", "kill -USR1 $$"])
    assert leader.wait() == 128 + signal.SIGUSR1
    assert holder(api) == ""


def test_what_a_program_leaves_behind_ends_with_it(runner: StartRunner) -> None:
    leader = runner("a", "leave", "exit=3")
    assert leader.wait() == 3
    (note,) = leader.folder.glob("child-daemon-*.note")
    daemon = json.loads(note.read_text())
    assert (
        daemon["session"] != json.loads(next(leader.folder.glob("child-[0-9]*.note")).read_text())["session"]
    )
    assert not is_alive(daemon["pid"])


def test_the_next_one_begins_after_the_release_with_a_higher_token(runner: StartRunner) -> None:
    leader = runner("a", "fork")
    first, child = leader.note(), leader.note("child-child")
    successor = runner("b")
    assert leader.end() == 128 + signal.SIGTERM
    second = successor.note()
    assert max(leader.last_beat(first), leader.last_beat(child)) < second["began"]
    tokens = [int(note["environment"]["TENURE_FENCING_TOKEN"]) for note in (first, second)]
    assert tokens[0] < tokens[1]
    assert [note["environment"]["TENURE_IDENTITY"] for note in (first, second)] == ["a", "b"]
    assert {note["environment"]["TENURE_ELECTION"] for note in (first, second)} == {"example"}


def test_what_a_program_is_given(runner: StartRunner) -> None:
    note = runner("a").note()
    assert note["group"] == note["session"] == note["pid"]
    assert sorted(note["environment"]) == ["TENURE_ELECTION", "TENURE_FENCING_TOKEN", "TENURE_IDENTITY"]
    # Of its own it has the folder that it lists, which is closed by the time it looks.
    assert note["descriptors"] == [0, 1, 2]
    python_ignores = (1 << (signal.SIGPIPE - 1)) | (1 << (signal.SIGXFSZ - 1))
    assert (note["ignored"] & ~python_ignores, note["blocked"] & ~_C_LIBRARY_S_OWN) == (0, 0)


def test_what_python_ignores_for_itself_is_not_ignored_in_the_program(runner: StartRunner) -> None:
    leader = runner("a", program=["grep", "-E", "Sig(Ign|Blk)", "/proc/self/status"])
    assert leader.wait() == 0
    ignored, blocked = (int(line.split()[1], 16) for line in leader.stdout)
    assert (ignored, blocked & ~_C_LIBRARY_S_OWN) == (0, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_program_that_ends_when_it_is_told_to(
    runner: StartRunner, api: Api, number: signal.Signals
) -> None:
    leader = runner("a", f"end-on={number.name}")
    leader.note()
    assert leader.end(number) == 9
    assert holder(api) == ""


def test_a_program_that_ignores_sigterm_is_killed_after_its_grace(runner: StartRunner, api: Api) -> None:
    leader = runner("a", "ignore-term", "fork", flags=("--grace=100ms",))
    programs = [leader.note("child"), leader.note("child-child")]
    assert leader.end() == 128 + signal.SIGKILL
    assert not any(is_alive(program["pid"]) for program in programs)
    assert holder(api) == ""


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGWINCH])
def test_other_signals_are_only_passed_on(runner: StartRunner, number: signal.Signals) -> None:
    leader = runner("a", f"handle={number.name}")
    leader.note()
    leader.process.send_signal(number)
    eventually(lambda: (leader.folder / "child-got").exists())
    assert leader.end() == 128 + signal.SIGTERM


def test_a_standby_ends_by_a_signal(runner: StartRunner, api: Api) -> None:
    runner("a").note()
    standby = runner("b")
    eventually(lambda: "tenure: standby: a leads example" in standby.stderr)
    assert standby.end() == 128 + signal.SIGTERM
    assert not list(standby.folder.iterdir())
    assert holder(api) == "a"


def test_a_flood_of_output_that_nobody_reads_delays_no_renewal(runner: StartRunner, api: Api) -> None:
    read, write = os.pipe()
    leader = runner("a", "flood", output=write)
    os.close(write)
    child = leader.note()["pid"]
    eventually(lambda: unread_bytes(read) > 60_000)

    def renewals() -> str:
        time: str = api.get(_LEASES, "example").body["spec"]["renewTime"]
        return time

    for _ in range(4):
        before = renewals()
        eventually(lambda before=before: renewals() != before)
    assert is_alive(child)
    assert leader.end() == 128 + signal.SIGTERM
    os.close(read)


def test_programs_that_cannot_be_executed(kubeconfig: Path, tmp_path: Path, api: Api) -> None:
    plain, folder, broken = tmp_path / "plain", tmp_path / "folder", tmp_path / "broken"
    plain.write_text("no program")
    folder.mkdir()
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    cases = [
        ("no-such-program", 127, "cannot run no-such-program: not found in PATH"),
        (f"{tmp_path}/none", 127, f"cannot run {tmp_path}/none: no such file"),
        (str(plain), 126, f"cannot run {plain}: permission denied (chmod +x?)"),
        (str(folder), 126, f"cannot run {folder}: it is a directory"),
    ]
    flags = ("run", "--election=example", f"--kubeconfig={kubeconfig}")
    for program, status, said in cases:
        done = run_tenure(*flags, "--", program)
        assert (done.returncode, done.stderr, done.stdout) == (status, f"tenure: {said}\n", "")
    assert api.get(_LEASES, "example").code == 404  # nobody has campaigned for that
    done = run_tenure(*flags, "--", str(broken))
    assert done.returncode == 127
    assert f"tenure: cannot run {broken}: no such file or directory\n" in done.stderr
    assert holder(api) == ""


def test_no_process_can_be_started_for_the_program(
    runner: StartRunner, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here because Python was removed meanwhile; a limit of processes that is used up is said alike."""
    leader = runner("a")
    leader.note()
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setattr(sys, "executable", str(python))
    standby = runner("b", program=["echo"])
    eventually(lambda: "tenure: standby: a leads example" in standby.stderr)
    python.unlink()
    leader.end()
    assert standby.wait() == 126
    assert standby.stderr[-1] == "tenure: cannot start a process for echo: no such file or directory"
    assert holder(api) == ""


def test_flags_that_cannot_work(kubeconfig: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"--http=127.0.0.1:{taken.getsockname()[1]}"
        cases = [
            (("--election=x",), 2, "Missing argument 'COMMAND...'"),
            (("--", "true"), 2, "Missing option '--election'"),
            (("--election=x", "--grace=1", "--", "true"), 2, "'1' is no duration above 0"),
            (("--election=x", "--bogus", "--", "true"), 2, "No such option '--bogus'"),
            (("--election=x", address, "--", "true"), 4, "address already in use"),
        ]
        for arguments, status, said in cases:
            done = run_tenure("run", f"--kubeconfig={kubeconfig}", *arguments)
            assert (done.returncode, done.stdout) == (status, "")
            assert said in done.stderr
            assert done.stderr.count("\n") == 1


def test_a_double_dash_before_the_command_says_nothing(kubeconfig: Path) -> None:
    flags = ("--election=example", f"--kubeconfig={kubeconfig}")
    assert run_tenure("--", "run", *flags, "--", "sh", "-c", "exit 5").returncode == 5


def test_help_tells_the_statuses() -> None:
    done = run_tenure("run", "--help")
    assert done.returncode == 0
    for status in ("128+n", "70 ", "75 ", "126", "127"):
        assert status in done.stdout
