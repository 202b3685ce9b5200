"""The end of a program leaves alone what tenure itself has started: its credential plugins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.run.runner import is_alive
from tests.sidecar.process import eventually

# In a process of its own: the end of a program kills what is below the process that has started it.
_SCRIPT = """
import asyncio, math, os, sys
from pathlib import Path
from tenure.cli.run.program import Program
from tenure.kubernetes.exec_plugin import ExecPlugin, plugins_at_work

async def main():
    version = "client.authentication.k8s.io/v1"
    plugin = ExecPlugin(api_version=version, command="sleep", arguments=("1000",)).open()
    asking = asyncio.create_task(plugin.prove())
    while not plugins_at_work():
        await asyncio.sleep(0.01)
    other = await asyncio.create_subprocess_exec("sleep", "1000")
    program = Program(["true"], os.environ, grace_s=1, kill_by=math.inf, cgroup=None)
    assert await program.until_nothing_is_left() == 0
    (spared,) = plugins_at_work()
    Path(sys.argv[1]).write_text(f"{spared} {other.pid}")
    await asyncio.to_thread(sys.stdin.read)
    asking.cancel()
    await plugin.aclose()

asyncio.run(main())
"""


def test_a_plugin_at_work_is_spared(tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = [sys.executable, "-c", _SCRIPT, str(told)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        eventually(lambda: told.exists() and told.read_text())
        plugin, other = (int(pid) for pid in told.read_text().split())
        assert (is_alive(plugin), is_alive(other)) == (True, False)
        assert process.stdin
        process.stdin.close()
        assert process.wait(60) == 0
    assert not is_alive(plugin)
