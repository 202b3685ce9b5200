"""PostgresServer: a real PostgreSQL on a socket file."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence

import psycopg

from tests.servers.packages import unpacked
from tests.servers.server import Server

__all__ = ["PostgresServer"]

_USER, _GROUP = "nobody", "nogroup"  # whom it runs as for root, as whom it refuses to run


class PostgresServer(Server):
    """PostgreSQL 15 with the defaults of its package, but for fsync: nothing outlives the tests."""

    name = "postgres"
    ends_on = signal.SIGQUIT  # an immediate shutdown, which takes its shared memory with it

    def prepare(self) -> Sequence[str]:
        root = unpacked("postgresql-15")
        if os.geteuid() == 0 and not (home := self.folder / "root").exists():
            root = shutil.copytree(root, home, symlinks=True)  # out of root's home, which it cannot read
            shutil.chown(self.folder, _USER, _GROUP)
        binaries = root / "usr/lib/postgresql/15/bin"
        libraries = ":".join(str(path) for path in (root / "usr/lib").glob("*-linux-gnu"))
        within = (*_as_nobody(), "/usr/bin/env", f"LD_LIBRARY_PATH={libraries}")
        data = self.folder / "data"
        initialise = ("--auth=trust", "--username=tests", "--encoding=UTF8", "--locale=C", "--no-sync")
        subprocess.run(
            [*within, str(binaries / "initdb"), *initialise, f"--pgdata={data}"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return (
            *within,
            str(binaries / "postgres"),
            "-D",
            str(data),
            "--fsync=off",
            "--listen_addresses=",
            f"--unix_socket_directories={self.folder}",
            "--dynamic_shared_memory_type=mmap",
        )

    def is_ready(self) -> bool:
        try:
            psycopg.connect(self.conninfo("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def conninfo(self, database: str) -> str:
        """Return what `psycopg.connect` takes: a URL."""
        return f"postgresql://tests@/{database}?host={self.folder}"

    def create_database(self) -> str:
        """Create an empty database, and return its conninfo."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.conninfo(name)


def _as_nobody() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    # The change of user clears what `start_process` has asked for: to be killed with the tests.
    return (
        "/usr/bin/setpriv",
        f"--reuid={_USER}",
        f"--regid={_GROUP}",
        "--clear-groups",
        "--pdeathsig=KILL",
    )
