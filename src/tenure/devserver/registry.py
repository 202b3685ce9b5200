"""The verbs: what create, replace, patch and delete do to the store, under the API server's conditions."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tenure.devserver.admission import check_values, decode, decode_patched
from tenure.devserver.kinds import Kind, find_kind
from tenure.devserver.selectors import Selector
from tenure.devserver.status import (
    already_exists,
    bad_request,
    delete_precondition_failed,
    internal,
    invalid,
    not_found,
    precondition_failed,
    stale,
    success,
)
from tenure.devserver.store import Object, Store

__all__ = ["Registry"]

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""What the server appends to a ``generateName``: nothing that spells a word."""


class Registry:
    """The objects, behind the rules for changing them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        for name in ("default", "kube-node-lease", "kube-public", "kube-system"):
            self._ensure_namespace(name)

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """The object, to be read only.

        Raises:
            StatusError: 404.
        """
        obj = self._store.get(kind, namespace, name)
        if obj is None:
            raise not_found(kind, name)
        return obj

    def create(self, kind: Kind, namespace: str, body: Any) -> Object:
        """Store a new object; a ``generateName`` gets its suffix.

        Raises:
            StatusError: 400 malformed, 409 there is one, 422 not allowed.
        """
        obj = decode(kind, body)
        metadata = obj["metadata"]
        _check_namespace(metadata, namespace)
        if "name" not in metadata and "generateName" in metadata:
            metadata["name"] = metadata["generateName"] + "".join(random.choices(_SUFFIX_LETTERS, k=5))
        check_values(kind, obj)
        if "resourceVersion" in metadata:
            raise internal("resourceVersion should not be set on objects to be created")
        if self._store.get(kind, namespace, metadata["name"]):
            raise already_exists(kind, metadata["name"])
        return self._store_new(kind, namespace, obj)

    def replace(self, kind: Kind, namespace: str, name: str, body: Any) -> tuple[Object, bool]:
        """Replace an object by another, or create it where its kind allows that; tells which.

        Raises:
            StatusError: 400 malformed, 404 missing, 409 another version or uid, 422 not allowed.
        """
        obj = decode(kind, body)
        metadata = obj["metadata"]
        _check_place(metadata, namespace, name)
        existing = self._store.get(kind, namespace, name)
        if existing is None and not kind.put_creates:
            raise not_found(kind, name)
        found_uid = existing["metadata"]["uid"] if existing else ""
        if metadata.get("uid", found_uid) != found_uid:
            raise precondition_failed(kind, namespace, name, wanted=metadata["uid"], found=found_uid)
        if existing is None:
            check_values(kind, obj)
            return self._store_new(kind, namespace, obj), True
        return self._update(kind, existing, obj), False

    def patch(self, kind: Kind, namespace: str, name: str, change: Callable[[Object], Any]) -> Object:
        """Replace an object by what `change` makes of it.

        Raises:
            StatusError: as for `replace`.
        """
        existing = self.get(kind, namespace, name)
        obj = decode_patched(kind, change(existing))
        _check_place(obj["metadata"], namespace, name)
        return self._update(kind, existing, obj)

    def delete(self, kind: Kind, namespace: str, name: str, preconditions: dict[str, Any]) -> Object:
        """Remove an object if it is the one meant; returns the answer. Finalizers do not hold it.

        Raises:
            StatusError: 404, or 409 if it has another ``uid`` or ``resourceVersion``.
        """
        existing = self.get(kind, namespace, name)
        found = existing["metadata"]
        for field, label, fate in (
            ("uid", "UID", "deleted and then recreated"),
            ("resourceVersion", "ResourceVersion", "modified"),
        ):
            wanted = preconditions.get(field)
            if wanted is not None and wanted != found[field]:
                why = (
                    f"the {label} in the precondition ({wanted}) does not match the {label} in record "
                    f"({found[field]}). The object might have been {fate}"
                )
                raise delete_precondition_failed(kind, name, why)
        last = self._store.remove(kind, existing)
        return last if kind.delete_returns_object else success(kind, name, found["uid"])

    def delete_collection(self, kind: Kind, namespace: str, selector: Selector) -> list[Object]:
        """Remove all objects of a namespace that match; returns them as they were last."""
        doomed = [obj for obj in self._store.items(kind, namespace) if selector(obj)]
        return [self._store.remove(kind, obj) for obj in doomed]

    def _store_new(self, kind: Kind, namespace: str, obj: Object) -> Object:
        if kind.namespaced:
            obj["metadata"]["namespace"] = namespace
            self._ensure_namespace(namespace)
        if kind.kind == "Namespace":
            obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
            obj |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        obj["metadata"]["uid"] = str(uuid.uuid4())
        obj["metadata"]["creationTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._store.put(kind, obj)

    def _update(self, kind: Kind, existing: Object, obj: Object) -> Object:
        old, new = existing["metadata"], obj["metadata"]
        name, version = old["name"], new.get("resourceVersion", "0")
        if not version.isdigit():
            raise internal(f'strconv.ParseUint: parsing "{version}": invalid syntax')
        if version == "0" and kind.put_needs_version:
            rule = "Invalid value: 0: must be specified for an update"
            cause = ("FieldValueInvalid", "metadata.resourceVersion", rule)
            raise invalid(kind.group, kind.plural, name, [cause])
        if version not in ("0", old["resourceVersion"]):
            raise stale(kind, name)
        if new.setdefault("uid", old["uid"]) != old["uid"]:
            cause = (
                "FieldValueInvalid",
                "metadata.uid",
                f'Invalid value: "{new["uid"]}": field is immutable',
            )
            raise invalid(kind.group, kind.kind, name, [cause])
        for field in ("namespace", "generateName", "creationTimestamp", "resourceVersion"):
            if field in old:
                new[field] = old[field]
        if kind.kind == "Namespace":  # has its status from the server alone
            obj |= {"spec": existing["spec"], "status": existing["status"]}
        check_values(kind, obj)
        # Nothing changed: no new version and no event, which is what makes identical renewals invisible.
        return existing if obj == existing else self._store.put(kind, obj)

    def _ensure_namespace(self, name: str) -> None:
        """Namespaces come into being with their first object."""
        kind = find_kind("v1", "namespaces")
        assert kind is not None
        if self._store.get(kind, "", name) is None:
            obj = decode(kind, {"metadata": {"name": name}})
            check_values(kind, obj)
            self._store_new(kind, "", obj)


def _check_namespace(metadata: dict[str, Any], namespace: str) -> None:
    if metadata.get("namespace", namespace) != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _check_place(metadata: dict[str, Any], namespace: str, name: str) -> None:
    """An object that is written to a URL must be the one that the URL names."""
    given = metadata.get("name", "")
    if not given:
        why = "name must be provided"
        raise bad_request(f"the name of the object ({name} based on URL) was undeterminable: {why}")
    if given != name:
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
    _check_namespace(metadata, namespace)
