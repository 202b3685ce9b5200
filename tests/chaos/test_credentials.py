"""Shows on the real API server that tokens are refused when they should be, and good again afterwards."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.chaos.credentials import TokenExpired, TokenFile, TokenRotated, sign
from tests.chaos.credentials import _claims as claims_of
from tests.cluster.server import ApiError, Cluster, ServiceAccount

pytestmark = pytest.mark.cluster

GIVE_UP_S = 120  # the API server believes in a token for 10 s


@pytest.fixture
def tokens(cluster: Cluster, account: ServiceAccount, tmp_path: Path) -> TokenFile:
    return TokenFile(cluster, account, tmp_path / "token")


def is_accepted(cluster: Cluster, account: ServiceAccount, token: str) -> bool:
    try:
        cluster.request("GET", f"/api/v1/namespaces/{account.namespace}/configmaps", token=token)
    except ApiError as error:
        if error.status != 401:  # such as 403, which would say that the token is good
            raise
        return False
    return True


def wait_until_accepted(cluster: Cluster, account: ServiceAccount, token: str, expected: bool) -> None:
    deadline = time.monotonic() + GIVE_UP_S
    while is_accepted(cluster, account, token) is not expected:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def seed_for(fault: TokenExpired | TokenRotated, word: str) -> random.Random:
    """Return one that makes the fault choose the variant with that word."""
    for seed in range(100):
        if word in fault.begin(random.Random(seed)):
            fault.end()
            return random.Random(seed)
    raise AssertionError(f"{fault.name} is never {word}")


@pytest.mark.parametrize("word", ["expired,", "revoked,"])
def test_an_expired_token_is_refused_and_a_new_one_follows(
    cluster: Cluster, account: ServiceAccount, tokens: TokenFile, tmp_path: Path, word: str
) -> None:
    fault = TokenExpired(tokens, "b")
    rng = seed_for(fault, word)
    before = (tmp_path / "token").read_text()
    wait_until_accepted(cluster, account, before, True)
    assert word in fault.begin(rng)
    bad = (tmp_path / "token").read_text()
    assert (claims_of(bad)["exp"] < time.time()) is (word == "expired,")
    wait_until_accepted(cluster, account, bad, False)
    wait_until_accepted(cluster, account, before, False)  # also for those who keep it in memory
    fault.end()
    fault.end()
    after = (tmp_path / "token").read_text()
    assert after not in (before, bad)
    wait_until_accepted(cluster, account, after, True)


def test_it_is_the_time_alone_that_is_wrong_with_an_expired_token(
    cluster: Cluster, account: ServiceAccount, tokens: TokenFile, tmp_path: Path
) -> None:
    good = (tmp_path / "token").read_text()
    wait_until_accepted(cluster, account, good, True)
    claims = claims_of(good)
    hour_s = 3600  # the API server grants a minute
    in_time = sign(cluster, {**claims, "exp": claims["iat"] + hour_s}, like=good)
    too_late = sign(cluster, {**claims, "exp": claims["iat"] - hour_s}, like=good)
    assert is_accepted(cluster, account, in_time)
    assert not is_accepted(cluster, account, too_late)


@pytest.mark.parametrize(("word", "is_still_good"), [("revoked", False), ("still good", True)])
def test_a_rotated_token_is_another_valid_one(
    cluster: Cluster,
    account: ServiceAccount,
    tokens: TokenFile,
    tmp_path: Path,
    word: str,
    is_still_good: bool,
) -> None:
    fault = TokenRotated(tokens, "b")
    rng = seed_for(fault, word)
    before = (tmp_path / "token").read_text()
    assert word in fault.begin(rng)
    after = (tmp_path / "token").read_text()
    assert after != before
    wait_until_accepted(cluster, account, after, True)
    wait_until_accepted(cluster, account, before, is_still_good)
    fault.end()
    assert (tmp_path / "token").read_text() == after


def test_a_rotation_does_not_end_an_expiry(tokens: TokenFile, tmp_path: Path) -> None:
    expiry = TokenExpired(tokens, "b")
    expiry.begin(random.Random(1))
    bad = (tmp_path / "token").read_text()
    TokenRotated(tokens, "b").begin(random.Random(1))
    assert (tmp_path / "token").read_text() == bad
    expiry.end()
    assert (tmp_path / "token").read_text() != bad


def test_nothing_is_raised_when_the_victim_is_gone(
    cluster: Cluster, account: ServiceAccount, tmp_path: Path
) -> None:
    folder = tmp_path / "place"
    folder.mkdir()
    fault = TokenExpired(TokenFile(cluster, account, folder / "token"), "b")
    (folder / "token").unlink()
    folder.rmdir()
    fault.begin(random.Random(1))
    fault.end()
    assert not folder.exists()


def test_an_api_server_that_does_not_answer_is_said(
    cluster: Cluster, tokens: TokenFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (tmp_path / "token").read_text()

    def no_answer(*args: object, **kwargs: object) -> None:
        raise TimeoutError("no answer")

    monkeypatch.setattr(cluster, "request", no_answer)
    assert "no answer" in TokenExpired(tokens, "b").begin(random.Random(1))
    assert "no answer" in TokenRotated(tokens, "b").begin(random.Random(1))
    assert (tmp_path / "token").read_text() == before
