"""Sidecars that hand over: by priority, by the health of their program, by an epoch that is raised."""

from __future__ import annotations

from tenure.testing.pytest_plugin import RunningDevServer
from tests.sidecar.process import Sidecar, eventually
from tests.sidecar.test_health import Endpoint


def flags(server: RunningDevServer) -> tuple[str, ...]:
    return ("--election=reports", f"--kubeconfig={server.kubeconfig}", "--ttl=3s")


def test_a_sidecar_leads_only_while_its_program_is_healthy(tenure_devserver: RunningDevServer) -> None:
    with Endpoint(503) as red_program, Endpoint(200) as green_program:
        red_flags = (*flags(tenure_devserver), f"--health={red_program.url}")
        with Sidecar("red", *red_flags) as red:
            red.until("/leader", lambda answer: answer.status == 503 and answer.json["holder"] == "")
            red_program.status = 200
            red.until_leading()
            with Sidecar("green", *flags(tenure_devserver), f"--health={green_program.url}") as green:
                green.until_named("red")
                red_program.status = 500
                green.until_leading()
                red.until_named("green")


def test_a_higher_priority_preempts_after_the_minimum_tenure(tenure_devserver: RunningDevServer) -> None:
    with Sidecar("red", *flags(tenure_devserver), "--minimum-tenure=1s") as red:
        red.until_leading()
        with Sidecar("green", *flags(tenure_devserver), "--priority=10", "--preempt") as green:
            token = int(green.until_leading()["token"])
            red.until_named("green")
        assert token > 0


def test_an_epoch_outranks_every_version(tenure_devserver: RunningDevServer) -> None:
    with Sidecar("red", *flags(tenure_devserver), "--epoch=2") as red:
        token = eventually(lambda: red.until_leading()["token"])
    assert int(token) >> 64 == 2
