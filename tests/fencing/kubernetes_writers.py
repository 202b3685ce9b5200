"""Writers to one ConfigMap: through the fence, and through two that look like one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenure import FencingToken
from tenure.fencing.kubernetes import ANNOTATION, KubernetesFence, fenced
from tenure.kubernetes.resource import CONFIGMAPS
from tests.devserver.api import Api
from tests.fencing.writes import Write

if TYPE_CHECKING:
    import pytest

    from tests.fencing.place import Place

__all__ = ["BROKEN", "Append", "api", "export", "fenced_append"]

Append = Callable[["Place", FencingToken, Write], Awaitable[None]]


async def fenced_append(place: Place, token: FencingToken, entry: Write) -> None:
    """Append to the log in the object, through the fence."""
    fence = KubernetesFence(CONFIGMAPS, "state", place.namespace, kubeconfig=place.kubeconfig)
    await fence.update(token, lambda obj: _append(obj, entry))


async def unconditional(place: Place, token: FencingToken, entry: Write) -> None:
    """Check the annotation, but let the server overwrite whatever was written in between."""
    found = fenced(await asyncio.to_thread(_read, place), token)
    _append(found, entry)
    del found["metadata"]["resourceVersion"]
    assert (await asyncio.to_thread(place.api.put, "configmaps", found)).code == 200


async def never_raised(place: Place, token: FencingToken, entry: Write) -> None:
    """Write conditionally, and check, but leave the annotation as it is."""
    while True:
        found = fenced(await asyncio.to_thread(_read, place), token)
        _append(found, entry)
        del found["metadata"]["annotations"][ANNOTATION]
        if (await asyncio.to_thread(place.api.put, "configmaps", found)).code == 200:
            return


BROKEN: list[Append] = [unconditional, never_raised]


def _read(place: Place) -> dict[str, Any]:
    body: dict[str, Any] = place.api.get("configmaps", "state").body
    return body


def _append(obj: dict[str, Any], entry: Write) -> None:
    obj["data"]["log"] += f"{entry}\n"


def export(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell the programs of this test where its API server is."""
    monkeypatch.setenv("SOURCES", str(Path(__file__).parents[2]))
    monkeypatch.setenv("API_URL", place.api.url.geturl())
    monkeypatch.setenv("API_TOKEN", place.api._token)
    monkeypatch.setenv("API_CA", place.ca_file)


def api() -> Api:
    """Return a client of the server that `export` has told of."""
    return Api(
        os.environ["API_URL"],
        token=os.environ["API_TOKEN"],
        ca_file=os.environ["API_CA"],
        namespace=os.environ["POD_NAMESPACE"],
    )
