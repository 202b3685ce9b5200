"""What a Pod knows of itself."""

from __future__ import annotations

import socket

import pytest

from tenure.errors import ConfigurationError
from tenure.pod import own_host, own_name


def test_the_own_name_is_that_of_the_pod_else_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_name() == socket.gethostname()
    monkeypatch.setenv("POD_NAME", "reports-0")
    assert own_name() == "reports-0"


@pytest.mark.parametrize(
    ("told", "host"), [(None, None), ("", None), ("10.0.0.1", "10.0.0.1"), ("FD00:0::1", "fd00::1")]
)
def test_the_own_address_is_that_of_the_pod_or_unknown(
    monkeypatch: pytest.MonkeyPatch, told: str | None, host: str | None
) -> None:
    if told is not None:
        monkeypatch.setenv("POD_IP", told)
    assert own_host() == host


def test_an_own_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_IP", "status.podIP")
    with pytest.raises(ConfigurationError) as caught:
        own_host()
    assert str(caught.value) == (
        "POD_IP='status.podIP' is no address: fill it from status.podIP, or leave it out"
    )
