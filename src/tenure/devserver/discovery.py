"""Discovery: what clients ask before their first request, in the plain (not aggregated) form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.devserver.kinds import KINDS, Kind

__all__ = ["discovery_document"]

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def discovery_document(path: str) -> dict[str, Any] | None:
    """The answer for a discovery path, without query; None if it is none."""
    match path.strip("/").split("/"):
        case ["version"]:
            return {"major": "1", "minor": "36", "gitVersion": "v1.36.0-tenure-devserver", "platform": "any"}
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            return {
                "kind": "APIGroupList",
                "apiVersion": "v1",
                "groups": [_group(name) for name in _groups()],
            }
        case ["apis", name] if name in _groups():
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}
        case ["api", version] if version == "v1":
            return _resource_list(version)
        case ["apis", name, version] if _kinds(f"{name}/{version}"):
            return _resource_list(f"{name}/{version}")
        case ["openapi", "v3"]:
            return {
                "paths": {_root(kind): {"serverRelativeURL": f"/openapi/v3/{_root(kind)}"} for kind in KINDS}
            }
        case ["openapi", "v3", *root]:
            return _openapi("/".join(root))
    return None


def _groups() -> list[str]:
    return sorted({kind.group for kind in KINDS if kind.group})


def _kinds(api_version: str) -> list[Kind]:
    return [kind for kind in KINDS if kind.api_version == api_version]


def _root(kind: Kind) -> str:
    return f"apis/{kind.api_version}" if kind.group else f"api/{kind.api_version}"


def _group(name: str) -> dict[str, Any]:
    versions = sorted({kind.version for kind in KINDS if kind.group == name})
    served = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": served, "preferredVersion": served[0]}


def _resource_list(api_version: str) -> dict[str, Any]:
    resources = [
        {
            "name": kind.plural,
            "singularName": kind.kind.lower(),
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": _VERBS,
            "shortNames": list(kind.short_names),
        }
        for kind in _kinds(api_version)
    ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": api_version,
        "resources": resources,
    }


def _openapi(root: str) -> dict[str, Any] | None:
    """Just enough of a schema for kubectl to see that the server itself checks fields on a PATCH."""
    kinds: Iterable[Kind] = [kind for kind in KINDS if _root(kind) == root]
    paths = {
        f"/{root}/{'namespaces/{namespace}/' if kind.namespaced else ''}{kind.plural}/{{name}}": {
            "patch": {
                "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
                "responses": {"200": {"description": "OK"}},
                "x-kubernetes-group-version-kind": {
                    "group": kind.group,
                    "version": kind.version,
                    "kind": kind.kind,
                },
            }
        }
        for kind in kinds
    }
    if not paths:
        return None
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.36.0"}, "paths": paths}
