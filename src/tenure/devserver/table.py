"""Tables: objects as ``kubectl get`` prints them, whose columns the server chooses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tenure.devserver.kinds import Kind

__all__ = ["asks_for_table", "table"]

_Cell = Callable[[dict[str, Any]], str]


def asks_for_table(accept: str) -> bool:
    """Whether an ``Accept`` header prefers a table, as kubectl's does."""
    return "as=Table" in accept.split(",", 1)[0]


def table(kind: Kind, objects: list[dict[str, Any]], version: str) -> dict[str, Any]:
    """The objects of one kind as a ``Table`` of this resourceVersion."""
    columns = {"Name": _name, **_COLUMNS.get(kind.kind, {}), "Age": _age}
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_column(name) for name in columns],
        "rows": [
            {
                "cells": [cell(obj) for cell in columns.values()],
                "object": {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": obj["metadata"],
                },
            }
            for obj in objects
        ],
    }


def _column(name: str) -> dict[str, Any]:
    text_format = "name" if name == "Name" else ""
    return {"name": name, "type": "string", "format": text_format, "description": "", "priority": 0}


def _name(obj: dict[str, Any]) -> str:
    name: str = obj["metadata"]["name"]
    return name


def _age(obj: dict[str, Any]) -> str:
    created = datetime.fromisoformat(obj["metadata"]["creationTimestamp"])
    seconds = max(0, int((datetime.now(UTC) - created).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s"
    if hours < 3:
        return f"{minutes}m"
    return f"{hours}h" if days < 2 else f"{days}d"


def _addresses(obj: dict[str, Any]) -> str:
    subsets = _objects(obj.get("subsets"))
    found = [str(address.get("ip", "")) for one in subsets for address in _objects(one.get("addresses"))]
    return ",".join(found) or "<none>"


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list that nobody has checked."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


_COLUMNS: dict[str, dict[str, _Cell]] = {
    "Lease": {"Holder": lambda obj: str(obj["spec"].get("holderIdentity", ""))},
    "ConfigMap": {"Data": lambda obj: str(len(obj.get("data", {})) + len(obj.get("binaryData", {})))},
    "Endpoints": {"Endpoints": _addresses},
    "Namespace": {"Status": lambda obj: str(obj["status"]["phase"])},
}
