"""What the middleware answers, the same for ASGI and WSGI; without a server in between."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tenure import FencingToken
from tenure.fencing import asgi, wsgi
from tenure.fencing.memory import MemoryFence
from tenure.fencing.sqlite import BlockingSqliteFence, SqliteFence

Ask = Callable[..., httpx.Response]

A, B = "default/a", "default/b"


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    text = f"{scope.get('tenure.token')} {message['body'].decode()}"
    await send({"type": "http.response.body", "body": text.encode()})


def wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [f"{environ.get('tenure.token')} {environ['wsgi.input'].read().decode()}".encode()]


@pytest.fixture(params=["asgi", "wsgi"])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """Make one request of an application that is fenced for elections, by default for one."""

    def ask(method: str, *headers: tuple[str, str], elections: tuple[str, ...] = (A,)) -> httpx.Response:
        paths = {election: tmp_path / f"{election[-1]}.db" for election in elections}
        if request.param == "asgi":
            held = {election: SqliteFence(path, patience=0.05) for election, path in paths.items()}
            return asyncio.run(over_asgi(asgi.FencingMiddleware(asgi_app, held), method, headers))
        blocking = {election: BlockingSqliteFence(path, patience=0.05) for election, path in paths.items()}
        transport = httpx.WSGITransport(app=wsgi.FencingMiddleware(wsgi_app, blocking))
        with httpx.Client(transport=transport, base_url="http://service") as client:
            return client.request(method, "/", headers=list(headers), content=b"body")

    return ask


async def over_asgi(app: Any, method: str, headers: Iterable[tuple[str, str]]) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.request(method, "/", headers=list(headers), content=b"body")


def token(text: str) -> tuple[str, str]:
    return "tenure-fencing-token", text


def election(name: str) -> tuple[str, str]:
    return "Tenure-Election", name


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and detail, of which the body must be one line of JSON."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.text.count("\n") == 1
    problem = json.loads(answer.text)
    assert problem["status"] == answer.status_code
    return answer.status_code, problem["detail"]


def test_a_present_token_passes_and_a_stale_one_is_answered_412(ask: Ask) -> None:
    assert ask("POST", token("4")).text == "4 body"
    assert ask("PUT", token("5"), election(A)).text == "5 body"
    assert ask("PATCH", token("5")).text == "5 body"
    assert refusal(ask("DELETE", token("4"))) == (
        412,
        "fence a.db has seen token 5 of default/a and refuses 4: a later term has begun",
    )


def test_reading_needs_no_token_but_one_that_is_brought_counts(ask: Ask) -> None:
    assert ask("GET").text == "None body"
    assert ask("GET", token("5")).text == "5 body"
    assert ask("GET", token("4")).status_code == 412
    assert ask("OPTIONS").text == "None body"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "LOCK"])
def test_writing_without_a_token_is_answered_428(ask: Ask, method: str) -> None:
    expected = f"{method} needs the header Tenure-Fencing-Token: the token of the term"
    assert refusal(ask(method)) == (428, expected)


@pytest.mark.parametrize("text", ["", "-5", "5.0", "0x5", "five", "5,6", "1" * 5000])
def test_what_is_no_token_is_answered_400(ask: Ask, text: str) -> None:
    status, detail = refusal(ask("POST", token(text)))
    assert status == 400
    assert detail.startswith("Tenure-Fencing-Token: ")
    assert ask("POST", token("1")).status_code == 200


def test_two_tokens_are_none() -> None:
    """WSGI servers join them themselves."""
    app = asgi.FencingMiddleware(asgi_app, {A: MemoryFence()})
    status, detail = refusal(asyncio.run(over_asgi(app, "POST", [token("5"), token("6")])))
    assert (status, detail[:40]) == (400, "Tenure-Fencing-Token: not a fencing toke")


def test_elections_have_each_their_own_fence(ask: Ask) -> None:
    both = (A, B)
    assert ask("POST", token("5"), election(A), elections=both).status_code == 200
    assert ask("POST", token("1"), election(B), elections=both).status_code == 200
    assert ask("POST", token("4"), election(A), elections=both).status_code == 412
    assert refusal(ask("POST", token("4"), elections=both)) == (
        400,
        "a token needs the header Tenure-Election: default/a or default/b",
    )
    status, detail = refusal(ask("POST", token("9"), election("default/c"), elections=both))
    assert (status, detail) == (
        400,
        "Tenure-Election: unknown here: 'default/c' (expected default/a or default/b)",
    )


def test_while_an_earlier_term_is_in_the_way_the_answer_is_503(ask: Ask, tmp_path: Path) -> None:
    with BlockingSqliteFence(tmp_path / "a.db").holding(FencingToken(0, 4, A)):
        answer = ask("POST", token("5"))
        assert refusal(answer)[0] == 503
        assert answer.headers["retry-after"] == "1"
        assert ask("POST", token("4")).status_code == 200
    assert ask("POST", token("5")).status_code == 200


def test_a_fence_that_cannot_be_held_is_raised() -> None:
    fence = MemoryFence()
    app = asgi.FencingMiddleware(asgi_app, {A: fence})
    assert asyncio.run(over_asgi(app, "POST", [token("5")])).status_code == 200
    assert fence.highest == FencingToken(0, 5, A)
    assert asyncio.run(over_asgi(app, "POST", [token("4")])).status_code == 412


def test_the_fence_is_held_until_the_answer_is_closed(tmp_path: Path) -> None:
    fence, closed = BlockingSqliteFence(tmp_path / "fence.db", patience=0), []

    class Answer(list[bytes]):
        def close(self) -> None:
            with pytest.raises(Exception, match="still being handled"):
                fence.raise_to(FencingToken(0, 5, A))
            closed.append("closed")

    app = wsgi.FencingMiddleware(lambda environ, start_response: Answer(), {A: fence})
    environ = {"REQUEST_METHOD": "GET", "HTTP_TENURE_FENCING_TOKEN": "4", "wsgi.input": None}
    answer: Any = app(environ, lambda status, headers: None)
    assert list(answer) == []
    answer.close()
    assert closed == ["closed"]
    fence.raise_to(FencingToken(0, 5, A))


def test_an_application_that_fails_holds_no_longer(tmp_path: Path) -> None:
    fence = BlockingSqliteFence(tmp_path / "fence.db", patience=0)

    def broken(environ: object, start_response: object) -> Iterable[bytes]:
        raise LookupError("broken")

    environ = {"REQUEST_METHOD": "GET", "HTTP_TENURE_FENCING_TOKEN": "4", "wsgi.input": None}
    with pytest.raises(LookupError):
        wsgi.FencingMiddleware(broken, {A: fence})(environ, lambda status, headers: None)
    fence.raise_to(FencingToken(0, 5, A))


def test_a_body_that_ends_early_is_refused(tmp_path: Path) -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "HTTP_TENURE_FENCING_TOKEN": "4",
        "CONTENT_LENGTH": "9",
        "wsgi.input": io.BytesIO(b"short"),
    }
    statuses: list[str] = []
    app = wsgi.FencingMiddleware(wsgi_app, {A: BlockingSqliteFence(tmp_path / "fence.db")})
    (body,) = app(environ, lambda status, headers: statuses.append(status))
    assert statuses == ["400 Bad Request"]
    assert b"the body ends 4 bytes early" in body


def test_a_client_that_leaves_in_the_middle_of_its_body_is_not_served(tmp_path: Path) -> None:
    messages = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def never(*_: Any) -> None:
        raise AssertionError("it was served")

    scope = {"type": "http", "method": "POST", "headers": [(b"tenure-fencing-token", b"4")]}
    fence = SqliteFence(tmp_path / "fence.db")
    asyncio.run(asgi.FencingMiddleware(never, {A: fence})(scope, receive, never))
    assert messages == []


def test_web_sockets_are_refused_and_the_lifespan_passes() -> None:
    sent: list[Any] = []
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def send(message: Any) -> None:
        sent.append(message)

    async def story() -> None:
        middleware = asgi.FencingMiddleware(app, {A: MemoryFence()})
        await middleware({"type": "websocket", "headers": []}, None, send)  # type: ignore[arg-type]
        await middleware({"type": "lifespan"}, None, send)  # type: ignore[arg-type]

    asyncio.run(story())
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert seen == ["lifespan"]
