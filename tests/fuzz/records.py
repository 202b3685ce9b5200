"""Records: what the codecs make of objects that nobody should have written."""

from __future__ import annotations

import copy
import json
import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tenure.errors import LockUnavailableError
from tenure.locks.codec import Codec
from tenure.locks.kube_session import KubeSession
from tenure.locks.stamping import Stamping
from tenure.record import Attempt, Record, UnreadableRecord, Versioned
from tenure.token import FencingToken
from tests.fuzz.lines import check_line
from tests.fuzz.seeds import CODECS, objects_of
from tests.fuzz.target import Target
from tests.fuzz.values import encode_json, mutate_bytes, mutate_json, odd_text, odd_value
from tests.fuzz.wire import Wire, run, session_on

__all__ = ["make_target"]

_JSON_ANNOTATIONS = ("control-plane.alpha.kubernetes.io/leader", "tenure.dev/liveness")
_MARKS = ("tenure.dev/attempt", "tenure.dev/lease-duration", "tenure.dev/token")
_SPEC = ("holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime", "leaseTransitions")
_NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def make_target() -> Target:
    """Return the target: a record or one line that says why there is none, and a true way back."""
    return _Records()


class _Records:
    def __init__(self) -> None:
        self._seeds = {codec: objects_of(codec) for codec in CODECS}

    def check(self, decisions: random.Random) -> None:
        _check_texts(decisions)
        codec = decisions.choice(CODECS)
        obj = mutate_json(decisions, decisions.choice(self._seeds[codec]))
        _mutate_annotations(decisions, obj)
        wire = Wire(200, {}, [encode_json(obj).encode()])
        session = session_on(wire, codec)
        try:
            seen = run(session.read(timeout=1))
        except LockUnavailableError as error:
            check_line(str(error))
            return
        if isinstance(seen.record, UnreadableRecord):
            check_line(seen.record.reason)
        else:
            _check_round_trip(session, wire, codec, seen)

    def close(self) -> None:
        """Nothing was opened."""


def _check_texts(decisions: random.Random) -> None:
    for parse in (Attempt.parse, FencingToken.parse):
        text = odd_text(decisions)
        try:
            parsed = parse(text)
        except ValueError:
            continue
        assert parse(str(parsed)) == parsed, (text, parsed)


def _mutate_annotations(decisions: random.Random, obj: Any) -> None:
    metadata = obj.get("metadata") if isinstance(obj, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict):
        return
    for key in _JSON_ANNOTATIONS:
        text = annotations.get(key)
        if isinstance(text, str) and text.startswith("{"):
            annotations[key] = _mutated_json(decisions, text)
    if decisions.random() < 0.2:
        annotations[decisions.choice(_MARKS)] = odd_value(decisions)


def _mutated_json(decisions: random.Random, text: str) -> str:
    if decisions.random() < 0.3:
        return mutate_bytes(decisions, text.encode()).decode("utf-8", "replace")
    try:
        fields = json.loads(text)
    except ValueError:  # mutated before
        fields = text
    return encode_json(mutate_json(decisions, fields))


def _check_round_trip(session: KubeSession, wire: Wire, codec: Codec, seen: Versioned) -> None:
    """What was read is written back as it was, and nothing of anybody else is lost."""
    record = seen.record
    assert isinstance(record, Record)
    if not record.lease_duration or record.lease_duration == math.inf:
        record = replace(record, lease_duration=15.0)
    if not record.renew_time:
        record = replace(record, renew_time=_NOW)
    run(session.replace(seen, record, timeout=1))
    written = json.loads(wire.sent[-1])
    expected = Stamping(step=timedelta(seconds=1), resolution=codec.resolution).stamp(record)
    if record.attempt is None:  # only with an attempt are there marks, which hold what is exact
        expected = replace(expected, lease_duration=math.ceil(record.lease_duration or 0), token=None)
    assert codec.decode(written) == expected
    assert _foreign(written) == _foreign(seen.raw)


def _foreign(obj: dict[str, Any]) -> dict[str, Any]:
    """Return what no elector owns; a section that is null or empty is as good as none."""
    rest = copy.deepcopy(obj)
    for parent, section, names in (
        (rest, "spec", _SPEC),
        (rest, "data", ("leader",)),
        (rest["metadata"], "labels", ("mine",)),
        (rest["metadata"], "annotations", (*_JSON_ANNOTATIONS, *_MARKS)),
    ):
        for name in names:
            if isinstance(parent.get(section), dict):
                parent[section].pop(name, None)
        if not parent.get(section):
            parent.pop(section, None)
    return rest
