"""The commands as a whole: help, version, the development server and the demo."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.devserver.api import Api
from tests.sidecar.process import eventually, run_tenure


def test_the_version() -> None:
    done = run_tenure("--version")
    assert (done.returncode, done.stdout) == (0, f"tenure {version('tenure')}\n")


@pytest.mark.parametrize("command", ["sidecar", "devserver", "demo", "simulate", "status", "watch"])
def test_help_has_examples_and_exit_statuses(command: str) -> None:
    assert re.search(rf"^  {command}\b", run_tenure("--help").stdout, re.MULTILINE)
    done = run_tenure(command, "--help")
    assert done.returncode == 0
    assert f"\n    tenure {command}" in done.stdout
    assert re.search(r"\n  Exit status:\n    \d ", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vote"], "tenure: No such command 'vote' (see tenure --help)"),
        (["devserver", "--port=99999"], "99999 is not in the range"),
        (["devserver", "--tls-key=x"], "--tls-key needs --tls-cert"),
        (["devserver", "--tls-cert=/no/such"], "cannot use the certificate /no/such"),
        (["devserver", "--port=0", "--kubeconfig=/no/such/file"], "cannot write the kubeconfig"),
        (["status", "a", "-A"], "--all-namespaces lists elections; leave the names out"),
        (["status", "--lock=endpointsleases"], "--lock=endpointsleases needs the names of its elections"),
        (["status", "-w", "--wait=1s"], "--watch waits anyway"),
        (["status", "--wait=soon"], "'soon' is no duration above 0"),
        (["watch"], "Missing argument 'NAME' (see tenure watch --help)"),
        (["demo", "extra"], "unexpected extra argument"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(arguments: list[str], said: str) -> None:
    done = run_tenure(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_without_a_command_it_shows_the_help() -> None:
    done = run_tenure()
    assert done.returncode == 2
    assert "Commands:" in done.stderr


def test_the_sidecar_loads_nothing_that_it_does_not_use() -> None:
    """Every Pod pays for what is loaded: its limit is 36 MiB, the TLS client included."""
    program = "import sys, tenure.cli.sidecar; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    unwanted = {
        "yaml",
        "starlette",
        "prometheus_client",
        "tenure.devserver",
        "tenure.locks.multi",
        "tenure.peer.discovery.static",
        "tenure.peer.node",
        "tenure.peer.udp",
        "tenure.testing",
    }
    assert not unwanted & set(loaded.split())


def test_the_devserver_serves_until_it_is_ended(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    command = [sys.executable, "-m", "tenure", "devserver", "--port=0", f"--kubeconfig={kubeconfig}"]
    with subprocess.Popen([*command, "--token=secret"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = process.stdout.readline()
        url = said.removeprefix("serving the Kubernetes API on ").strip()
        assert process.stdout.readline() == f"kubeconfig: {kubeconfig}\n"
        assert Api(url, token="secret").get("endpoints").code == 200
        assert Api(url).get("endpoints").code == 401
        taken = run_tenure("devserver", f"--port={url.rpartition(':')[2]}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert taken.returncode == 4
    assert "address already in use; choose another with --port" in taken.stderr


def test_the_demo_shows_two_takeovers_and_the_record() -> None:
    done = run_tenure("demo")
    assert (done.returncode, done.stderr) == (0, "")
    ended = re.search(r"SIGTERM to (\w+) +(\w+) leads after +\d+ ms", done.stdout)
    killed = re.search(r"SIGKILL to (\w+) +(\w+) leads after +\d+ ms", done.stdout)
    assert ended
    assert killed
    assert ended[2] == killed[1]
    assert {ended[1], killed[1], killed[2]} == {"ada", "bob", "cyn"}
    assert "\n  kind: Lease\n" in done.stdout
    assert f"\n    holderIdentity: {killed[2]}\n" in done.stdout


def test_the_demo_of_peers_shows_a_crash_a_partition_and_a_release() -> None:
    done = run_tenure("demo", "--peers")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    [first] = re.findall(r"^  (\w+)  leads ", text, re.MULTILINE)
    assert len(re.findall(r"^  \w+  follows ", text, re.MULTILINE)) == 4
    [(killed, second)] = re.findall(r"SIGKILL to (\w+)  (\w+) leads after +\d+ ms", text)
    assert killed == first != second
    assert re.search(rf"{first} is back, and follows after +\d+ ms", text)
    assert f"The network is parted: {second} and {first} here, " in text
    [(stopped, third)] = re.findall(r"(\w+) stops after +\d+ ms .*\n +(\w+) leads after +\d+ ms", text)
    assert stopped == second
    assert third not in (first, second)
    assert re.search(rf"all follow {third} after +\d+ ms", text)
    [(ended, last)] = re.findall(r"SIGTERM to (\w+)  (\w+) leads after +\d+ ms", text)
    assert ended == third != last
    answers = re.search(r"^Never did two lead at once: the five answered (\d+) times", text, re.MULTILINE)
    assert answers
    assert int(answers[1]) > 0


@pytest.mark.parametrize("demo", [["demo"], ["demo", "--peers"]])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_demo_ends_what_it_started_on_every_way_out(demo: list[str], number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tenure", *demo]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if "follows" in line:
                break
        children = _children(process.pid)
        members = 5 if "--peers" in demo else 3
        assert len(children) in (members - 1, members)  # the story may have ended its first leader by now
        process.send_signal(number)
        status = process.wait(60)
    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    eventually(lambda: not any(_is_alive(child) for child in children))


@pytest.mark.parametrize(("flags", "members"), [([], 3), (["--peers"], 5)])
def test_the_demo_is_kept_running_until_it_is_interrupted(flags: list[str], members: int) -> None:
    command = [sys.executable, "-m", "tenure", "demo", "--keep", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if "Ctrl-C" in line:
                break
        curls = [line.split()[-1] for line in lines if line.startswith("curl http")]
        assert len(curls) == members
        children = _children(process.pid)
        assert len(children) == members
        assert any(line.startswith("kubectl --kubeconfig=") for line in lines) == (not flags)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert not any(_is_alive(child) for child in children)


def _children(parent: int) -> list[int]:
    tasks = Path(f"/proc/{parent}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _is_alive(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
