"""What a member is constructed with, and the one line that tells what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tenure import ConfigurationError
from tenure.peer.democracy.options import Options

SOURCE = "10.0.0.1:12345"


def test_defaults_are_those_of_democracy_js() -> None:
    options = Options(source=SOURCE)
    assert (options.interval, options.timeout, options.max_packet_size) == (1.0, 3.0, 508)


def test_peers_are_taken_once_and_without_oneself() -> None:
    options = Options(source=SOURCE, peers=["10.0.0.2:1", SOURCE, "10.0.0.2:1", "10.0.0.2:2"])
    assert options.configured == (("10.0.0.2", 1), ("10.0.0.2", 2))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"source": "0.0.0.0:12345"}, "source: '0.0.0.0:12345' names no machine: write the address by which"),
        ({"source": "pod-0:12345"}, "source: 'pod-0:12345' is no address: write a numeric IPv4 address"),
        ({"source": "10.0.0.1"}, "is no address"),
        ({"source": ":12345"}, "is no address"),
        ({"source": "10.0.0.1:0"}, "is no address"),
        ({"source": "10.0.0.1:65536"}, "is no address"),
        ({"source": "10.0.0.1: 1"}, "is no address"),
        ({"source": "[::1]:12345"}, "is no address"),
        ({"source": "224.0.0.1:12345"}, "is not the address of one machine"),
        ({"peers": ["10.0.0.2:1", "0.0.0.0:12346"]}, "peers: '0.0.0.0:12346' names no machine"),
        ({"peers": "10.0.0.2:1"}, "peers must be a list, not '10.0.0.2:1'"),
        ({"channels": "news"}, "channels must be a list"),
        ({"channels": ["x"] * 65}, "channels must be at most 64"),
        ({"channels": ["x" * 257]}, "choose another name"),
        ({"channels": ["elected"]}, "no event or channel may be named 'elected'"),
        ({"weight": 0}, "weight must be a number above 0, not 0"),
        ({"weight": float("inf")}, "weight must be"),
        ({"weight": True}, "weight must be"),
        ({"identity": ""}, "identity must have 1 to 256 characters"),
        ({"identity": "x" * 257}, "identity must have"),
        ({"interval": 0}, "interval must be a positive number of seconds, not 0"),
        ({"timeout": "3"}, "timeout must be a positive number of seconds, not '3'"),
        ({"timeout": 1}, r"timeout \(1 s\) must be longer than interval \(1 s\)"),
        ({"max_packet_size": 100}, "max_packet_size must be from 308 to 20000"),
        ({"max_packet_size": 500.5}, "max_packet_size must be"),
    ],
)
def test_what_cannot_work(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        Options(**{"source": SOURCE, **given})
