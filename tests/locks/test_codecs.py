"""The codecs byte by byte, against JSON that client-go v0.23 itself marshalled (golden/)."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tenure.kubernetes.resource import CONFIGMAPS
from tenure.locks.annotation import AnnotationCodec
from tenure.locks.blackboard import BlackboardCodec
from tenure.locks.codec import Codec, UndecodableError
from tenure.locks.lease import LeaseCodec
from tenure.record import Attempt, Record
from tenure.token import FencingToken

LEADER = "control-plane.alpha.kubernetes.io/leader"
LIVENESS = "tenure.dev/liveness"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GOLDEN = [
    json.loads(line)
    for line in (Path(__file__).parent / "golden" / "client_go_v0.23.jsonl").read_text().split("\n")
    if line
]
CONFIGMAP = AnnotationCodec(CONFIGMAPS)
TIME = datetime(2026, 11, 21, 7, 31, tzinfo=UTC)
RECORD = Record(
    holder="a",
    lease_duration=0.5,
    transitions=3,
    acquire_time=TIME,
    renew_time=TIME,
    attempt=Attempt("f0", 7),
    token=FencingToken(0, 123),
)
CODECS: list[Codec] = [LeaseCodec(), CONFIGMAP, BlackboardCodec()]


def blank() -> dict[str, Any]:
    return {"metadata": {"name": "x", "namespace": "ns"}}


def encoded(codec: Codec, record: Record) -> dict[str, Any]:
    obj = blank()
    codec.encode(record, obj)
    return obj


def golden_record(golden: dict[str, Any]) -> Record:
    return Record(
        holder=golden["holder"],
        lease_duration=golden["seconds"],
        transitions=golden["transitions"],
        acquire_time=EPOCH + timedelta(microseconds=golden["acquire_us"]),
        renew_time=EPOCH + timedelta(microseconds=golden["renew_us"]),
    )


def by_the_second(record: Record) -> Record:
    assert record.acquire_time
    assert record.renew_time
    return replace(
        record,
        acquire_time=record.acquire_time.replace(microsecond=0),
        renew_time=record.renew_time.replace(microsecond=0),
    )


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: ascii(golden["holder"]))
def test_the_annotation_is_byte_for_byte_that_of_client_go(golden: dict[str, Any]) -> None:
    obj = encoded(CONFIGMAP, golden_record(golden))
    assert obj == {"metadata": {**blank()["metadata"], "annotations": {LEADER: golden["annotation"]}}}
    assert CONFIGMAP.decode(obj) == by_the_second(golden_record(golden))


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: ascii(golden["holder"]))
def test_the_lease_spec_is_that_of_client_go(golden: dict[str, Any]) -> None:
    obj = encoded(LeaseCodec(), golden_record(golden))
    assert list(obj["spec"].items()) == list(json.loads(golden["spec"]).items())
    assert LeaseCodec().decode(obj) == golden_record(golden)


def test_the_blackboard_shows_the_name_and_keeps_liveness_beside_it() -> None:
    text = (
        '{"holderIdentity":"a","leaseDurationSeconds":1,"acquireTime":"2026-11-21T07:31:00Z",'
        '"renewTime":"2026-11-21T07:31:00Z","leaderTransitions":3}'
    )
    obj = encoded(BlackboardCodec(), RECORD)
    assert obj["data"] == {"leader": "a"}
    assert obj["metadata"]["annotations"] == {
        LIVENESS: text,
        "tenure.dev/attempt": "f0/7@2026-11-21T07:31:00Z",
        "tenure.dev/lease-duration": "0.5",
        "tenure.dev/token": "123",
    }


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_encoded_is_decoded_again(codec: Codec) -> None:
    assert codec.decode(encoded(codec, RECORD)) == RECORD


@pytest.mark.parametrize("codec", CODECS)
def test_the_integer_field_is_the_ceiling(codec: Codec) -> None:
    for duration, whole in [(0.001, 1), (0.5, 1), (1.0, 1), (1.001, 2), (15, 15)]:
        obj = encoded(codec, replace(RECORD, lease_duration=duration, attempt=None, token=None))
        assert codec.decode(obj).lease_duration == whole


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("duration", [None, 0, -1, math.inf, math.nan])
def test_a_record_is_never_written_without_a_duration(codec: Codec, duration: float | None) -> None:
    with pytest.raises(ValueError, match="lease_duration"):
        encoded(codec, replace(RECORD, lease_duration=duration))


@pytest.mark.parametrize("codec", CODECS)
def test_marks_of_an_older_write_do_not_count(codec: Codec) -> None:
    obj = encoded(codec, RECORD)
    marks = {
        key: value for key, value in obj["metadata"]["annotations"].items() if key.startswith("tenure.dev")
    }
    marks.pop(LIVENESS, None)
    # A client-go candidate of the same name renews, and keeps the annotations that it does not know.
    foreign = replace(
        RECORD, lease_duration=15, renew_time=TIME + timedelta(seconds=2), attempt=None, token=None
    )
    codec.encode(foreign, obj)
    obj["metadata"]["annotations"].update(marks)
    assert codec.decode(obj) == foreign


@pytest.mark.parametrize("codec", CODECS)
def test_without_an_attempt_the_marks_are_removed(codec: Codec) -> None:
    obj = encoded(codec, RECORD)
    codec.encode(replace(RECORD, attempt=None), obj)
    assert "tenure.dev/attempt" not in obj["metadata"]["annotations"]
    assert "tenure.dev/lease-duration" not in obj["metadata"]["annotations"]
    assert "tenure.dev/token" not in obj["metadata"]["annotations"]


@pytest.mark.parametrize("codec", CODECS)
def test_a_record_without_token_removes_that_of_the_last_term(codec: Codec) -> None:
    obj = encoded(codec, RECORD)
    codec.encode(replace(RECORD, token=None), obj)
    assert "tenure.dev/token" not in obj["metadata"]["annotations"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("text", ["", "@", "f0/7", "f0@{}", "f0/x@{}", "/7@{}", "f0/7@{} "])
def test_an_attempt_that_cannot_be_read_does_not_count(codec: Codec, text: str) -> None:
    obj = encoded(codec, RECORD)
    annotations = obj["metadata"]["annotations"]
    renew_time = annotations["tenure.dev/attempt"].rpartition("@")[2]
    annotations["tenure.dev/attempt"] = text.format(renew_time)
    decoded = codec.decode(obj)
    assert (decoded.attempt, decoded.token, decoded.lease_duration) == (None, None, 1)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("text", ["", "nan", "inf", "-1", "0", "soon"])
def test_an_exact_duration_that_cannot_be_read_leaves_the_integer(codec: Codec, text: str) -> None:
    obj = encoded(codec, RECORD)
    obj["metadata"]["annotations"].update({"tenure.dev/lease-duration": text, "tenure.dev/token": text})
    decoded = codec.decode(obj)
    assert decoded.lease_duration == 1
    assert decoded.attempt == RECORD.attempt


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("obj", [{}, {"metadata": {}}, {"metadata": {"annotations": None}}, {"spec": {}}])
def test_an_object_without_a_record_is_free(codec: Codec, obj: dict[str, Any]) -> None:
    assert codec.decode(obj) == Record(holder="")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"a"',
        "[" * 100_000,
        '{"leaseDurationSeconds":NaN}',
        '{"holderIdentity":5}',
        '{"holderIdentity":"\\ud800"}',
        '{"leaseDurationSeconds":-5}',
        '{"leaseDurationSeconds":15.0}',
        '{"leaseDurationSeconds":true}',
        '{"leaseDurationSeconds":"15"}',
        '{"leaseDurationSeconds":9223372036854775808}',
        '{"leaderTransitions":-1}',
        '{"renewTime":""}',
        '{"renewTime":5}',
        '{"renewTime":"2026-11-21"}',
        '{"renewTime":"2026-11-21t07:31:00z"}',
        '{"renewTime":"2026-11-21T24:00:00Z"}',
        '{"acquireTime":"0001-01-01T00:00:00+01:00"}',
    ],
    ids=lambda text: text[:40],
)
def test_json_that_is_no_record_is_held_not_free(text: str) -> None:
    with pytest.raises(UndecodableError, match=LEADER):
        CONFIGMAP.decode({"metadata": {"annotations": {LEADER: text}}})
    board = {"metadata": {"annotations": {LIVENESS: text}}, "data": {"leader": "a"}}
    with pytest.raises(UndecodableError, match=LIVENESS):
        BlackboardCodec().decode(board)
    assert BlackboardCodec().decode({**board, "data": {"leader": ""}}) == Record(holder="")


@pytest.mark.parametrize(
    "spec",
    [
        "text",
        {"holderIdentity": 5},
        {"leaseDurationSeconds": -1},
        {"leaseTransitions": 1.5},
        {"renewTime": "yesterday"},
        {"acquireTime": 5},
    ],
)
def test_a_spec_that_is_no_record_is_held_not_free(spec: Any) -> None:
    with pytest.raises(UndecodableError, match="spec") as caught:
        LeaseCodec().decode({"spec": spec})
    assert not caught.value.refused


def test_a_lease_with_a_strategy_is_refused() -> None:
    with pytest.raises(UndecodableError, match="OldestEmulationVersion") as caught:
        LeaseCodec().decode({"spec": {"strategy": "OldestEmulationVersion", "holderIdentity": ""}})
    assert caught.value.refused


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("{}", Record(holder="")),
        ('{"holderIdentity":null,"renewTime":null}', Record(holder="")),
        ('{"HolderIdentity":"x","LEASEDURATIONSECONDS":7}', Record(holder="x", lease_duration=7)),
        ('{"leaseDuration\u017feconds":7}', Record(holder="", lease_duration=7)),
        ('{"holderIdentity":"x","leaseDurationSeconds":0}', Record(holder="x")),
        (
            '{"renewTime":"2026-11-21T09:31:00.5+02:00"}',
            Record(holder="", renew_time=TIME + timedelta(seconds=0.5)),
        ),
        (
            '{"renewTime":"2026-11-21T07:31:00,1234567Z"}',
            Record(holder="", renew_time=TIME.replace(microsecond=123456)),
        ),
    ],
)
def test_json_is_read_as_leniently_as_go_reads_it(text: str, record: Record) -> None:
    assert CONFIGMAP.decode({"metadata": {"annotations": {LEADER: text}}}) == record


@pytest.mark.parametrize("codec", CODECS)
def test_what_others_put_into_the_object_survives(codec: Codec) -> None:
    obj: dict[str, Any] = {
        "metadata": {
            "name": "x",
            "labels": {"app": "y"},
            "annotations": {"theirs": "1"},
            "finalizers": ["f"],
        },
        "spec": {"unknown": {"deep": 1}},
        "data": {"other": "2"},
        "subsets": [{"addresses": []}],
    }
    codec.encode(RECORD, obj)
    assert obj["metadata"]["annotations"].pop("theirs") == "1"
    assert obj["metadata"]["labels"] == {"app": "y"}
    assert obj["metadata"]["finalizers"] == ["f"]
    assert obj["spec"]["unknown"] == {"deep": 1}
    assert obj["data"]["other"] == "2"
    assert obj["subsets"] == [{"addresses": []}]


HAND_WRITTEN = Record(holder="b", lease_duration=math.inf)


@pytest.mark.parametrize(
    ("data", "annotations", "record"),
    [
        ({"leader": ""}, {}, Record(holder="")),
        ({"leader": " \n"}, {}, Record(holder="")),
        ({"leader": None}, {}, Record(holder="")),
        ({"other": "x"}, {}, Record(holder="")),
        (None, {}, Record(holder="")),
        ({"leader": "b"}, {}, HAND_WRITTEN),
        ({"leader": "b\n"}, {}, HAND_WRITTEN),
        (
            {"leader": "b"},
            {LIVENESS: '{"holderIdentity":"a","leaderTransitions":2}'},
            replace(HAND_WRITTEN, transitions=2),
        ),
        (
            {"leader": "b"},
            {LIVENESS: '{"holderIdentity":"","leaderTransitions":2}'},
            replace(HAND_WRITTEN, transitions=2),
        ),
        (
            {"leader": ""},
            {LIVENESS: '{"holderIdentity":"a","leaderTransitions":2}'},
            Record(holder="", transitions=2),
        ),
        (
            {"leader": "a\n"},
            {LIVENESS: '{"holderIdentity":"a","leaseDurationSeconds":9}'},
            Record(holder="a", lease_duration=9),
        ),
    ],
)
def test_a_blackboard_edited_by_hand(data: Any, annotations: dict[str, str], record: Record) -> None:
    obj = {"metadata": {"annotations": annotations}, "data": data}
    assert BlackboardCodec().decode(obj) == record


def test_marks_on_a_blackboard_do_not_speak_for_a_name_written_by_hand() -> None:
    obj = encoded(BlackboardCodec(), RECORD)
    obj["data"]["leader"] = "b"
    assert BlackboardCodec().decode(obj) == replace(HAND_WRITTEN, transitions=3)
    obj["data"]["leader"] = ""
    assert BlackboardCodec().decode(obj) == Record(holder="", transitions=3)
