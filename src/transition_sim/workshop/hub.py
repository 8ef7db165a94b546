"""The session while it runs: one state, its log, its results, and who waits for news of them.

An event is checked, written to the disk, and only then made the state; commands that come twice are answered as they
were the first time and change nothing. Results are computed in threads, before they are asked for where possible.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from transition_sim.errors import ScenarioError
from transition_sim.model.equations import Model
from transition_sim.workshop import events
from transition_sim.workshop.events import FACILITATOR, Event, Started
from transition_sim.workshop.log import Log
from transition_sim.workshop.plans import Plan, news_until, plan_of, plan_of_team
from transition_sim.workshop.runs import (
    Runner,
    checksum,
    recomputed,
    round_results,
    runner_of,
    team_values,
    unchanged_results,
)
from transition_sim.workshop.scoring import standing
from transition_sim.workshop.session import RefusedError, Session, apply, begin, fold


class Hub:
    """A running session. All of its methods belong to one event loop."""

    def __init__(self, log: Log, model: Model, setup: Started | None = None) -> None:
        """Take a session up where its log stands, or begin one with `setup` where the log is empty."""
        self.log = log
        self.model = model
        if log.events:
            self.session = fold(log.events)
        elif setup is None:
            raise RefusedError("empty_log")
        else:
            self.session = begin(setup)
            log.append(setup)
        given = self.session.setup
        self.runner: Runner = runner_of(given.workshop, model, given.worlds, given.seed, given.ensemble)
        self.unchanged = unchanged_results(self.runner)
        self.results: dict[str, Mapping[str, Any]] = dict(recomputed(self.runner, self.session))
        told = self.session.results
        self.differing = [name for name, found in self.results.items() if checksum(found) != told[name]]
        self.answers = {
            (event.by, event.id): number for number, event in enumerate(log.events, 1) if event.id is not None
        }
        self._standings: dict[str, dict[str, Any]] = {}
        self.changed = asyncio.Event()
        self.closing = False
        self._one = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def count(self) -> int:
        """The number of events so far."""
        return self.session.count

    def standing(self, name: str) -> dict[str, Any]:
        """Return how teams stand against each other after a closed round, world by world."""
        if name not in self._standings:
            workshop = self.session.workshop
            found = team_values(self.runner, self.session, workshop.order.index(name))
            self._standings[name] = standing(workshop, found)
        return self._standings[name]

    async def submit(self, event: Event, check: Callable[[Session], None] | None = None) -> int:
        """Take an event up; return its number. RefusedError by a rule or by `check`, ScenarioError by the disk.

        `check` gets the state that the event would change; it is not asked about a command that came before.
        """
        async with self._one:
            return await self._take(event, check)

    async def _take(self, event: Event, check: Callable[[Session], None] | None = None) -> int:
        known = self.answers.get((event.by, event.id)) if event.id is not None else None
        if known is not None:
            return known
        following = apply(self.session, event)
        if check is not None:
            check(self.session)
        number = await asyncio.to_thread(self.log.append, event)
        self.session = following
        if event.id is not None:
            self.answers[event.by, event.id] = number
        self._forget()
        self.tell()
        if isinstance(event, events.Committed | events.Coded):
            self._ahead(plan_of_team(self.session, event.team, self.model))
        elif isinstance(event, events.Opened | events.Happened):
            news = news_until(self.session, self.session.round)
            self._ahead(plan_of(self.session.workshop, self.model, None, news))
        return number

    def _forget(self) -> None:
        """Let go of results of rounds that are not closed any more."""
        for name in list(self.results):
            if name not in self.session.results:
                del self.results[name]
                self._standings.pop(name, None)

    async def close_round(self, identity: str | None, force: bool) -> int:
        """Close the open round: compute the results of all teams, write their checksum, show them."""
        async with self._one:
            name = self.session.round_name
            known = self.answers.get((FACILITATOR, identity)) if identity is not None else None
            if known is not None:
                return known
            if self.session.phase != "open" or name is None:
                raise RefusedError("round_not_open", round=name)
            late = [team.number for team in self.session.teams if not team.turns[name].committed]
            if late and not force:
                raise RefusedError("not_all_committed", teams=", ".join(map(str, late)))
            session = self.session
            found = await asyncio.to_thread(round_results, self.runner, session, session.round)
            event = events.Closed(at=time.time(), id=identity, round=name, results=checksum(found))
            self.results[name] = found
            try:
                return await self._take(event)
            except ScenarioError:
                del self.results[name]
                raise

    def _ahead(self, plan: Plan) -> None:
        """Compute a plan in the background, so that closing the round need not wait for it."""
        task = asyncio.get_running_loop().create_task(asyncio.to_thread(self.runner.computed, plan))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def tell(self) -> None:
        """Wake all who wait."""
        self.changed.set()
        self.changed = asyncio.Event()

    def let_go(self) -> None:
        """Have all who listen go, for the end is near."""
        self.closing = True
        self.tell()

    async def close(self) -> None:
        """Let listeners go and the log be closed."""
        self.let_go()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.log.close()
