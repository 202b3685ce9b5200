"""What `tenure run` answers: the sidecar's routes."""

from __future__ import annotations

import http.client

from tests.run.conftest import StartRunner
from tests.sidecar.process import free_port


def test_the_leader_and_a_standby_are_ready_and_say_which_they_are(runner: StartRunner) -> None:
    leader = runner("a", port=free_port())
    program = leader.note()
    answer = leader.until_leading()
    assert (answer["holder"], int(answer["token"])) == (
        "a",
        int(program["environment"]["TENURE_FENCING_TOKEN"]),
    )
    assert leader.get("/readyz").text == "ok\n"
    standby = runner("b", port=free_port())
    ready = standby.until("/readyz", lambda answer: answer.status == http.client.OK)
    assert ready.text == "standby: a leads\n"
    assert standby.get("/").json == {"name": "a"}
    assert standby.get("/leader").status == http.client.SERVICE_UNAVAILABLE
    assert standby.get("/healthz").status == http.client.OK
    leader.end()
    standby.until_leading()
    standby.note()
