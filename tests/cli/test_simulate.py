"""``tenure simulate`` as a command: what it prints, how it ends, and that a failure can be played again."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sidecar.process import run_tenure

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command line beside the example, as somebody types it there."""
    program, *arguments = shlex.split(command)
    tenure = Path(sys.executable).with_name(program)
    return subprocess.run([tenure, *arguments], cwd=EXAMPLES, capture_output=True, text=True, check=False)


def test_one_seed_is_one_run() -> None:
    first, second = (run_tenure("simulate", "--seed=17", "--print") for _ in range(2))
    other = run_tenure("simulate", "--seed=18", "--print")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout != other.stdout
    assert first.stdout.startswith("seed 17\nseed 17, on_missing=")
    assert re.search(r"^no violation: [\d.]+ simulated hours, \d+ faults, ", first.stdout, re.MULTILINE)


def test_seeds_follow_one_another() -> None:
    done = run_tenure("simulate", "--seed=17", "--seeds=3", "--seconds=60", "--print")
    assert done.returncode == 0
    assert done.stdout.startswith("seeds 17 to 19\n")
    assert re.findall(r"^seed (\d+), ", done.stdout, re.MULTILINE) == ["17", "18", "19"]
    assert all(float(at) < 70 for at in re.findall(r"^at ([\d.]+)s ", done.stdout, re.MULTILINE))


def test_without_a_seed_it_is_a_fresh_one_and_named() -> None:
    first, second = (run_tenure("simulate", "--seeds=1", "--seconds=10") for _ in range(2))
    assert first.returncode == second.returncode == 0
    assert re.match(r"seed \d+\n", first.stdout)
    assert first.stdout.splitlines()[0] != second.stdout.splitlines()[0]


@pytest.mark.parametrize("options", ["", " --seconds=200"])
def test_a_violation_is_shown_and_can_be_played_again(options: str) -> None:
    done = run(f"tenure simulate --seed=3 --seeds=100 --core=own_election:Mended{options}")
    assert (done.returncode, done.stderr) == (1, "")
    [violation] = re.findall(r"^VIOLATION .+$", done.stdout, re.MULTILINE)
    assert re.search(r"\n\nThe shortest scenario found that shows the same:\n\nseed \d+, ", done.stdout)
    kind = re.escape(violation.partition("s ")[2].partition(":")[0])
    assert re.search(rf"\n\nAs a transcript:\n\n# .+\n\ncandidate (?s:.+)s VIOLATION: {kind}: ", done.stdout)

    [replay] = re.findall(r"^replay: (.+)$", done.stdout, re.MULTILINE)
    assert re.fullmatch(rf"tenure simulate --seed=\d+ --core=own_election:Mended{options}", replay)
    again = run(f"{replay} --no-shrink")
    assert again.returncode == 1
    assert violation in again.stdout
    assert "transcript" not in again.stdout
    assert "\nat " in again.stdout  # the whole scenario


def test_an_error_inside_a_core_shows_where(tmp_path: Path) -> None:
    (tmp_path / "raising.py").write_text(
        "from tenure.election import Election\n"
        "class Core(Election):\n"
        "    def receive_conflict(self, request, now):\n"
        "        raise KeyError('whose was it')\n"
    )
    done = run_tenure(
        "simulate", "--seed=1", "--seeds=50", "--core=raising:Core", "--no-shrink", PYTHONPATH=str(tmp_path)
    )
    assert done.returncode == 1
    assert re.search(r"^VIOLATION [\d.]+s failed with KeyError: 'whose was it'$", done.stdout, re.MULTILINE)
    assert 'raising.py", line 4, in receive_conflict' in done.stderr


def test_peers_are_simulated_as_well() -> None:
    first, second = (
        run_tenure("simulate", "--peers", "--seed=17", "--seeds=2", "--seconds=10", "--print")
        for _ in range(2)
    )
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    assert first.stdout.startswith("seeds 17 to 18\nseed 17, ")
    assert re.findall(r"^voters a, b, c", first.stdout, re.MULTILINE)
    assert re.search(r"^no violation: [\d.]+ simulated hours, \d+ faults, ", first.stdout, re.MULTILINE)


