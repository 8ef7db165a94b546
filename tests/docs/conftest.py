"""Commands of the pages are run as they stand, but a server that they start takes a free port and ends at once."""

from __future__ import annotations

import pytest

from transition_sim.workshop import address


@pytest.fixture(autouse=True)
def no_server_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = address.bind
    monkeypatch.setattr(address, "bind", lambda port, lan: bind(0, lan))
    monkeypatch.setattr("uvicorn.Server.run", lambda _, sockets: [each.close() for each in sockets])
