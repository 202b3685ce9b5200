"""Notes: they count only for the attempt that they name, and only if they are what we would have written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tenure.locks.notes import read_notes, write_notes
from tenure.record import Attempt, Contender, Record

LED = Record(holder="a", attempt=Attempt("f0", 3))
CONTENDERS = (Contender("b", 7, True), Contender("c", 1000))
NOTED = replace(LED, request="b", hint="c", contenders=CONTENDERS)


def annotations_of(record: Record) -> dict[str, Any]:
    annotations: dict[str, Any] = {"theirs": "stays"}
    write_notes(record, annotations)
    assert annotations["theirs"] == "stays"
    return annotations


def test_what_is_written_can_be_read() -> None:
    assert read_notes(LED, annotations_of(NOTED)) == NOTED
    assert read_notes(LED, annotations_of(replace(LED, request=""))) == replace(LED, request="")


def test_a_write_takes_out_all_notes_that_it_does_not_bring() -> None:
    annotations = annotations_of(NOTED)
    write_notes(LED, annotations)
    assert annotations == {"theirs": "stays"}


def test_notes_for_another_attempt_do_not_count() -> None:
    later = replace(LED, attempt=Attempt("f0", 4))
    assert read_notes(later, annotations_of(NOTED)) == later


def test_without_an_attempt_there_are_no_notes() -> None:
    nameless = replace(LED, attempt=None)
    assert annotations_of(replace(nameless, request="b")) == {"theirs": "stays"}
    assert read_notes(nameless, annotations_of(NOTED)) == nameless


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "[]",
        '{"attempt":"f0/3"}',
        '{"attempt":"f0/3","to":7}',
        '{"attempt":"f0/3","to":"\\ud800"}',
        json.dumps({"attempt": "f0/3", "to": "b" * 300}),
        json.dumps({"attempt": "f0/3", "to": "b", "more": "x" * 5000}),
        5,
        None,
    ],
)
def test_a_malformed_note_does_not_count(text: object) -> None:
    assert read_notes(LED, {"tenure.dev/request": text, "tenure.dev/hint": text}) == LED


@pytest.mark.parametrize(
    "contender",
    [
        "b",
        {"identity": "b"},
        {"identity": "", "priority": 5},
        {"identity": "b", "priority": 0},
        {"identity": "b", "priority": 1001},
        {"identity": "b", "priority": True},
        {"identity": "b", "priority": "5"},
    ],
)
def test_a_malformed_contender_is_passed_over(contender: object) -> None:
    good = {"identity": "c", "priority": 5, "preempt": "yes"}
    text = json.dumps({"attempt": "f0/3", "contenders": [contender, good]})
    assert read_notes(LED, {"tenure.dev/contenders": text}).contenders == (Contender("c", 5, False),)


def test_no_more_contenders_count_than_a_record_bears_and_each_name_once() -> None:
    many = [{"identity": f"n{number}", "priority": 5} for number in range(20)]
    text = json.dumps({"attempt": "f0/3", "contenders": [many[0], *many]})
    found = read_notes(LED, {"tenure.dev/contenders": text}).contenders
    assert [each.identity for each in found] == [f"n{number}" for number in range(8)]
