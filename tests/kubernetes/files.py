"""Writes the files that the tests need."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import yaml

# Counts its runs, keeps what it was told, and prints the credential that the test has put beside it.
_PLUGIN = """\
import json, os, pathlib, sys
folder = pathlib.Path(__file__).parent
with open(folder / "runs", "a") as runs:
    runs.write(json.dumps({"info": os.environ["KUBERNETES_EXEC_INFO"], "args": sys.argv[1:],
                           "region": os.environ.get("REGION")}) + "\\n")
if (folder / "fail").exists():
    sys.exit((folder / "fail").read_text())
print((folder / "credential.json").read_text())
"""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(folder: Path, cluster: Any, user: Any, name: str = "config") -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "jobs"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / name
    path.write_text(yaml.safe_dump(content))
    return path


class PluginFiles:
    """An exec plugin on disk, and what is known of its runs."""

    def __init__(self, folder: Path, version: str = "v1") -> None:
        self._folder = folder
        self._version = f"client.authentication.k8s.io/{version}"
        (folder / "plugin.py").write_text(_PLUGIN)

    @property
    def block(self) -> dict[str, Any]:
        return {
            "apiVersion": self._version,
            "command": sys.executable,
            "args": [str(self._folder / "plugin.py"), "--cluster", "a"],
            "env": [{"name": "REGION", "value": "north"}],
            "interactiveMode": "Never",
        }

    @property
    def runs(self) -> list[dict[str, Any]]:
        path = self._folder / "runs"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def hands_out(self, **status: str) -> None:
        credential = {"apiVersion": self._version, "kind": "ExecCredential", "status": status}
        self.prints(json.dumps(credential))

    def prints(self, text: str) -> None:
        (self._folder / "credential.json").write_text(text)

    def fails(self, text: str) -> None:
        (self._folder / "fail").write_text(text)
