"""Key: what tells two positions apart, as 16 bytes; positions with one key have the same future.

Versions, attempts and names are numbered anew over the whole position, names in an order that does not depend
on them: a position in which two candidates have changed places is the same. An attempt that no record names
any more, anywhere, is left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from hashlib import blake2b
from itertools import permutations

from tenure.requests import WriteRequest
from tenure.testing.search_actor import Actor
from tenure.testing.search_form import Form, Forms
from tenure.testing.search_ledger import Entry, Win
from tenure.testing.search_position import Position
from tenure.testing.search_steps import Limits, news_for
from tenure.testing.world import Candidate

__all__ = ["Keys"]

# More than these are not kept.
_MOST_KEYS = 300_000


class Keys:
    """Makes keys.

    Args:
        forms: of the candidates and facts.
    """

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._known: dict[Hashable, bytes] = {}

    def key(self, position: Position) -> bytes:
        """Return the key of a position."""
        actors = sorted(position.actors.values(), key=_digest_of)
        orders = (
            permutations(actors) if len({actor.form.digest for actor in actors}) < len(actors) else [actors]
        )
        return min(
            self._key(position, order) for order in orders if sorted(order, key=_digest_of) == list(order)
        )

    def _key(self, position: Position, actors: Sequence[Actor]) -> bytes:
        forms = [actor.form for actor in actors]
        forms.append(self._forms.of_record(position.store.head))
        newest, left = position.store.version, position.left
        untold = [() if each.is_dead else news_for(each.candidate, newest, left) for each in actors]
        oldest = min((versions[0] for versions in untold if versions), default=newest)
        forms += [self._forms.of_record(position.store.history[v]) for v in range(oldest, newest)]
        noted = tuple([self._noted(position, actor) for actor in actors])
        rest = (tuple(map(len, untold)), noted, left, position.wins, position.deletions)
        exactly = (*[form.serial for form in forms], rest)
        key = self._known.get(exactly)
        if key is None:
            if len(self._known) >= _MOST_KEYS:
                self._known.clear()
            names = {actor.candidate.name: number for number, actor in enumerate(actors)}
            key = self._known[exactly] = _joined(forms, names, *rest)
        return key

    def _noted(self, position: Position, actor: Actor) -> tuple[object, ...]:
        candidate = actor.candidate
        entry = position.entries.get(candidate.name, Entry())
        leads = candidate.term is not None and not candidate.term.over
        counted = self._forms.since(entry.counted_at, position.now)
        return (counted, entry.led, entry.bereft and leads, *_awareness(position, candidate, entry))


def _awareness(position: Position, candidate: Candidate, entry: Entry) -> tuple[object, ...]:
    """Return whether a candidate knows the last record before a deletion, and which writes it sent then."""
    if not position.deletions:
        return (position.left.deletions and entry.known == position.store.version,)
    last = position.deletions[-1] - 1
    if entry.last_sight < 0:
        return (entry.known == last,)
    request = candidate.pending
    writes = [*candidate.limbo]
    if isinstance(request, WriteRequest) and not candidate.applied:
        writes.append(request.attempt.number)
    return (entry.last_sight == last, tuple([number > entry.sent_unaware for number in writes]))


def _digest_of(actor: Actor) -> bytes:
    return actor.form.digest


def _joined(
    forms: list[Form],
    names: dict[str, int],
    untold: tuple[int, ...],
    noted: tuple[object, ...],
    left: Limits,
    wins: tuple[Win, ...],
    deletions: tuple[int, ...],
) -> bytes:
    versions = sorted({version for form in forms for version in form.versions})
    ranks = {version: rank for rank, version in enumerate([v for v in versions if v > 0], start=1)}
    stamps = {stamp: rank for rank, stamp in enumerate(sorted({s for form in forms for s in form.stamps}))}
    named = {attempt for form in forms for attempt in form.attempts}
    numbered = sorted((names[attempt.incarnation], attempt.number, attempt) for attempt in named)
    attempts = {attempt: (name, rank) for rank, (name, _, attempt) in enumerate(numbered)}
    digest = blake2b(digest_size=16)
    for form in forms:
        digest.update(form.digest)
        numbers = (
            [ranks.get(version, version) for version in form.versions],
            [stamps[stamp] for stamp in form.stamps],
            [names[name] for name in form.names],
            [attempts[attempt] for attempt in form.attempts],
            [(attempts[attempt], what) for attempt, what in form.sent if attempt in attempts],
        )
        digest.update(repr(numbers).encode())
    won = [(ranks[version], names[name], informed) for version, name, _, informed in wins if version in ranks]
    deleted = [sum(version < each for each in versions) for version in deletions]
    digest.update(repr((untold, noted, left, won, deleted)).encode())
    return digest.digest()
