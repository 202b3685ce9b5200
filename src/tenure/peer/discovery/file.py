"""FilePeers: a list in a file, such as a mounted ConfigMap."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from tenure.errors import ConfigurationError
from tenure.kubernetes.one_line import one_line
from tenure.peer.discovery.complaint import Complaint
from tenure.peer.discovery.lookups import Lookups
from tenure.peer.discovery.peer import Peer
from tenure.peer.discovery.poll import poll
from tenure.peer.discovery.target import Target, all_distinct

__all__ = ["FilePeers"]

_PERIOD_S = 1.0


class FilePeers:
    """One ``NAME=HOST:PORT`` or ``HOST:PORT`` a line; what follows a ``#`` is a remark. See `Discovery`.

    The file is read when this is made, and every second from then on: not its times but its content tells of
    a change, whoever replaces it however. While it cannot be used, its last content stands.

    Args:
        path: of the file.

    Raises:
        ConfigurationError: it cannot be read, or a line of it is wrong.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        try:
            self._targets = _read(self._path)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.describe()}: {error}") from error

    def describe(self) -> str:
        return f"file {one_line(self._path)}"

    def names(self) -> tuple[str, ...]:
        return tuple(target.name for target in self._targets if target.name)

    async def watch(self) -> AsyncGenerator[frozenset[Peer], None]:
        complaint = Complaint(self.describe)
        lookups = Lookups(Complaint(self.describe))
        targets = self._targets

        async def look() -> frozenset[Peer]:
            nonlocal targets
            try:
                targets = _read(self._path)
            except ConfigurationError as error:
                complaint.say(str(error), str(error))
            else:
                complaint.over()
            return await lookups.peers(targets)

        try:
            async with aclosing(poll(look, _PERIOD_S)) as sets:
                async for peers in sets:
                    yield peers
        finally:
            await lookups.aclose()


def _read(path: Path) -> tuple[Target, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError("cannot be read: it is not UTF-8") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    entries = [(number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    return all_distinct(_parse(number, entry) for number, entry in entries if entry)


def _parse(number: int, entry: str) -> Target:
    try:
        return Target.parse(entry)
    except ConfigurationError as error:
        raise ConfigurationError(f"line {number}: {error}") from error
