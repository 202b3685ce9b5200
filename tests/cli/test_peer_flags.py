"""The flags of peers: what is wrong with any of them is one clear line, and status 2."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tenure.cli.root import run

THREE = "a=127.0.0.1:7411,b=127.0.0.1:7412,c=127.0.0.1:7413"
Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def outside_of_a_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("POD_NAME", "POD_IP", "POD_NAMESPACE", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    return path


def fault(said: Said, *flags: str, command: tuple[str, ...] = ("sidecar",)) -> str:
    """Return the one line that the command says of its flags."""
    end = ("--", "true") if command == ("run",) else ()
    assert run([*command, "--election=x", *flags, *end], "tenure", None) == 2
    printed = said.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("tenure: ")
    assert printed.err.count("\n") == 1
    return printed.err.removeprefix("tenure: ").rstrip("\n")


@pytest.mark.parametrize("command", ["sidecar", "run"])
@pytest.mark.parametrize(
    "flag",
    [
        "--peers-alone",
        "--peers-secret=x",
        "--peers-voters=a,b,c",
        "--peers-listen=:7411",
        "--peers-epoch=1",
        "--peers-previous-voters=a,b,c",
        "--peers-longest-lease=3s",
        "--peers-on-outage=elect",
    ],
)
def test_without_peers_they_mean_nothing(capsys: Said, command: str, flag: str) -> None:
    name = flag.partition("=")[0]
    assert fault(capsys, flag, command=(command,)) == (
        f"{name} needs --peers=WHERE (see tenure {command} --help)"
    )


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("", "'': host or port is missing: HOST:PORT; write endpointslices:SERVICE, "),
        ("reports", "'reports': host or port is missing: HOST:PORT; write endpointslices:SERVICE, "),
        ("a=127.0.0.1:0", "port 0 is none: ports go from 1 to 65535; write "),
        ("a=1.2.3.4:1,a=1.2.3.4:2", "two peers have the name 'a'; write "),
        ("a=::1:7411", "an IPv6 address stands in brackets: "),
        ("endpointslices:a/b/c", "'a/b/c' is no Service: [NAMESPACE/]SERVICE[:PORT]"),
        ("endpoints:Reports", "Reports"),
        ("dns:reports", "'reports': host or port is missing: HOST:PORT"),
        ("dns:reports-[0-x].reports:7411", "names no Pods of a StatefulSet: dns:SET-[0-LAST].SERVICE:PORT"),
        ("file:/no/such", "file /no/such: cannot be read: No such file or directory"),
    ],
)
def test_where_they_are(capsys: Said, secret: Path, tmp_path: Path, where: str, said: str) -> None:
    config = tmp_path / ".kube" / "config"
    config.parent.mkdir()
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: dev\n"
        "clusters: [{name: dev, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "contexts: [{name: dev, context: {cluster: dev, user: dev}}]\n"
        "users: [{name: dev, user: {token: abc}}]\n"
    )
    assert said in fault(capsys, f"--peers={where}", f"--peers-secret={secret}", "--peers-alone")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--peers-voters=a,b"], "there must be 3 or 5 voters (or 1 for a trial), not 2"),
        (["--peers-voters=a,b,a"], "voters must be distinct names, not a, b, a"),
        (["--peers-voters="], "'--peers-voters': '' is no list of names; write NAME,NAME,NAME"),
        (["--peers-voters=3", "--id=web"], "'web' is none (NAME-0, NAME-1, …): name the voters instead"),
        (["--peers-voters=4", "--id=web-0"], "there must be 3 or 5 voters (or 1 for a trial), not 4"),
        (["--peers-previous-voters=a,b,c"], "previous voters need an epoch above 0"),
        (["--peers-previous-voters=a,,c"], "'--peers-previous-voters': 'a,,c' is no list of names"),
        (["--peers-epoch=-1"], "'--peers-epoch': -1 is not in the range"),
        (["--peers-epoch=new"], "'--peers-epoch': 'new' is not a valid integer"),
        (["--peers-longest-lease=2s"], "the longest lease (2 s) must be at least 2.03 s for a lease of 2 s"),
        (["--peers-longest-lease=3"], "'--peers-longest-lease': '3' is no duration above 0"),
        (["--lease-duration=3s", "--peers-longest-lease=3s"], "at least 3.04 s for a lease of 3 s"),
        (["--peers-on-outage=elect"], "on_outage is about the API, which peers that are alone do not ask"),
        (["--peers-on-outage=stop"], "'--peers-on-outage': 'stop' is not one of 'wait', 'elect'"),
        (["--peers-voters=a,b,x"], "x cannot vote: list of 3 peers names a, b, c"),
        (
            ["--peers-voters=3", "--id=web-0"],
            "web-0, web-1, web-2 cannot vote: list of 3 peers names a, b, c",
        ),
        (
            ["--id=host-1"],
            "this candidate is called 'host-1', and list of 3 peers names a, b, c: give it its name there",
        ),
        (
            ["--peers-previous-voters=a,b", "--peers-epoch=1"],
            "name all that voted before, which were 3 or 5: not a, b",
        ),
        (
            ["--peers-listen=x"],
            "'--peers-listen': 'x' is no address to listen on; write HOST:PORT, :PORT or ",
        ),
        (["--peers-listen=7411"], "'--peers-listen': '7411' is no address to listen on; "),
        (["--peers-listen=::1:7411"], "'--peers-listen': '::1:7411' is no address to listen on; "),
        (
            ["--peers-listen=127.0.0.1:65536"],
            "'--peers-listen': '127.0.0.1:65536' is no address to listen on",
        ),
        (["--peers-listen=203.0.113.1:7411"], "cannot receive datagrams at 203.0.113.1:7411: "),
        (["--lock=lease"], "--lock and --peers exclude each other"),
        (["--on-missing=wait"], "on_missing is about a record that peers do without"),
        (["--candidates"], "candidates are written to the API, which Peers as `where` do without"),
    ],
)
def test_what_else_is_wrong(capsys: Said, secret: Path, flags: list[str], said: str) -> None:
    given = (f"--peers={THREE}", f"--peers-secret={secret}", "--peers-alone", "--id=a", *flags)
    assert said in fault(capsys, *given)


def test_who_has_no_vote_takes_part_where_the_voters_are_named(capsys: Said, secret: Path) -> None:
    given = (
        f"--peers={THREE}",
        f"--peers-secret={secret}",
        "--peers-alone",
        "--id=d",
        "--peers-voters=a,b,c",
    )
    # Only the address stops it.
    assert fault(capsys, *given, "--peers-listen=203.0.113.1:7411").startswith("cannot receive datagrams at ")


def test_it_does_not_listen_where_nobody_looks(capsys: Said, secret: Path) -> None:
    said = fault(capsys, f"--peers={THREE}", f"--peers-secret={secret}", "--peers-alone", "--id=b")
    assert said == (
        "the others look for 'b' at port 7412, and it would listen at 7411: "
        "say where (--peers-listen, or listen), such as :7412."
    )


def test_without_a_configuration_it_says_how_to_do_without_the_api(capsys: Said, secret: Path) -> None:
    said = fault(capsys, f"--peers={THREE}", f"--peers-secret={secret}", "--id=a")
    assert said.startswith("not in a Pod, and cannot read kubeconfig ")
    assert said.endswith("; peers that need no API server are started with --peers-alone")


def test_voters_are_named_where_the_peers_are_not_known(capsys: Said, secret: Path) -> None:
    said = fault(capsys, "--peers=dns:reports:7411", f"--peers-secret={secret}", "--peers-alone")
    assert said.startswith("voters are needed: DNS records of reports names 0 peers, and 3 or 5 of them vote")


@pytest.mark.parametrize("command", ["sidecar", "run"])
def test_the_secret_is_needed(capsys: Said, command: str) -> None:
    said = fault(capsys, f"--peers={THREE}", "--peers-alone", command=(command,))
    assert said.startswith("--peers needs --peers-secret=FILE, the same for all: head -c 32 /dev/urandom")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read {path}: No such file or directory; it should hold the secret of all members"),
        ("", "{path} is empty; make a secret with: head -c 32 /dev/urandom | base64 > {path}"),
        ("short", "{path}: line 1 has 5 characters, but a secret needs at least 32; make a secret with: "),
        ("x" * 32 + "\n" + "y" * 32 + "\n" + "z" * 32, "{path} holds 3 secrets, but only 2 can be valid at "),
    ],
)
def test_the_secret_is_in_order(capsys: Said, tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "own-secret"
    if content is not None:
        path.write_text(content)
    line = fault(capsys, f"--peers={THREE}", f"--peers-secret={path}", "--peers-alone", "--id=a")
    assert line.startswith(said.format(path=path))


def test_an_address_that_is_taken_is_named(capsys: Said, secret: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        given = (f"--peers={THREE}", f"--peers-secret={secret}", "--peers-alone", "--id=a")
        said = fault(capsys, *given, f"--peers-listen={address}")
    assert said == (
        f"cannot receive datagrams at {address}: address already in use; choose another address to listen at"
    )


def test_a_pod_address_that_is_none_is_named(
    capsys: Said, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_IP", "$(POD_IP)")
    said = fault(capsys, f"--peers={THREE}", f"--peers-secret={secret}", "--peers-alone", "--id=a")
    assert said.startswith("POD_IP='$(POD_IP)' is no address: fill it from status.podIP")
