"""What fuzzing has found in the decoders of records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tenure.errors import LockUnavailableError
from tenure.locks.annotation import AnnotationCodec
from tenure.locks.blackboard import BlackboardCodec
from tenure.locks.codec import Codec
from tenure.locks.lease import LeaseCodec
from tenure.record import UnreadableRecord, Versioned
from tests.fuzz.seeds import CODECS, objects_of
from tests.fuzz.values import encode_json
from tests.fuzz.wire import Wire, run, session_on


def ours(codec: Codec) -> dict[str, Any]:
    """Return an object as tenure writes it."""
    return objects_of(codec)[1]


def read(codec: Codec, obj: Any) -> Versioned:
    """Read it as an answer of the API server."""
    return run(session_on(Wire(200, {}, [encode_json(obj).encode()]), codec).read(timeout=1))


def reason(codec: Codec, obj: Any) -> str:
    """Return why it cannot be read."""
    record = read(codec, obj).record
    assert isinstance(record, UnreadableRecord)
    return record.reason


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("labels", [5, "app=web", ["app"]])
def test_labels_that_no_write_can_be_merged_into_make_the_record_unreadable(
    codec: Codec, labels: Any
) -> None:
    obj = ours(codec)
    obj["metadata"]["labels"] = labels
    assert "labels is" in reason(codec, obj)


@pytest.mark.parametrize("version", ["9" * 5000, "", None, 41, ["41"]])
def test_a_version_that_is_no_number_or_beyond_all_numbers_is_no_answer(version: Any) -> None:
    obj = ours(LeaseCodec())
    obj["metadata"]["resourceVersion"] = version
    with pytest.raises(LockUnavailableError, match="has the version"):
        read(LeaseCodec(), obj)


@pytest.mark.parametrize("name", ["a\ud800", 0, False, []])
def test_a_name_on_the_blackboard_that_is_no_text_is_held_not_free(name: Any) -> None:
    obj = ours(BlackboardCodec())
    obj["data"]["leader"] = name
    assert "data.leader is" in reason(BlackboardCodec(), obj)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("mark", [10**400, 5, True, None, "9" * 25, "1e999"])
def test_a_duration_that_is_no_text_or_too_long_leaves_the_integer(codec: Codec, mark: Any) -> None:
    obj = ours(codec)
    obj["metadata"]["annotations"]["tenure.dev/lease-duration"] = mark
    decoded = codec.decode(obj)
    assert decoded.lease_duration == 1
    assert decoded.attempt


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("depth", [200, 450, 950, 5000])
@pytest.mark.parametrize("kind", ["array", "object"])
def test_an_object_nested_beyond_all_recursion_is_no_answer(codec: Codec, depth: int, kind: str) -> None:
    obj = ours(codec)
    obj["theirs"] = f"nested {kind} {depth}"
    with pytest.raises(LockUnavailableError, match="the answer is no"):
        read(codec, obj)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_cannot_be_sent_back_is_no_answer(number: str) -> None:
    text = json.dumps({**ours(LeaseCodec()), "theirs": "?"}).replace('"?"', number)
    with pytest.raises(LockUnavailableError, match="the answer is no Lease"):
        run(session_on(Wire(200, {}, [text.encode()]), LeaseCodec()).read(timeout=1))


def test_json_in_an_annotation_that_is_nested_too_deeply_is_held() -> None:
    codec = next(codec for codec in CODECS if isinstance(codec, AnnotationCodec))
    obj = ours(codec)
    deep = '{"holderIdentity":' + "[" * 700 + "]" * 700 + "}"
    obj["metadata"]["annotations"]["control-plane.alpha.kubernetes.io/leader"] = deep
    assert "not JSON" in reason(codec, obj)
