"""Key: what tells two positions apart, as 16 bytes; positions with one key have the same future.

Versions, attempts and names are numbered anew over the whole position, names in an order that does not depend on
them: a position in which two candidates have changed places is the same. An attempt that no record names any
more, anywhere, is left out.
"""

from __future__ import annotations

from hashlib import blake2b

from tenure.testing.search_actor import Actor
from tenure.testing.search_form import Form, Forms
from tenure.testing.search_ledger import Entry
from tenure.testing.search_position import Position
from tenure.testing.search_steps import news_for

__all__ = ["Keys"]


class Keys:
    """Makes keys.

    Args:
        forms: of the candidates and facts.
    """

    def __init__(self, forms: Forms) -> None:
        self._forms = forms

    def key(self, position: Position) -> bytes:
        """Return the key of a position."""
        actors = sorted(position.actors.values(), key=lambda actor: actor.form.digest)
        forms = [actor.form for actor in actors]
        forms.append(self._forms.of_record(position.store.head))
        newest, left = position.store.version, position.left
        untold = [() if each.is_dead else news_for(each.candidate, newest, left) for each in actors]
        for version in sorted({version for versions in untold for version in versions}):
            forms.append(self._forms.of_record(position.store.history[version]))
        noted = [self._noted(position, actor) for actor in actors]
        names = {actor.candidate.name: number for number, actor in enumerate(actors)}
        return _joined(position, forms, names, ([len(versions) for versions in untold], noted, left))

    def _noted(self, position: Position, actor: Actor) -> tuple[float, bool]:
        entry = position.entries.get(actor.candidate.name, Entry())
        return (self._forms.since(entry.counted_at, position.now), entry.led)


def _joined(position: Position, forms: list[Form], names: dict[str, int], rest: object) -> bytes:
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
    acquired = [ranks[version] for version in versions if version in position.acquired]
    deleted = [sum(v < version for v in position.deleted) for version in versions]
    digest.update(repr((acquired, deleted, rest)).encode())
    return digest.digest()
