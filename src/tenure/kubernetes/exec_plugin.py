"""ExecPlugin: credentials that an external program hands out (``client.authentication.k8s.io``)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tenure.errors import ConfigurationError, LockUnavailableError
from tenure.kubernetes.credentials import Authenticator, Proof, make_bearer
from tenure.kubernetes.material import MaterialReader
from tenure.kubernetes.section import Section

__all__ = ["ExecPlugin", "plugins_at_work"]

_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")

# Generous: a plugin may ask a slow identity service. A person at a browser takes longer.
_TIMEOUT_S = 60.0
_INTERACTIVE_TIMEOUT_S = 600.0

_at_work: set[int] = set()


def plugins_at_work() -> frozenset[int]:
    """Return the process numbers of the plugins that this process runs at the moment."""
    return frozenset(_at_work)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecPlugin:
    """Describes the program; runs nothing.

    Attributes:
        command: absolute path, or a name that is looked up in PATH.
        environment: what is added to this process's own.
        cluster: JSON of the cluster for the plugin, if it wants to know; empty: it does not.
        interactive_mode: ``Never``, ``IfAvailable`` or ``Always``: whether it gets the terminal.
        install_hint: what to tell who has not installed it.
    """

    api_version: str
    command: str
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cluster: str = field(default="", repr=False)
    interactive_mode: str = "IfAvailable"
    install_hint: str = ""

    def open(self) -> Authenticator:
        """Return these credentials in use."""
        return _Plugin(self)

    @classmethod
    def from_section(cls, section: Section, cluster: Section) -> ExecPlugin:
        """Read the ``exec`` block of a user.

        Raises:
            ConfigurationError: naming the field.
        """
        version = section.text("apiVersion")
        if version not in _VERSIONS:
            raise ConfigurationError(
                f"{section.where('apiVersion')} must be {' or '.join(_VERSIONS)}, not {version!r}: "
                "update the plugin"
            )
        command = section.text("command")
        if not command:
            raise ConfigurationError(f"{section.where('command')} is missing")
        return cls(
            api_version=version,
            command=section.path("command") if os.sep in command else command,
            arguments=tuple(section.texts("args")),
            environment=tuple((each.text("name"), each.text("value")) for each in section.sections("env")),
            cluster=_describe_cluster(cluster) if section.flag("provideClusterInfo") else "",
            interactive_mode=_interactive_mode(section),
            install_hint=" ".join(section.text("installHint").split()),
        )


def _interactive_mode(section: Section) -> str:
    mode = section.text("interactiveMode")
    if not mode and section.text("apiVersion") == _VERSIONS[1]:
        return "IfAvailable"
    if mode not in ("Never", "IfAvailable", "Always"):
        raise ConfigurationError(
            f"{section.where('interactiveMode')} must be Never, IfAvailable or Always, not {mode!r}"
        )
    return mode


def _describe_cluster(cluster: Section) -> str:
    described: dict[str, Any] = {"server": cluster.text("server")}
    for name in ("tls-server-name", "proxy-url"):
        if value := cluster.text(name):
            described[name] = value
    if cluster.flag("insecure-skip-tls-verify"):
        described["insecure-skip-tls-verify"] = True
    if authority := cluster.material("certificate-authority"):
        pem = MaterialReader(authority).read()
        described["certificate-authority-data"] = base64.b64encode(f"{pem}\n".encode()).decode("ascii")
    for extension in cluster.sections("extensions"):
        if extension.text("name") == "client.authentication.k8s.io/exec":
            described["config"] = extension.value("extension")
    try:
        return json.dumps(described, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:  # YAML has dates, and keys that are no text
        raise ConfigurationError(f"{cluster.where('extensions')} holds what JSON cannot: {error}") from error


class _Plugin:
    """Runs the program when needed, once for all who wait, and outlives the call that asked first."""

    def __init__(self, plugin: ExecPlugin) -> None:
        self._plugin = plugin
        self._proof: Proof | None = None
        self._expires_at: datetime | None = None
        self._has_worked = False
        self._running: asyncio.Task[Proof] | None = None

    async def prove(self) -> Proof:
        if self._proof is None or self._has_expired():
            # A task of its own: a call's timeout is shorter than many a plugin takes, and were the plugin
            # stopped with the call, the next call would begin from nothing.
            if self._running is None:
                self._running = asyncio.create_task(self._renew(), name="tenure exec plugin")
                self._running.add_done_callback(self._ended)
            return await _outcome(self._running)
        return self._proof

    def expire(self) -> None:
        self._proof = None

    async def aclose(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    def _has_expired(self) -> bool:
        return self._expires_at is not None and datetime.now(UTC) >= self._expires_at

    def _ended(self, task: asyncio.Task[Proof]) -> None:
        self._running = None
        if not task.cancelled():
            # Whoever still waits gets the error; when all have timed out, nobody does.
            task.exception()

    async def _renew(self) -> Proof:
        try:
            proof, self._expires_at = _parse(self._plugin, await _run(self._plugin))
        except ConfigurationError as error:
            if not self._has_worked:
                raise
            # What once worked is no fault of the configuration: the program may be back after an update.
            raise LockUnavailableError(str(error), refused=True) from error
        self._has_worked = True
        self._proof = proof
        return proof


async def _outcome(running: asyncio.Task[Proof]) -> Proof:
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        waiter = asyncio.current_task()
        if running.cancelled() and waiter is not None and not waiter.cancelling():
            raise LockUnavailableError("the client was closed", refused=True) from None
        raise


async def _run(plugin: ExecPlugin) -> bytes:
    has_terminal = plugin.interactive_mode != "Never" and sys.stdin is not None and sys.stdin.isatty()
    if plugin.interactive_mode == "Always" and not has_terminal:
        raise ConfigurationError(
            f"exec plugin {plugin.command} wants a terminal (interactiveMode: Always), and there is none"
        )
    process = await _start(plugin, has_terminal)
    timeout = _INTERACTIVE_TIMEOUT_S if has_terminal else _TIMEOUT_S
    _at_work.add(process.pid)
    try:
        async with asyncio.timeout(timeout):
            output, errors = await process.communicate()
    except TimeoutError as error:
        await _kill(process, has_terminal)
        raise LockUnavailableError(
            f"exec plugin {plugin.command} gave no answer within {timeout:g} s", refused=True
        ) from error
    except asyncio.CancelledError:
        await _kill(process, has_terminal)
        raise
    finally:
        _at_work.discard(process.pid)
    if process.returncode:
        said = " ".join((errors or b"").decode("utf-8", "replace").split())[-400:]
        raise LockUnavailableError(
            f"exec plugin {plugin.command} failed with status {process.returncode}: {said}", refused=True
        )
    return output


async def _start(plugin: ExecPlugin, has_terminal: bool) -> asyncio.subprocess.Process:
    spec: dict[str, Any] = {"interactive": has_terminal}
    if plugin.cluster:
        spec["cluster"] = json.loads(plugin.cluster)
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    environment = {**os.environ, **dict(plugin.environment), "KUBERNETES_EXEC_INFO": json.dumps(info)}
    try:
        return await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.arguments,
            stdin=None if has_terminal else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if has_terminal else asyncio.subprocess.PIPE,
            env=environment,
            # A group of its own, so that its children can be ended with it; not at a terminal, where it
            # would lose the keyboard.
            start_new_session=not has_terminal,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        hint = (
            f"; {plugin.install_hint}"
            if plugin.install_hint
            else "; install it, or check users[].exec.command"
        )
        raise ConfigurationError(f"cannot run exec plugin {plugin.command}: {reason}{hint}") from error


async def _kill(process: asyncio.subprocess.Process, has_terminal: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        if has_terminal:
            process.kill()
        else:
            # The program itself may have ended: what keeps us waiting is then a child that holds its pipes.
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _parse(plugin: ExecPlugin, output: bytes) -> tuple[Proof, datetime | None]:
    """Read an ``ExecCredential``."""
    try:
        credential = json.loads(output)
        status = credential["status"]
        version, token = credential["apiVersion"], status.get("token") or ""
        certificate, key = status.get("clientCertificateData") or "", status.get("clientKeyData") or ""
        expiry = status.get("expirationTimestamp")
        expires_at = datetime.fromisoformat(expiry) if expiry else None
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise LockUnavailableError(
            f"exec plugin {plugin.command} printed no ExecCredential ({type(error).__name__})", refused=True
        ) from error
    if version != plugin.api_version:
        raise ConfigurationError(
            f"exec plugin {plugin.command} answers in {version}, but the kubeconfig says {plugin.api_version}"
        )
    if bool(certificate) != bool(key) or not (token or certificate):
        raise LockUnavailableError(
            f"exec plugin {plugin.command} gave neither a token nor a certificate with its key", refused=True
        )
    if expires_at is not None and expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=UTC)
    header = make_bearer(str(token), f"the answer of exec plugin {plugin.command}") if token else ""
    return Proof(header, certificate, key), expires_at
