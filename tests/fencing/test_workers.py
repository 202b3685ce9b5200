"""The middleware under real servers with several workers: what they accept, and in what order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tenure import FencingToken
from tests.fencing.service import ELECTION, SERVERS, Service, serving
from tests.fencing.writes import Write, violations

OLD, NEW = FencingToken(0, 4, ELECTION), FencingToken(0, 5, ELECTION)
WRITERS, WRITES = 5, 12


@pytest.mark.parametrize("server", SERVERS)
def test_many_writers_of_two_terms_at_once(server: str, tmp_path: Path) -> None:
    acknowledged: list[Write] = []
    workers: set[str] = set()
    halfway = threading.Event()

    def write(service: Service, token: FencingToken, name: str) -> int:
        """Write until it is refused, or has written enough; return the last status."""
        for number in range(WRITES if token is NEW else 10**6):
            entry = Write(int(token), f"{name}.{number}")
            answer = service.post(token, entry.name)
            if answer.status_code != 200:
                return answer.status_code
            acknowledged.append(entry)
            workers.add(answer.text)
            if len(acknowledged) > 3 * WRITERS:
                halfway.set()
        return 200

    with serving(server, tmp_path) as service, ThreadPoolExecutor(2 * WRITERS) as pool:
        older = [pool.submit(write, service, OLD, f"old-{number}") for number in range(WRITERS)]
        assert halfway.wait(60)
        newer = [pool.submit(write, service, NEW, f"new-{number}") for number in range(WRITERS)]
        assert [each.result() for each in newer] == [200] * WRITERS
        assert [each.result() for each in older] == [412] * WRITERS
        history = service.history()
    assert violations(history, acknowledged) == []
    assert len(history) == len(acknowledged)
    assert {write.token for write in history} == {4, 5}
    assert len(workers) > 1


@pytest.mark.parametrize("server", SERVERS)
def test_a_later_term_waits_for_the_request_of_an_earlier_one(server: str, tmp_path: Path) -> None:
    history, acknowledged = overtake(server, tmp_path, leaks=False)
    assert violations(history, acknowledged) == []
    assert [write.name for write in history] == ["linger", "new"]


@pytest.mark.parametrize("server", SERVERS)
def test_a_fence_that_is_not_held_lets_an_earlier_term_write_after_a_later_one(
    server: str, tmp_path: Path
) -> None:
    history, acknowledged = overtake(server, tmp_path, leaks=True)
    assert violations(history, acknowledged) == ["4:linger was accepted after 5:new"]


def overtake(server: str, folder: Path, *, leaks: bool) -> tuple[list[Write], list[Write]]:
    """Send a request of a later term while a slow one of an earlier term is being handled."""
    with serving(server, folder, leaks=leaks) as service, ThreadPoolExecutor(1) as pool:
        late = pool.submit(service.post, OLD, "linger")
        service.wait_lingering()
        assert service.post(NEW, "new").status_code == 200
        assert late.result().status_code == 200
        return service.history(), [Write(4, "linger"), Write(5, "new")]


@pytest.mark.parametrize("server", SERVERS)
def test_the_fence_survives_a_restart(server: str, tmp_path: Path) -> None:
    with serving(server, tmp_path) as service:
        assert service.post(NEW, "new").status_code == 200
    with serving(server, tmp_path) as service:
        answer = service.post(OLD, "late")
        assert (answer.status_code, answer.headers["content-type"]) == (412, "application/problem+json")
        assert "has seen token 5 of default/reports and refuses 4" in answer.json()["detail"]
        assert [write.name for write in service.history()] == ["new"]


@pytest.mark.parametrize("server", SERVERS)
def test_a_large_body_arrives_as_it_was_sent(server: str, tmp_path: Path) -> None:
    name = "x" * 3_000_000
    with serving(server, tmp_path) as service:
        headers = {"Tenure-Fencing-Token": "5"}
        in_pieces = (name[start : start + 99_999].encode() for start in range(0, len(name), 99_999))
        assert httpx.post(service.url, content=in_pieces, headers=headers).status_code == 200
        assert service.post(NEW, name).status_code == 200
        assert service.history() == [Write(5, name)] * 2
