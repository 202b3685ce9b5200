"""``/leader``, ``/healthz`` and ``/readyz`` while all is well."""

from __future__ import annotations

from tenure.clock import boot_time
from tests.devserver.api import Api
from tests.sidecar.conftest import MakeSidecar

_LEASES = "leases.coordination.k8s.io"


def test_the_leader_answers_200_with_the_end_of_its_term(sidecar: MakeSidecar) -> None:
    member = sidecar("a", "--lease-duration=30s", "--renew-deadline=20s")
    member.until_leading()
    sent_at = boot_time()
    answer = member.get("/leader").json
    received_at = boot_time()
    assert (answer["holder"], answer["identity"], answer["is_leader"]) == ("a", "a", True)
    assert answer["reason"] == ""
    # What a caller in the same time namespace computes by either way never exceeds the truth.
    assert sent_at + answer["valid_for_ms"] / 1000 <= answer["valid_until_boottime_s"]
    assert received_at + answer["valid_for_ms"] / 1000 > answer["valid_until_boottime_s"] - 0.002
    assert answer["valid_until_boottime_s"] <= received_at + 20


def test_a_follower_answers_503_and_names_the_leader(sidecar: MakeSidecar) -> None:
    sidecar("a").until_leading()
    follower = sidecar("b")
    follower.until_named("a")
    answer = follower.get("/leader")
    assert answer.status == 503
    assert answer.json["holder"] == "a"
    assert answer.json["identity"] == "b"
    assert answer.json["is_leader"] is False
    assert answer.json["valid_for_ms"] == 0
    assert answer.json["valid_until_boottime_s"] is None


def test_the_token_is_a_string_that_rises_with_each_term(sidecar: MakeSidecar) -> None:
    first = sidecar("a")
    token = first.until_leading()["token"]
    assert isinstance(token, str)
    second = sidecar("b")
    second.until_named("a")
    assert first.end() == 0
    assert int(second.until_leading()["token"]) > int(token)


def test_a_follower_knows_the_token_once_it_is_published(sidecar: MakeSidecar) -> None:
    token = sidecar("a", "--lease-duration=3s").until_leading()["token"]
    follower = sidecar("b", "--lease-duration=3s")
    assert follower.until("/leader", lambda answer: answer.json["token"] is not None).json["token"] == token


def test_leader_and_follower_are_healthy_and_ready(sidecar: MakeSidecar) -> None:
    leader = sidecar("a")
    leader.until_leading()
    follower = sidecar("b")
    follower.until_named("a")
    for member in (leader, follower):
        assert [member.get(path).status for path in ("/healthz", "/readyz")] == [200, 200]


def test_a_leader_that_is_overwritten_follows_at_once(sidecar: MakeSidecar, api: Api) -> None:
    member = sidecar("a")
    member.until_leading()
    # A record that another writes is a loss at once, and the next answer says so.
    lease = api.get(_LEASES, "example").body
    lease["spec"] |= {"holderIdentity": "intruder", "renewTime": "2030-01-01T00:00:00.000000Z"}
    assert api.put(_LEASES, lease).code == 200
    member.until_named("intruder")
    assert member.get("/leader").status == 503
