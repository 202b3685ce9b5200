"""Feed a target with many inputs: ``python -m tests.fuzz TARGET --inputs 1000000 [--seed N]``."""

from __future__ import annotations

import argparse
import importlib
import secrets
from collections.abc import Callable

from tests.fuzz.decisions import Decisions
from tests.fuzz.runner import Runner, run_atheris, run_random
from tests.fuzz.target import Target, alarm

TARGETS = {
    "records": ("tests.fuzz.records", ("tenure",)),
    "answers": ("tests.fuzz.answers", ("tenure",)),
    "kubeconfig": ("tests.fuzz.kubeconfig", ("tenure",)),
    "sidecar": ("tests.fuzz.sidecar", ("tenure", "uvicorn", "h11")),
    "sidecar-tcp": ("tests.fuzz.sidecar_tcp", ("tenure", "uvicorn", "h11")),
    "devserver": ("tests.fuzz.devserver", ("tenure",)),
    "datagrams": ("tests.fuzz.datagrams", ("tenure",)),
}
"""The module that makes a target, and the packages whose coverage leads to new inputs."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--inputs", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), metavar="N")
    parser.add_argument(
        "--engine", choices=("atheris", "random"), help="default: atheris, if it is installed"
    )
    parser.add_argument("--replay", type=bytes.fromhex, metavar="HEX", help="try this one input")
    given = parser.parse_args()
    module, packages = TARGETS[given.target]

    def make_target() -> Target:
        make: Callable[[], Target] = importlib.import_module(module).make_target
        return make()

    if given.replay is not None:
        target = make_target()
        with alarm():
            target.check(Decisions(given.replay))
        target.close()
        return
    engine = given.engine or ("atheris" if importlib.util.find_spec("atheris") else "random")
    print(f"{given.target}: {given.inputs} inputs, engine {engine}, seed {given.seed}", flush=True)

    def make_runner() -> Runner:
        return Runner(given.target, make_target(), given.inputs)

    if engine == "atheris":
        run_atheris(make_runner, given.seed, packages)
    else:
        run_random(make_runner(), given.seed)


main()
