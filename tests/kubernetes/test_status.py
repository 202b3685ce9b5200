"""What every answer of the API server, or of something in its place, is translated into."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.errors import ConflictError, LockUnavailableError, PermissionDeniedError, TenureError
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.operation import Operation
from tenure.kubernetes.resource import CONFIGMAPS, LEASES
from tenure.kubernetes.status import GoneError, NotFoundError, make_error, parse_object
from tests.kubernetes.server import Answer, ApiServer, Seen, lease, status

Call = Callable[[Client], Awaitable[Any]]


def get(client: Client) -> Awaitable[Any]:
    return client.get(LEASES, "default", "reports", timeout=10)


def create(client: Client) -> Awaitable[Any]:
    return client.create(LEASES, "default", lease(), timeout=10)


def replace(client: Client) -> Awaitable[Any]:
    return client.replace(LEASES, "default", "reports", lease(), timeout=10)


def patch(client: Client) -> Awaitable[Any]:
    body = {"spec": {"holderIdentity": "é"}}
    return client.patch(
        LEASES, "default", "reports", body, content_type="application/merge-patch+json", timeout=10
    )


def delete(client: Client) -> Awaitable[Any]:
    return client.delete(LEASES, "default", "reports", uid="u-1", resource_version="7", timeout=10)


def list_one(client: Client) -> Awaitable[Any]:
    return client.list(LEASES, "default", field_selector="metadata.name=reports", timeout=10)


def list_all(client: Client) -> Awaitable[Any]:
    return client.list(CONFIGMAPS, "default", label_selector="app in (a,b)", timeout=10)


def exchange(answer: Answer, call: Call) -> tuple[Any, Seen]:
    """Return what the call returns or raises, and the request that arrived."""

    async def main() -> tuple[Any, Seen]:
        async with ApiServer(answer) as server:
            client = Client(ClusterConfig(server=server.url))
            try:
                result = await call(client)
            except TenureError as error:
                result = error
            await client.aclose()
            (seen,) = server.seen
            return result, seen

    return asyncio.run(main())


def error_of(answer: Answer, call: Call = get) -> Any:
    error, _ = exchange(answer, call)
    assert isinstance(error, TenureError)
    assert "\n" not in str(error)
    return error


def test_the_requests_are_what_the_api_server_expects() -> None:
    lease_path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    _, seen = exchange(Answer(lease(), 201), create)
    assert (seen.method, seen.path, seen.json) == ("POST", lease_path, lease())
    assert seen.headers["content-type"] == "application/json"
    _, seen = exchange(Answer(lease()), replace)
    assert (seen.method, seen.path, seen.json) == ("PUT", f"{lease_path}/reports", lease())
    _, seen = exchange(Answer(lease()), patch)
    assert (seen.method, seen.path) == ("PATCH", f"{lease_path}/reports")
    assert seen.headers["content-type"] == "application/merge-patch+json"
    assert seen.json == {"spec": {"holderIdentity": "é"}}
    found, seen = exchange(Answer({"kind": "Status", "status": "Success"}), delete)
    assert (seen.method, seen.path) == ("DELETE", f"{lease_path}/reports")
    assert seen.json["preconditions"] == {"uid": "u-1", "resourceVersion": "7"}
    assert found["status"] == "Success"
    _, seen = exchange(Answer({"kind": "ConfigMapList", "items": []}), list_all)
    assert seen.path == "/api/v1/namespaces/default/configmaps?labelSelector=app+in+%28a%2Cb%29"


def test_names_cannot_leave_their_place_in_the_path() -> None:
    assert LEASES.path("a/b", "../x?y") == ("/apis/coordination.k8s.io/v1/namespaces/a%2Fb/leases/..%2Fx%3Fy")


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (get, {"verbs": ["get"], "resourceNames": ["reports"]}),
        (create, {"verbs": ["create"]}),
        (replace, {"verbs": ["update"], "resourceNames": ["reports"]}),
        (patch, {"verbs": ["patch"], "resourceNames": ["reports"]}),
        (delete, {"verbs": ["delete"], "resourceNames": ["reports"]}),
        (list_one, {"verbs": ["list"], "resourceNames": ["reports"]}),
    ],
)
def test_a_403_names_the_missing_rule(call: Call, rule: dict[str, list[str]]) -> None:
    error = error_of(status(403, "Forbidden", 'User "x" cannot do that'), call)
    assert isinstance(error, PermissionDeniedError)
    text = str(error)
    found = json.loads(text[text.index("{") : text.index("}") + 1])
    assert found == {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], **rule}
    assert 'namespace "default"' in text
    assert 'User "x" cannot do that' in text


def test_a_409_is_a_conflict_with_its_reason() -> None:
    message = 'Operation cannot be fulfilled on leases "reports": the object has been modified'
    error = error_of(status(409, "Conflict", message), replace)
    assert isinstance(error, ConflictError)
    assert message in str(error)
    assert isinstance(error_of(status(409, "AlreadyExists", "exists"), create), ConflictError)


def test_only_the_api_servers_own_404_on_the_object_is_an_absence() -> None:
    absent = status(404, "NotFound", "not found", name="reports", kind="leases", group="coordination.k8s.io")
    for call in (get, replace, patch, delete):
        assert isinstance(error_of(absent, call), NotFoundError)
    no_namespace = status(
        404, "NotFound", 'namespaces "default" not found', name="default", kind="namespaces"
    )
    error = error_of(no_namespace, create)
    assert isinstance(error, LockUnavailableError)
    assert error.refused
    foreign = [
        Answer(b"404 page not found\n", 404),
        status(404, "NotFound", "the server could not find the requested resource"),
        status(404, "NotFound", "not found", name="other", kind="leases"),
        Answer({"error": "no such route"}, 404),
    ]
    for answer in foreign:
        assert isinstance(error_of(answer), LockUnavailableError)


def test_a_410_is_gone() -> None:
    assert isinstance(error_of(status(410, "Expired", "too old resource version")), GoneError)


def test_retry_after_is_passed_on() -> None:
    answer = status(429, "TooManyRequests", "slow down", retryAfterSeconds=3)
    error = error_of(answer, replace)
    assert (error.retry_after_s, error.refused, error.unauthorized) == (3.0, True, False)
    error = error_of(Answer(b"busy", 429, {"Retry-After": "7"}), replace)
    assert (error.retry_after_s, error.refused) == (7.0, True)
    error = error_of(Answer(b"busy", 503, {"Retry-After": "5"}), replace)
    assert (error.retry_after_s, error.refused) == (5.0, False)
    error = error_of(Answer(b"busy", 503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), replace)
    assert error.retry_after_s is None


@pytest.mark.parametrize("code", [500, 502, 503, 504, 400, 403, 409, 302])
def test_a_foreign_error_page_leaves_the_outcome_unknown(code: int) -> None:
    page = b"<html>\n<body>  login\nplease </body></html>"
    error = error_of(Answer(page, code, {"Location": "https://login.example"}), replace)
    assert type(error) is LockUnavailableError
    assert not error.refused
    assert "<html> <body> login please </body></html>" in str(error)
    assert ("https://login.example" in str(error)) == (code == 302)


@pytest.mark.parametrize("code", [500, 503, 504])
def test_a_failure_of_the_api_server_leaves_the_outcome_unknown(code: int) -> None:
    error = error_of(status(code, "InternalError", "etcdserver: request timed out"), replace)
    assert isinstance(error, LockUnavailableError)
    assert not error.refused


@pytest.mark.parametrize("code", [400, 405, 415, 422])
def test_what_the_api_server_rejects_has_not_been_applied(code: int) -> None:
    error = error_of(status(code, "Invalid", "metadata.name: Invalid value"), create)
    assert isinstance(error, LockUnavailableError)
    assert error.refused


@pytest.mark.parametrize(
    "body",
    [
        b"<html>welcome</html>",
        b'{"kind": "Lease", "metadata": {"na',
        b"[]",
        b"null",
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        {"kind": "ConfigMap", "metadata": {"name": "reports"}},
        {"kind": "Lease", "metadata": {"name": "other"}},
        {"kind": "Lease"},
        {"kind": "Lease", "metadata": "reports"},
        {"kind": "Status", "status": "Success"},
    ],
)
def test_a_success_that_is_not_the_object_leaves_the_outcome_unknown(body: Any) -> None:
    for call in (get, replace):
        error = error_of(Answer(body), call)
        assert isinstance(error, LockUnavailableError)
        assert not error.refused


def test_an_answer_without_end_is_cut() -> None:
    error = error_of(Answer(b" " * (17 * 1024 * 1024)))
    assert "longer than" in str(error)


@given(code=st.integers(300, 599), body=st.binary(max_size=300), retry=st.text(max_size=5))
def test_no_answer_breaks_the_translation(code: int, body: bytes, retry: str) -> None:
    operation = Operation("update", LEASES, "default", "reports", "https://server")
    error = make_error(operation, code, {"retry-after": retry}, body)
    assert "\n" not in str(error)
    # Nothing but the API server's own Status may ever mean more than an outage.
    assert isinstance(error, LockUnavailableError)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    code=st.integers(300, 599),
    fields=st.fixed_dictionaries(
        {}, optional={"message": json_values, "reason": json_values, "details": json_values}
    ),
)
def test_no_status_breaks_the_translation(code: int, fields: dict[str, Any]) -> None:
    operation = Operation("get", LEASES, "default", "reports", "https://server")
    body = json.dumps({"kind": "Status", **fields}).encode()
    error = make_error(operation, code, {}, body)
    assert "\n" not in str(error)
    assert not isinstance(error, NotFoundError) or code == 404


@given(body=json_values)
def test_no_body_passes_for_the_object(body: Any) -> None:
    operation = Operation("get", LEASES, "default", "reports", "https://server")
    with pytest.raises(LockUnavailableError):
        parse_object(operation, json.dumps(body).encode())
