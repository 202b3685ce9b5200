"""Operation: one thing asked of the API server, in the words of RBAC, for error messages."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tenure.kubernetes.resource import Resource

__all__ = ["Operation"]


@dataclass(frozen=True, slots=True)
class Operation:
    """What is asked, of whom.

    Attributes:
        verb: as in an RBAC rule: get, list, watch, create, update, patch, delete.
        namespace: of the object; empty for the collection of all namespaces.
        name: of the object; empty for a collection.
        server: base URL of the API server.
    """

    verb: str
    resource: Resource
    namespace: str
    name: str
    server: str

    def __str__(self) -> str:
        where = f"in {self.namespace}" if self.namespace else "in all namespaces"
        target = f"{self.namespace}/{self.name}" if self.name else where
        return f"{self.verb} {self.resource.plural} {target} at {self.server}"

    @property
    def rbac_role(self) -> str:
        """The kind of role that the rule belongs into, and where that is bound."""
        return f'Role in namespace "{self.namespace}"' if self.namespace else "ClusterRole"

    @property
    def rbac_rule(self) -> str:
        """The rule that allows this, as YAML in one line. RBAC cannot bind ``create`` to a name."""
        rule = {
            "apiGroups": [self.resource.group],
            "resources": [self.resource.plural],
            "verbs": [self.verb],
        }
        if self.name and self.verb != "create":
            rule["resourceNames"] = [self.name]
        return json.dumps(rule)
