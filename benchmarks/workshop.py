"""How long an event takes to reach everybody in a room of forty phones: four teams, four rounds, over real HTTP.

python benchmarks/workshop.py [PHONES] [WORLDS]

Prints the distribution over all events and all phones, from sending a command to its arrival on a phone.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from workshop_crowd import Crowd, dispersed, gathered, play_round
from workshop_play import workshop
from workshop_server import Served, served


async def played(found: Served, phones: int) -> Crowd:
    """Play a whole session; return the crowd with its waits."""
    crowd = await gathered(found.address, found.codes, found.facilitator, found.projector, phones)
    for name in workshop().order:
        await play_round(crowd, name, workshop())
    await dispersed(crowd)
    return crowd


def main(phones: int = 40, worlds: int = 1000) -> None:
    """Play, and print what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--scenario", "aid_gap", "--teams", "4", "--port", "0", "--worlds", str(worlds))
        with served(Path(folder), *options) as found:
            crowd = asyncio.run(played(found, phones))
    waits = 1000 * np.array(crowd.waits)
    print(f"{phones} phones, {worlds} worlds: {crowd.sent} commands, {len(waits):,} arrivals")
    for name, share in (("median", 50), ("p90", 90), ("p99", 99), ("largest", 100)):
        print(f"  {name:<8}{np.percentile(waits, share):8.1f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
