"""Chunks of a sweep on a Dask cluster: the same chunks, the same bytes, on workers that may die. The only importer of
distributed.

Tasks and results travel as distributed sends them, which is by pickle: a scheduler and its workers are trusted with
everything that this process may do.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from transition_sim.errors import ScenarioError, SimulationError, TransitionSimError
from transition_sim.study.sweeps.plan import Job
from transition_sim.study.sweeps.run import Part, run_chunk

if TYPE_CHECKING:
    from distributed import Client, Future

TRIES = 5
"""How often a chunk may take its worker down with it, or be lost, before the sweep is given up."""
PATIENCE = 15
"""Seconds in which the scheduler must answer, and a first worker be there."""


def cluster_parts(job: Job, todo: Sequence[int], address: str) -> Iterator[Part]:
    """Yield the parts of some chunks as the workers of a cluster finish them; a few wait at a time, never all.

    Raises ScenarioError where no cluster answers or its workers cannot run the chunks, SimulationError where a chunk
    is lost time and again.
    """
    client = _client(address)
    try:
        yield from _collect(client, job, list(todo))
    finally:
        client.close()


def _client(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise ScenarioError("--cluster needs Dask: python -m pip install 'transition_sim[cluster]'") from error
    # A client that failed to start is collected here: on the new client's own thread its end would wait for this one.
    gc.collect()
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
        client.wait_for_workers(1, timeout=PATIENCE)
        return client
    except (OSError, ValueError, TimeoutError):
        pass  # no reference to the client is kept, through a traceback neither
    gc.collect()
    raise ScenarioError(f"no Dask cluster with workers answers at '{address}' within {PATIENCE} s")


def _collect(client: Client, job: Job, todo: list[int]) -> Iterator[Part]:
    """Yield parts; what is lost with its worker is sent again."""
    from distributed import as_completed

    sender = _Sender(client, job, todo[::-1])
    stream = as_completed(loop=client.loop)
    for _ in range(2 * max(sum(client.nthreads().values()), 1)):
        if sender.waiting:
            stream.add(sender.send())
    for future in stream:
        index = sender.sent.pop(future.key)
        part = _result(future, index, sender.tries[index])
        if part is None:
            sender.waiting.append(index)
        if sender.waiting:
            stream.add(sender.send())
        if part is not None:
            yield part


class _Sender:
    """Sends chunks, and the job that all of them share: a task itself, so that it is made again where it is lost."""

    def __init__(self, client: Client, job: Job, waiting: list[int]) -> None:
        self.client, self.job, self.waiting = client, job, waiting
        self.tries = dict.fromkeys(waiting, 0)
        self.sent: dict[Any, int] = {}
        self.name = f"{job.hash[:12]}-{uuid4().hex[:8]}"
        self.shares = 0
        self.share()

    def share(self) -> None:
        self.shares += 1
        self.shared = self.client.submit(_itself, self.job, key=f"sweep-{self.name}-{self.shares}")

    def send(self) -> Future[Part]:
        index = self.waiting.pop()
        self.tries[index] += 1
        if self.shared.status in ("error", "lost", "cancelled"):
            self.share()
        key = f"chunk-{self.name}-{index}-{self.tries[index]}"
        future = self.client.submit(run_chunk, self.shared, index, key=key, retries=2)
        self.sent[future.key] = index
        return future


def _result(future: Future, index: int, tries: int) -> Part | None:
    """Return a finished chunk's part, or None where it was lost and is to be sent again."""
    from distributed import KilledWorker

    try:
        part: Part = future.result()
        return part
    except TransitionSimError:
        raise
    except (KilledWorker, OSError, TimeoutError) as error:
        if tries >= TRIES:
            raise SimulationError(f"chunk {index} was lost with its worker {tries} times: {error}") from error
        return None
    except Exception as error:  # whatever a worker raises; CancelledError too
        if type(error).__name__ in ("CancelledError", "FutureCancelledError") and tries < TRIES:
            return None
        message = f"chunk {index} cannot run on the cluster's workers: {type(error).__name__}: {error}"
        raise ScenarioError(f"{message}; is the same transition_sim installed there?") from error


def _itself(job: Job) -> Any:
    return job
