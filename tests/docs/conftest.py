"""Commands of the pages are run as they stand, but a server that they start ends at once."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_server_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda _, sockets: [each.close() for each in sockets])
