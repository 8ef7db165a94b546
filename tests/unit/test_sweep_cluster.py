"""The same chunks on a Dask cluster of two processes: the same tables, also when a worker is killed in the middle."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import transition_sim as ts
from transition_sim.errors import ScenarioError, SimulationError
from transition_sim.study.sweeps import cluster as sweep_cluster
from transition_sim.study.sweeps import run as sweep_run
from transition_sim.study.sweeps import sweep as sweeps
from transition_sim.study.sweeps.plan import Job, load_job

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # distributed's own, and sockets of workers that were killed


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Start a scheduler and two worker processes on this machine; Dask itself forgives no lost worker."""
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as started,
    ):
        yield started


@pytest.fixture(scope="module")
def job() -> Job:
    return load_job("draw_down_timing", runs=4, chunk=20)


@pytest.fixture(scope="module")
def whole(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "out"
    sweeps.execute(job, folder)
    return folder


def same_tables(one: Path, other: Path) -> bool:
    names = ts.load_sweep(other).manifest["tables"]
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_a_cluster_gives_the_same_tables(cluster: Any, job: Job, whole: Path, tmp_path: Path) -> None:
    sweeps.execute(job, tmp_path / "out", cluster=cluster.scheduler_address)
    assert same_tables(tmp_path / "out", whole)
    assert ts.rerun(tmp_path / "out", 777).equal


@pytest.mark.slow
def test_a_cluster_goes_on_where_threads_stopped(cluster: Any, job: Job, whole: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(now: int, done: int, total: int) -> None:
        if done > total / 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        sweeps.execute(job, tmp_path / "out", progress=stop)
    sweeps.execute(job, tmp_path / "out", resume=True, cluster=cluster.scheduler_address)
    assert same_tables(tmp_path / "out", whole)


@pytest.mark.slow
def test_killing_workers_changes_nothing(cluster: Any, job: Job, whole: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(now: int, done: int, total: int) -> None:
        if len(killed) < 3 and done >= (len(killed) + 1) * total / 5:
            workers = [worker["pid"] for worker in _workers(cluster).values() if worker["pid"] not in killed]
            os.kill(workers[0], signal.SIGKILL)
            killed.append(workers[0])

    sweeps.execute(job, tmp_path / "out", cluster=cluster.scheduler_address, progress=kill)
    assert len(killed) == 3
    assert same_tables(tmp_path / "out", whole)


def _workers(cluster: Any) -> dict[str, dict[str, Any]]:
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        found = client.run(os.getpid)
    return {address: {"pid": pid} for address, pid in found.items()}


@pytest.mark.slow
def test_all_workers_killed_at_once_come_back(cluster: Any, job: Job, whole: Path, tmp_path: Path) -> None:
    def kill_all() -> None:
        time.sleep(0.3)
        for worker in pids:
            os.kill(worker, signal.SIGKILL)

    pids = [worker["pid"] for worker in _workers(cluster).values()]
    killer = threading.Thread(target=kill_all)
    killer.start()
    sweeps.execute(job, tmp_path / "out", cluster=cluster.scheduler_address)
    killer.join()
    assert same_tables(tmp_path / "out", whole)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "127.0.0.1", "http://x y"])
def test_no_cluster_is_a_message(address: str, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_cluster, "PATIENCE", 1)
    with pytest.raises(ScenarioError, match="no Dask cluster with workers answers at"):
        sweeps.execute(job, tmp_path / "out", cluster=address)


def test_workers_of_another_version_are_refused(
    cluster: Any, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**sweep_run.code_of_here(), "scipy": "0.1"}
    monkeypatch.setattr(sweeps, "code_of_here", lambda: here)
    with pytest.raises(ScenarioError, match=r"a worker of the cluster has scipy .*, not 0\.1"):
        sweeps.execute(job, tmp_path / "out", cluster=cluster.scheduler_address)


class _Lost:
    """A chunk whose worker went away."""

    def result(self) -> None:
        raise distributed.comm.CommClosedError("gone")


def test_a_chunk_lost_time_and_again_is_told() -> None:
    assert sweep_cluster._result(_Lost(), 3, 1) is None
    with pytest.raises(SimulationError, match="chunk 3 was lost with its worker 5 times"):
        sweep_cluster._result(_Lost(), 3, sweep_cluster.TRIES)


def test_workers_without_the_package_are_told() -> None:
    class Foreign:
        def result(self) -> None:
            raise ModuleNotFoundError("No module named 'transition_sim'")

    with pytest.raises(
        ScenarioError, match=r"cannot run on the cluster's workers: .* is the same transition_sim installed"
    ):
        sweep_cluster._result(Foreign(), 3, 1)
