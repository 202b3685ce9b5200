"""Registration: a name written by compare-and-swap, whatever becomes of the answers."""

from __future__ import annotations

import math

import pytest

from tenure.peer.registration import Registration
from tenure.record import Attempt, Record, UnreadableRecord, Versioned
from tenure.requests import Purpose, ReadRequest, Request, WriteRequest
from tenure.testing.store import RecordStore
from tenure.timing import Timing

TIMING = Timing(lease_duration=2.0)
PERIOD = TIMING.retry_period
OTHER = Record(holder="z", lease_duration=math.inf, transitions=4, attempt=Attempt("ff", 1))


def registration(*, begun: bool = True) -> Registration:
    mine = Registration("me", b"\x01\x02", TIMING)
    if begun:
        mine.begin(TIMING.renew_deadline)
    return mine


def sent(mine: Registration, now: float = 0.0) -> Request:
    request = mine.request(now)
    assert request is not None
    assert mine.request(now) is None  # one at a time
    assert mine.request_at == math.inf
    return request


def written(mine: Registration, now: float = 0.0) -> WriteRequest:
    request = sent(mine, now)
    assert isinstance(request, WriteRequest)
    return request


def read(mine: Registration, store: RecordStore, now: float = 0.0) -> None:
    request = sent(mine, now)
    assert isinstance(request, ReadRequest)
    mine.receive_answer(request, store.read(), now)


def stored(store: RecordStore, request: WriteRequest) -> Versioned:
    seen = store.apply(request)
    assert seen is not None
    return seen


def conflict(mine: Registration, request: WriteRequest) -> None:
    assert request.attempt.incarnation == "0102"
    mine.receive_conflict()


# ---- as it goes


def test_at_the_start_the_record_is_read_once_and_nothing_is_written() -> None:
    mine = registration(begun=False)
    read(mine, RecordStore())
    assert mine.request(100.0) is None
    assert mine.request_at == math.inf


def test_what_goes_wrong_at_the_start_is_not_tried_again_before_it_matters() -> None:
    mine = registration(begun=False)
    sent(mine)
    mine.receive_failure(0.0, wait_s=0.0)
    assert mine.request_at == math.inf
    other = registration(begun=False)
    other.receive_answer(sent(other), Versioned(UnreadableRecord("garbled"), 3), 0.0)
    assert other.trouble == "garbled"
    assert other.request_at == math.inf
    other.begin(TIMING.renew_deadline)
    assert isinstance(sent(other, 1.0), ReadRequest)


def test_a_name_is_created_where_there_is_none() -> None:
    mine, store = registration(), RecordStore()
    read(mine, store)
    request = written(mine)
    assert request.purpose is Purpose.ACQUIRE
    assert request.base is None
    assert request.record == Record(
        holder="me", lease_duration=math.inf, transitions=0, attempt=Attempt("0102", 1)
    )
    mine.receive_answer(request, stored(store, request), 0.0)
    assert mine.registered is not None
    assert mine.registered.version == 1
    assert mine.request(100.0) is None


def test_a_name_is_written_over_another_and_the_change_is_counted() -> None:
    mine, store = registration(), RecordStore()
    store.put(OTHER)
    read(mine, store)
    request = written(mine)
    assert request.base == store.head
    assert request.record.transitions == 5
    mine.receive_answer(request, stored(store, request), 0.0)
    assert mine.registered == store.head


def test_each_term_writes_anew() -> None:
    mine, store = registration(), RecordStore()
    for version in (1, 2):
        mine.begin(TIMING.renew_deadline)
        assert mine.registered is None
        read(mine, store)
        request = written(mine)
        mine.receive_answer(request, stored(store, request), 0.0)
        assert mine.registered == store.head
        assert store.version == version


def test_what_is_cancelled_asks_nothing_any_more() -> None:
    mine = registration()
    mine.cancel()
    assert mine.request(0.0) is None


# ---- conflicts


def test_after_a_conflict_it_reads_and_writes_at_once() -> None:
    mine, store = registration(), RecordStore()
    read(mine, store)
    request = written(mine)
    store.put(OTHER)
    assert store.apply(request) is None
    conflict(mine, request)
    read(mine, store)
    request = written(mine)
    assert request.attempt == Attempt("0102", 2)
    mine.receive_answer(request, stored(store, request), 0.0)
    assert mine.registered == store.head


