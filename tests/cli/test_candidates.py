"""``tenure status`` and the candidates that keep a Lease of their own."""

from __future__ import annotations

import json

from tenure.testing.pytest_plugin import RunningDevServer
from tests.sidecar.process import Sidecar, eventually, run_tenure


def test_all_candidates_of_a_named_election_are_shown(tenure_devserver: RunningDevServer) -> None:
    flags = ("--election=reports", f"--kubeconfig={tenure_devserver.kubeconfig}", "--candidates")

    def names() -> list[str]:
        done = run_tenure("status", "reports", "-o", "json", f"--kubeconfig={tenure_devserver.kubeconfig}")
        assert done.returncode == 0, done.stderr
        return [each["identity"] for each in json.loads(done.stdout)["elections"][0]["candidates"]]

    with Sidecar("red", *flags, "--priority=5") as red:
        red.until_leading()
        with Sidecar("green", *flags) as green:
            green.until_named("red")
            eventually(lambda: names() == ["green", "red"])
            shown = run_tenure("status", "reports", f"--kubeconfig={tenure_devserver.kubeconfig}")
            assert "green,red(5)" in shown.stdout
            listed = run_tenure("status", f"--kubeconfig={tenure_devserver.kubeconfig}")
            assert len(listed.stdout.splitlines()) == 2, "the candidates' Leases are no elections"
            assert green.end() == 0
            eventually(lambda: names() == ["red"])
