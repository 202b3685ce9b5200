"""Health: asks a program over HTTP whether it is fit to lead."""

from __future__ import annotations

from urllib.parse import urlsplit

from tenure.errors import ConfigurationError

__all__ = ["HealthCheck"]

_TIMEOUT_S = 5.0


class HealthCheck:
    """A program's health endpoint; an answer from 200 to 399 is a yes, as for Kubernetes' probes.

    Args:
        url: of the endpoint. Plain HTTP: it is one of the same Pod.

    Raises:
        ConfigurationError: it cannot be asked.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not url.isascii() or any(character.isspace() for character in url):
            raise ConfigurationError(
                f"{url!r} is no URL of a health check: write it as http://localhost:8080/healthz"
            )
        self._url = url

    async def ask(self) -> bool:
        """Ask.

        Raises:
            ConnectionError: it is not fit, or did not answer; the message says which.
        """
        # Imported late: nobody else pays for it.
        import httpcore2

        # A connection for each question: what answers on an old one may be a process that is ending.
        async with httpcore2.AsyncConnectionPool(max_keepalive_connections=0) as pool:
            limits = dict.fromkeys(("connect", "read", "write", "pool"), _TIMEOUT_S)
            try:
                async with pool.stream("GET", self._url, extensions={"timeout": limits}) as answer:
                    status = answer.status
            except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
                raise ConnectionError(
                    f"{self._url} does not answer: {error or type(error).__name__}"
                ) from error
        if not 200 <= status < 400:
            raise ConnectionError(f"{self._url} answers {status}")
        return True