@pytest.mark.parametrize("record", [OTHER, None])
def test_a_conflict_without_a_change_is_not_answered_at_once(record: Record | None) -> None:
    mine, store = registration(), RecordStore()
    if record:
        store.put(record)
    read(mine, store)
    conflict(mine, written(mine))
    read(mine, store)
    assert mine.request(0.0) is None
    assert mine.request_at == PERIOD
    assert isinstance(mine.request(PERIOD), WriteRequest)


# ---- answers that are lost


def test_a_write_whose_answer_was_lost_is_recognised_by_its_attempt() -> None:
    mine, store = registration(), RecordStore()
    read(mine, store)
    stored(store, written(mine))
    mine.receive_failure(0.0, wait_s=0.0)
    assert mine.request(0.1) is None  # not at once
    read(mine, store, PERIOD)
    assert mine.registered == store.head
    assert mine.request(100.0) is None


def test_a_write_that_lands_after_the_reading_is_recognised_after_the_conflict() -> None:
    mine, store = registration(), RecordStore()
    read(mine, store)
    first = written(mine)
    mine.receive_failure(0.0, wait_s=0.0)
    read(mine, store, PERIOD)  # it has not landed yet
    second = written(mine, PERIOD)
    stored(store, first)
    assert store.apply(second) is None
    conflict(mine, second)
    read(mine, store, PERIOD)
    assert mine.registered == store.head
    assert store.version == 1


def test_a_name_that_somebody_touched_meanwhile_is_still_recognised() -> None:
    mine, store = registration(), RecordStore()
    read(mine, store)
    stored(store, written(mine))
    store.touch()
    mine.receive_failure(0.0, wait_s=0.0)
    read(mine, store, PERIOD)
    assert mine.registered == store.head


def test_a_write_that_changed_nothing_registers_nobody() -> None:
    mine, store = registration(), RecordStore()
    store.put(OTHER)
    read(mine, store)
    request = written(mine)
    mine.receive_answer(request, Versioned(request.record, store.version), 0.0)
    assert mine.registered is None
    read(mine, store)
    assert written(mine).attempt == Attempt("0102", 2)


# ---- earlier terms


def test_the_late_answer_of_an_earlier_term_changes_nothing() -> None:
    mine, store = registration(), RecordStore()
    read(mine, store)
    early = written(mine)
    seen = stored(store, early)
    mine.cancel()
    mine.begin(TIMING.renew_deadline)
    assert mine.request(0.0) is None  # its answer is waited for
    mine.receive_answer(early, seen, 0.1)
    assert mine.registered is None
    read(mine, store)
    request = written(mine)
    assert request.base == store.head
    mine.receive_answer(request, stored(store, request), 0.2)
    assert mine.registered is not None
    assert mine.registered.version == 2


def test_a_write_of_an_earlier_term_that_is_read_is_written_over() -> None:
    mine, store = registration(), RecordStore()
    read(mine, store)
    early = written(mine)
    mine.receive_failure(0.0, wait_s=0.0)
    mine.cancel()
    mine.begin(TIMING.renew_deadline)
    stored(store, early)
    read(mine, store, PERIOD)
    assert mine.registered is None
    assert written(mine, PERIOD).base == store.head


def test_a_reading_of_an_earlier_term_costs_a_conflict_and_no_more() -> None:
    mine, store = registration(), RecordStore()
    early = sent(mine)
    seen = store.read()
    mine.cancel()
    mine.begin(TIMING.renew_deadline)
    store.put(OTHER)
    mine.receive_answer(early, seen, 0.0)
    request = written(mine)
    assert store.apply(request) is None
    conflict(mine, request)
    read(mine, store)
    assert written(mine).base == store.head


# ---- bad weather


def test_a_record_that_cannot_be_decoded_is_never_written_over() -> None:
    mine = registration()
    garbled = Versioned(UnreadableRecord("data.elected is a list"), 7)
    for step in range(3):
        request = sent(mine, step * PERIOD)
        assert isinstance(request, ReadRequest)
        mine.receive_answer(request, garbled, step * PERIOD)
        assert mine.trouble == "data.elected is a list"
        assert mine.request_at == (step + 1) * PERIOD
    store = RecordStore()
    read(mine, store, 3 * PERIOD)
    assert mine.trouble == ""
    assert written(mine, 3 * PERIOD).base is None


def test_the_wish_of_the_api_is_met() -> None:
    mine = registration()
    sent(mine)
    mine.receive_failure(0.1, wait_s=1.0)
    assert mine.request_at == 1.1
