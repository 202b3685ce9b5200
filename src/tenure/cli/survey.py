"""Survey: opens what a command is to look at, and finds out in which kinds of lock an election lives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tenure.cli.lookout import CollectionSource, Lookout, SessionSource
from tenure.cli.place_options import AUTO, SINGLE_KINDS, PlaceOptions
from tenure.cli.sight import Election, Sight, State
from tenure.errors import LockUnavailableError, PermissionDeniedError
from tenure.kubernetes.shared import shared_client
from tenure.locks.codec import UndecodableError
from tenure.locks.collection import Collection
from tenure.locks.roster import candidates_of
from tenure.record import Contender
from tenure.sidecar.kinds import single_lock

__all__ = ["call_the_roll", "led_first", "survey_names", "survey_namespace"]

Say = Callable[[str], None]


@asynccontextmanager
async def survey_namespace(options: PlaceOptions, say: Say, *, everywhere: bool) -> AsyncIterator[Lookout]:
    """Yield a lookout over the elections of one kind, which has had its first look.

    Args:
        options: where; without a kind, it is the Leases.
        say: is told what people should know.
        everywhere: in all namespaces.

    Raises:
        ConfigurationError, LockUnavailableError, PermissionDeniedError: they cannot be listed.
    """
    kind = SINGLE_KINDS[0] if options.lock == AUTO else options.lock
    async with shared_client(options.config) as client:
        collection = Collection(client, single_lock(kind).codec, "" if everywhere else options.namespace)
        lookout = Lookout([CollectionSource(kind, collection)], say)
        await lookout.look()
        if not lookout.sights:
            where = "any namespace" if everywhere else f"namespace {options.namespace}"
            say(f"no {kind} of an election in {where}")
        yield lookout


@asynccontextmanager
async def survey_names(options: PlaceOptions, names: Sequence[str], say: Say) -> AsyncIterator[Lookout]:
    """Yield a lookout over these elections, which has had its first look.

    With `AUTO`, an election is in every kind of lock that exists under its name; where there is none, it is
    a Lease that is missing.

    Args:
        options: where.
        names: of the elections.
        say: is told what people should know.

    Raises:
        ConfigurationError, LockUnavailableError: they cannot be read.
        PermissionDeniedError: one of them may be there, and must not be read.
    """
    async with AsyncExitStack() as stack:
        sources = []
        for name in dict.fromkeys(names):
            for kind in options.kinds:
                session = await stack.enter_async_context(options.place(name).lock(kind).open())
                sources.append(SessionSource(Election(options.namespace, name, kind), session))
        lookout = Lookout(sources, say)
        refusals = await lookout.look()
        found = {election.name for election, sight in lookout.sights.items() if _is_there(sight)}
        if refusals and not found.issuperset(names):
            raise refusals[0]
        for refusal in dict.fromkeys(map(str, refusals)):  # two kinds of lock are ConfigMaps
            say(f"not looked at: {refusal}")
        if options.lock == AUTO:
            _forget_absent(lookout, found)
        yield lookout


def led_first(lookout: Lookout) -> list[Sight]:
    """Return what it sees, where somebody leads first."""
    return sorted(lookout.sights.values(), key=lambda sight: not sight.holder)


async def call_the_roll(options: PlaceOptions, sights: Iterable[Sight]) -> None:
    """Find the candidates that keep a Lease of their own; without the right to list Leases there are none."""
    for sight in sights:
        try:
            entries = await candidates_of(options.place(sight.election.name).lock(sight.election.kind))
        except (LockUnavailableError, PermissionDeniedError):
            return
        sight.enrolled = tuple(Contender(each.identity, each.priority, each.preempt) for each in entries)


def _forget_absent(lookout: Lookout, found: set[str]) -> None:
    for election, sight in tuple(lookout.sights.items()):
        is_wanted = _is_there(sight) if election.name in found else election.kind == SINGLE_KINDS[0]
        if not is_wanted:
            lookout.forget(election)


def _is_there(sight: Sight) -> bool:
    """Tell whether the object is an election's: many ConfigMaps and Endpoints are none."""
    kind = sight.election.kind
    if sight.state is State.MISSING or kind not in SINGLE_KINDS[1:]:
        return sight.state is not State.MISSING
    try:
        return single_lock(kind).codec.is_election(sight.newest.raw)
    except UndecodableError:
        return True
