"""Serving ASGI applications: uvicorn's HTTP under our own signals and limits."""

from __future__ import annotations

from tenure.serving.address import Address, bind
from tenure.serving.asgi import ASGIApplication, Message, Receive, Scope, Send
from tenure.serving.limits import Limits
from tenure.serving.server import Serving, serve

__all__ = [
    "ASGIApplication",
    "Address",
    "Limits",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "Serving",
    "bind",
    "serve",
]
