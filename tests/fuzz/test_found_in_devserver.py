"""What fuzzing has found in the embedded API server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tenure.devserver.app import App
from tests.devserver.test_protobuf import PROTOBUF, envelope, message
from tests.fuzz.asgi import Sent, send
from tests.fuzz.values import encode_json

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
TABLE = (("accept", "application/json;as=Table;g=meta.k8s.io;v=v1"),)
OBJECT = {"metadata": {"name": "a"}}


class Server:
    """An embedded API server without a network."""

    def __init__(self) -> None:
        self.app = App(history=50, bookmark_s=60.0, token=None)

    def ask(self, method: str, target: str, body: Any = None, media_type: str = "application/json") -> Any:
        """Return the code and the decoded body of the answer."""
        text = body if isinstance(body, bytes) else b"" if body is None else encode_json(body).encode()
        headers = (("content-type", media_type), *(TABLE if method == "TABLE" else ()))
        method = method.replace("TABLE", "GET")
        reply = asyncio.run(
            send(self.app, Sent(method=method, target=target, headers=headers, chunks=(text,)))
        )
        return reply.code, json.loads(reply.body)

    def refusal(self, *request: Any) -> tuple[int, str]:
        """Return code and message of a Status."""
        code, body = self.ask(*request)
        assert (body["kind"], body["code"]) == ("Status", code)
        return code, body["message"]


@pytest.fixture
def server() -> Server:
    made = Server()
    assert made.ask("POST", CONFIGMAPS, {**OBJECT, "data": {"k": "v"}})[0] == 201
    return made


def patch(server: Server, kind: str, change: Any) -> Any:
    return server.ask("PATCH", f"{CONFIGMAPS}/a", change, f"application/{kind}+json")


@pytest.mark.parametrize(
    "text",
    [
        b'{"data":{"k":"\\ud800"}}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b"[" * 5000,
        b'{"a":' * 400 + b"1" + b"}" * 400,
    ],
    ids=["half a character", "nan", "infinity", "array", "object"],
)
def test_what_cannot_be_sent_again_is_not_taken(server: Server, text: bytes) -> None:
    assert server.refusal("POST", CONFIGMAPS, text)[0] == 400
    assert server.refusal("PATCH", f"{CONFIGMAPS}/a", text, "application/merge-patch+json")[0] == 400
    assert server.refusal("DELETE", f"{CONFIGMAPS}/a", text)[0] == 400
    assert len(server.ask("GET", CONFIGMAPS)[1]["items"]) == 1


@pytest.mark.parametrize("namespace", ["", "-", "%00", "UPPER", "x" * 300])
def test_a_namespace_that_cannot_be_one_is_refused(server: Server, namespace: str) -> None:
    code, _ = server.refusal("PUT", f"/api/v1/namespaces/{namespace}/endpoints/a", OBJECT)
    assert code == 422
    assert len(server.ask("GET", "/api/v1/namespaces")[1]["items"]) == 4


@pytest.mark.parametrize("host", ["[", "a/b", "?x", "#", ":99999999", ""])
def test_the_host_header_says_nothing_about_the_path(host: str) -> None:
    request = Sent(method="GET", target="/version", headers=(("host", host),))
    server = Server()
    assert asyncio.run(send(server.app, request)).code == 200
    assert server.app.requests[-1].target == "/version"


def test_what_is_escaped_in_a_path_belongs_to_the_path(server: Server) -> None:
    assert server.refusal("GET", f"{CONFIGMAPS}/a%3Fb%0A%23")[0] == 404
    assert server.app.requests[-1].path == f"{CONFIGMAPS}/a?b\n#"


def test_a_client_that_goes_away_in_its_body_gets_no_answer() -> None:
    request = Sent(method="POST", target=CONFIGMAPS, chunks=(b"{", None))
    assert asyncio.run(send(Server().app, request)).code == 0


@pytest.mark.parametrize("query", ["watch=1&timeoutSeconds=", "resourceVersion=", "watch=1&resourceVersion="])
def test_numbers_have_64_bits(server: Server, query: str) -> None:
    assert "value out of range" in server.refusal("GET", f"{LEASES}?{query}{'9' * 5000}")[1]


def test_a_body_is_read_up_to_the_limit_of_the_real_server(server: Server) -> None:
    code, said = server.refusal("POST", CONFIGMAPS, b" " * (3 * 1024 * 1024 + 1))
    assert (code, said) == (413, "Request entity too large: limit is 3145728")


@pytest.mark.parametrize("options", [[], 5, "x", {"preconditions": [1]}, {"preconditions": "x"}])
def test_a_deletion_takes_delete_options_alone(server: Server, options: Any) -> None:
    assert server.refusal("DELETE", f"{CONFIGMAPS}/a", options)[0] == 400


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"$deleteFromPrimitiveList/finalizers": 5}},
        {"metadata": {"ownerReferences": [5]}},
        {"metadata": {"ownerReferences": [{"uid": {}}]}},
    ],
)
def test_a_strategic_patch_that_does_not_fit_is_a_bad_request(server: Server, change: Any) -> None:
    own = {"metadata": {"ownerReferences": [{"uid": "u"}], "finalizers": ["f"]}}
    assert patch(server, "merge-patch", own)[0] == 200
    assert patch(server, "strategic-merge-patch", change)[0] == 400


def test_a_json_patch_cannot_remove_the_object_itself(server: Server) -> None:
    assert patch(server, "json-patch", [{"op": "remove", "path": ""}])[0] == 422


def test_a_json_patch_cannot_double_the_object_for_ever(server: Server) -> None:
    doubling = [{"op": "copy", "from": "", "path": f"/data/{number}"} for number in range(30)]
    code, status = patch(server, "json-patch", doubling)
    assert (code, status["reason"]) == (413, "RequestEntityTooLarge")


def test_a_json_patch_cannot_nest_beyond_all_recursion(server: Server) -> None:
    steps = [{"op": "add", "path": "/data" + "/a" * depth, "value": {}} for depth in range(1, 600)]
    assert patch(server, "json-patch", steps)[0] in (400, 422)
    assert server.ask("GET", CONFIGMAPS)[0] == 200


@pytest.mark.parametrize("data", [5, ["AP8="], {"k": 5}])
def test_binary_data_is_a_map_of_texts(server: Server, data: Any) -> None:
    assert server.refusal("PUT", f"{CONFIGMAPS}/a", {**OBJECT, "binaryData": data})[0] == 400
    assert server.ask("TABLE", CONFIGMAPS)[0] == 200


@pytest.mark.parametrize(
    "subsets", [5, [5], [{"addresses": 5}], [{"addresses": [5]}], [{"addresses": [{"ip": 5}]}]]
)
def test_subsets_of_any_shape_are_shown(server: Server, subsets: Any) -> None:
    endpoints = "/api/v1/namespaces/default/endpoints"
    assert server.ask("PUT", f"{endpoints}/a", {**OBJECT, "subsets": subsets})[0] == 201
    assert server.ask("TABLE", endpoints)[0] == 200


@pytest.mark.parametrize("status", [5, {}, None])
def test_the_status_of_a_namespace_is_the_servers_own(server: Server, status: Any) -> None:
    namespace = {"metadata": {"name": "default"}, "status": status}
    assert server.ask("PUT", "/api/v1/namespaces/default", namespace)[1]["status"] == {"phase": "Active"}
    assert server.ask("TABLE", "/api/v1/namespaces")[0] == 200


@pytest.mark.parametrize(
    "spec",
    [
        message(f3=message(f1=2**63)),
        message(f3=message(f1=2**62)),
        message(f3=5),
        message(f1=5),
        b"\x10" + b"\xff" * 100_000 + b"\x01",
    ],
    ids=["before all times", "after all times", "number for time", "number for text", "endless number"],
)
def test_protobuf_of_the_wrong_types_is_a_bad_request(server: Server, spec: bytes) -> None:
    body = envelope("coordination.k8s.io/v1", "Lease", message(f1=message(f1="x"), f2=spec))
    assert "protobuf parse error" in server.refusal("POST", LEASES, body, PROTOBUF)[1]


@pytest.mark.parametrize("target", ["/healthz", "/version", "/api", CONFIGMAPS])
def test_no_tunnel_is_opened(server: Server, target: str) -> None:
    assert server.refusal("CONNECT", target)[0] == 405


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59.000000-23:59", "0001-01-01T00:00:00.000000+23:59"])
def test_a_time_outside_the_calendar_is_a_bad_request(server: Server, time: str) -> None:
    assert "out of range" in server.refusal("POST", LEASES, {**OBJECT, "spec": {"renewTime": time}})[1]


def test_an_early_year_has_four_digits(server: Server) -> None:
    time = "0001-01-01T00:00:00.000000Z"
    made = server.ask("POST", LEASES, {**OBJECT, "spec": {"renewTime": time}})[1]
    assert made["spec"]["renewTime"] == time
