"""What stands before the handlers: host and origin, size, security headers, and allowances that refill with time."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

MAX_BODY = 16_384
MAX_KNOWN = 4096
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
PRINTED = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""For pages that must also work as files: one script and style inside, and no connection to anywhere."""
Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class TooLargeError(Exception):
    """A request carries more than is ever needed."""


@dataclass(frozen=True)
class Allowance:
    """How much may be sent: `size` at once, and so much more with each second. Kept as (left, when) by sender."""

    size: float
    per_second: float

    def left(self, kept: dict[str, tuple[float, float]], sender: str) -> bool:
        """Return whether a sender has any left; nothing is taken."""
        return self._now(kept, sender) >= 1

    def take(self, kept: dict[str, tuple[float, float]], sender: str) -> bool:
        """Take one from a sender's allowance; return whether there was one."""
        now = self._now(kept, sender)
        if now < 1:
            return False
        if len(kept) >= MAX_KNOWN:
            kept.clear()
        kept[sender] = (now - 1, time.monotonic())
        return True

    def _now(self, kept: dict[str, tuple[float, float]], sender: str) -> float:
        left, when = kept.get(sender, (self.size, 0.0))
        return min(self.size, left + (time.monotonic() - when) * self.per_second)


class Guard:
    """Refuses requests under a foreign name or from a foreign page; puts security headers on every answer."""

    def __init__(self, inner: Any, hosts: frozenset[str]) -> None:
        self.inner = inner
        self.hosts = hosts | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope.get("path", "")
        policy = PRINTED if path.startswith(("/print", "/debrief", "/results")) else HEADERS["content-security-policy"]
        wrapped = _with_headers(send, {**HEADERS, "content-security-policy": policy})
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.known(host) or (origin is not None and origin not in (f"http://{host}", f"https://{host}")):
            await _plain(wrapped, 421, b"this session does not answer under that name")
            return
        await self.inner(scope, receive, wrapped)

    def known(self, host: str) -> bool:
        """Return whether a Host header is a plain address or one of our names: no foreign name can point here."""
        name = host[1:].partition("]")[0] if host.startswith("[") and "]" in host else host.partition(":")[0]
        if name.lower() in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in headers.items()]
            message = {**message, "headers": [*message.get("headers", []), *own]}
        await send(message)

    return sending


async def _plain(send: Send, status: int, text: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": text})


async def body_of(request: Request) -> bytes:
    """Return the body of a request; TooLargeError, without reading on, where it is larger than allowed."""
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > MAX_BODY:
        raise TooLargeError
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise TooLargeError
        parts.append(part)
    return b"".join(parts)