def test_a_violation_among_peers_is_shown_shrunk_and_can_be_played_again(tmp_path: Path) -> None:
    (tmp_path / "forgetful.py").write_text(
        "from tenure.peer.acceptor import Acceptor\n"
        "from tenure.testing.peers.seat import new_peer\n"
        "class Forgetful(Acceptor):\n"
        "    def _prepare(self, ballot, now):\n"
        "        return super(Forgetful, self._without_lease())._prepare(ballot, now)\n"
        "def peer(**options):\n"
        "    seat = new_peer(**options)\n"
        "    lease = seat.node.lease\n"
        "    lease.acceptor = lease.acceptor and Forgetful(*lease.acceptor)\n"
        "    return seat\n"
    )
    flags = ("--peers", "--core=forgetful:peer", "--seconds=30")
    done = run_tenure("simulate", "--seed=1", "--seeds=20", *flags, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, "")
    [violation] = re.findall(r"^VIOLATION .+ two valid terms: .+$", done.stdout, re.MULTILINE)
    short = done.stdout.partition("\n\nThe shortest scenario found that shows the same:\n\nseed ")[2]
    assert 0 < short.count("\nat ") < 20
    assert "ranscript" not in done.stdout

    [replay] = re.findall(r"^replay: tenure (.+)$", done.stdout, re.MULTILINE)
    assert re.fullmatch(r"simulate --seed=\d+ --peers --core=forgetful:peer --seconds=30", replay)
    again = run_tenure(*shlex.split(replay), "--no-shrink", PYTHONPATH=str(tmp_path))
    assert again.returncode == 1
    assert violation in again.stdout


def test_a_core_of_a_peer_may_be_anything_in_its_shape(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from tenure.testing.peers.seat import new_peer\n"
        "class Own:\n"
        "    def __init__(self, **options):\n"
        "        self._seat = new_peer(**options)\n"
        "    def __getattr__(self, name):\n"
        "        return getattr(self._seat, name)\n"
    )
    flags = ("--peers", "--core=own:Own", "--seconds=10", "--no-shrink")
    done = run_tenure("simulate", "--seed=17", *flags, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "no violation: " in done.stdout


@pytest.mark.parametrize("kind", [[], ["--peers"]])
def test_its_speed_is_told(kind: list[str]) -> None:
    done = run_tenure("simulate", "--speed", *kind)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"\d+ simulated seconds a second of processor time\n", done.stdout)


def test_the_core_of_a_peer_is_called_as_one() -> None:
    done = run_tenure("simulate", "--peers", "--core=tenure.election:Election")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be called as tenure.testing.peers.seat:new_peer is: " in done.stderr


@pytest.mark.parametrize(
    ("core", "said"),
    [
        ("no_such:Core", "--core=no_such:Core: No module named 'no_such' (expected MODULE:NAME)"),
        ("json", "--core=json: module 'json' has no attribute '' (expected MODULE:NAME)"),
        ("tenure.election:Nobody", "module 'tenure.election' has no attribute 'Nobody'"),
        ("json:loads", "--core=json:loads cannot be called as tenure.election:Election is: "),
        ("builtins:dict", "--core=builtins:dict makes no core: it has no state, newest, campaign, "),
        (":Core", "(expected MODULE:NAME)"),
        ("", "--core=: Empty module name (expected MODULE:NAME)"),
        (".here:Core", "--core=.here:Core: the 'package' argument is required"),
    ],
)
def test_a_core_that_is_none_is_one_line_and_status_2(core: str, said: str) -> None:
    done = run_tenure("simulate", f"--core={core}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


@pytest.mark.parametrize("option", ["--seed=x", "--seeds=0", "--seconds=0", "--seconds=nan", "--seconds=inf"])
def test_a_wrong_option_is_one_line_and_status_2(option: str) -> None:
    done = run_tenure("simulate", option)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_the_help_lists_the_exit_statuses() -> None:
    done = run_tenure("simulate", "--help")
    assert done.returncode == 0
    assert "0  no violation\n    1  a violation, which has been printed\n    2  wrong flags" in done.stdout
