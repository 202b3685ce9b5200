"""What the documents show is run, and what they point to exists."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.cli.sidecar import command as sidecar
from tenure.kubernetes.kubeconfig import load_kubeconfig

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), *(ROOT / "examples").glob("*.md")]
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#([^)]+))?\)")
ANCHOR = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Variables, and the fixtures that know them.
SERVERS = {"DATABASE_URL": "database", "REDIS_URL": "redis_url", "POD_IP": "pod_ip"}
README_LINES = 66  # one screen of a tall window


def examples() -> list[pytest.param]:  # type: ignore[valid-type]
    return [
        pytest.param(code, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, code in enumerate(EXAMPLE.findall(page.read_text()), 1)
    ]


@pytest.fixture
def pod_ip() -> str:
    """An address of the loopback that no other test has: a port of its own for everybody."""
    return "127." + ".".join(str(secrets.randbelow(254) + 1) for _ in range(3))


@pytest.mark.parametrize("code", examples())
def test_an_example_runs(code: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Without a cluster, and with every warning an error."""
    environment = {**os.environ, "TENURE_LOCK": "memory"}
    environment |= {name: request.getfixturevalue(server) for name, server in SERVERS.items() if name in code}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def anchors(page: Path) -> set[str]:
    titles = ANCHOR.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        there = page.parent / target
        assert there.exists(), f"{page.name} points to {target}, which does not exist"
        if anchor:
            assert anchor in anchors(there), f"{page.name} points to {target}#{anchor}"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "--peers" in page.read_text()], ids=lambda p: p.name
)
def test_flags_of_peers_exist(page: Path) -> None:
    known = {name for option in sidecar.params for name in option.opts}
    used = set(re.findall(r"--peers(?:-[a-z]+)*", page.read_text()))
    assert used <= known, f"{page.name} shows flags that do not exist"


def test_the_readme_fits_one_screen() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def test_a_kubeconfig_may_be_named_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/how-to.md does it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: dev\n"
        "clusters: [{name: dev, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "contexts: [{name: dev, context: {cluster: dev, user: dev}}]\n"
        "users: [{name: dev, user: {token: abc}}]\n"
    )
    assert load_kubeconfig("~/config", "dev").server == "http://127.0.0.1:1"
