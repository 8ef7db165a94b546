"""Sweeps: thousands of runs that can be kept, resumed, found again and explained, in a folder of plain tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from transition_sim.data import write_durably
from transition_sim.errors import Fault, ScenarioError, shown
from transition_sim.study.outcomes import NOTE
from transition_sim.study.sweeps.design import CROSSED
from transition_sim.study.sweeps.plan import FAILED, Job, load_job
from transition_sim.study.sweeps.run import METHOD, Part, check_effort, code_of_here, local_parts, referee_of
from transition_sim.study.sweeps.store import (
    FORMAT,
    TABLES,
    Store,
    open_store,
    part_name,
    read_manifest,
    sha256_of,
    told_in_words,
)
from transition_sim.study.sweeps.tables import TableWriter, read_frame, read_part, table_of, table_writer
from transition_sim.study.sweeps.workbench import workbench_results
from transition_sim.study.sweeps.xarray import NETCDF_VALUES, dataset, netcdf_bytes

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Floats = NDArray[np.float64]
Progress = Callable[[int, int, int], None]
"""Called with runs done now, runs done in all, and runs in total."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """A finished sweep: its folder and manifest; tables are read when they are asked for, units in `attrs["units"]`."""

    folder: Path
    manifest: Mapping[str, Any]
    redone: tuple[str, ...] = ()

    @cached_property
    def experiments(self) -> pd.DataFrame:
        """The inputs of every run: levers, world, uncertain constants."""
        return read_frame(self.folder / "experiments.parquet")

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """The outcomes of every run; missing where it failed."""
        return read_frame(self.folder / "outcomes.parquet")

    def outcome(self, name: str) -> Floats:
        """Return one outcome of every run, `(run,)`, missing where it failed; no other column is read."""
        return read_frame(self.folder / "outcomes.parquet", [name])[name].to_numpy(float)

    @cached_property
    def failures(self) -> pd.DataFrame:
        """The runs that failed: their inputs, and why."""
        return read_frame(self.folder / "failures.parquet")

    @property
    def name(self) -> str:
        """The shipped name, or that of the file, whatever folder it lay in."""
        told = str(self.manifest["sweep"])
        return Path(told).name if Path(told).suffix else told

    @property
    def runs(self) -> int:
        """The number of runs."""
        return int(self.manifest["plan"]["runs"])

    @property
    def failed(self) -> int:
        """The number of runs that failed."""
        return sum(int(part["failed"]) for part in self.manifest["parts"].values())

    def __repr__(self) -> str:
        return f"<Sweep '{self.name}': {self.runs:,} runs, {self.failed:,} failed>"

    def _repr_html_(self) -> str:
        from transition_sim.study.forms import sweep_html

        return sweep_html(self)

    def to_xarray(self) -> xr.Dataset:
        """Return the outcomes over the axes of the sweep: crossed levers and worlds, else runs with their inputs."""
        plan = self.manifest["plan"]
        first = plan["samples"] if plan["design"] in CROSSED else None
        return dataset(self.manifest, read_frame(self.folder / "experiments.parquet", rows=first), self.outcomes)

    def for_workbench(self) -> tuple[pd.DataFrame, dict[str, Floats]]:
        """Return `(experiments, outcomes)` as the EMA workbench takes them: numbers alone, failed runs left out.

        A lever that lists scenarios becomes a column of 0 and 1 for each of its levels.
        """
        return workbench_results(self.manifest["plan"], self.experiments, self.outcomes)


def run_sweep(
    sweep: str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    force: bool = False,
    jobs: int | None = None,
    cluster: str | None = None,
    runs: int | None = None,
    seed: int | None = None,
    csv: bool = True,
    chunk: int | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Run a sweep, a shipped name or a file, into the folder `out`, and return it.

    `resume` goes on with what the folder has: every part is held against its checksum, and what is missing, truncated
    or altered is computed again; the tables are equal, byte for byte, to those of an uninterrupted sweep. `force`
    replaces it. `jobs`: threads, by default one a processor; `cluster`: the address of a Dask scheduler in their place.
    `runs` and `seed` win over the file's. `csv`: write CSV beside Parquet. `chunk`: runs a part.

    Raises ScenarioError for what cannot be run and for a folder that cannot be used, SimulationError where SciPy
    disagrees or the disk fails. Runs that fail are kept in `Sweep.failures` with their inputs.
    """
    return execute(load_job(sweep, runs, seed, chunk), Path(out), resume, force, jobs, cluster, csv, progress)


def execute(
    job: Job, folder: Path, resume: bool = False, force: bool = False, jobs: int | None = None,
    cluster: str | None = None, csv: bool = True, progress: Progress | None = None,
) -> Sweep:  # fmt: skip
    """Run a job into a folder; see `run_sweep`."""
    check_effort(job)
    fresh = _fresh(job)
    with open_store(folder, fresh, resume, force) as store:
        redone = tuple(store.drop_faulty())
        if not _finished(store, csv):
            store.manifest["finished"] = False
            store.drop_tables()
            _begin(store, job)
            _compute(store, job, jobs, cluster, progress)
            _assemble(store, job, csv)
    return Sweep(folder, store.manifest, redone)


def load_sweep(folder: str | Path) -> Sweep:
    """Return the sweep that a folder holds; ScenarioError where it holds none, or one that is not finished.

    Every table is held against its checksum.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    if not manifest["finished"]:
        done = sum(part["runs"] for part in manifest["parts"].values())
        message = f"holds {done:,} of {manifest['plan']['runs']:,} runs; sweep it with --resume first"
        raise ScenarioError(Fault(shown(path), None, message))
    for name, digest in manifest["tables"].items():
        if not (path / name).is_file() or sha256_of(path / name) != digest:
            message = "is missing or was changed after it was written; sweep with --resume writes it anew"
            raise ScenarioError(Fault(shown(path / name), None, message))
    return Sweep(path, manifest)


def _fresh(job: Job) -> dict[str, Any]:
    """Return the manifest of a sweep that has not begun."""
    return {
        "format": FORMAT,
        "note": f"{NOTE}. The size of any effect of the Peacebuilding Commission is an assumption with a wide range.",
        "title": job.title,
        "sweep": job.name,
        "sweep_text": job.text,
        "plan_hash": job.hash,
        "plan": job.plan(),
        "sources": dict(job.sources),
        "notes": list(job.notes),
        "units": {"experiments": dict(job.design.units), "outcomes": job.recipe.units},
        "code": code_of_here(),
        "method": {**METHOD, "time_step": job.recipe.model.time.step},
    }


def _finished(store: Store, csv: bool) -> bool:
    return bool(store.manifest["finished"] and store.manifest["tables"]) and (
        not csv or "outcomes.csv" in store.manifest["tables"]
    )


def _begin(store: Store, job: Job) -> None:
    """Have SciPy check a sample of runs, and write down what is about to be run."""
    if "referee" not in store.manifest:
        store.manifest["referee"] = referee_of(job)
    source = job.recipe.model.path
    if source is not None:
        with told_in_words(store.folder):
            write_durably(store.folder / f"{job.recipe.model.name}.mdl", source.read_bytes())
    store.save()


def _compute(store: Store, job: Job, jobs: int | None, cluster: str | None, progress: Progress | None) -> None:
    """Compute the chunks that have no part yet, and write each as it is done."""
    todo = [index for index in range(job.chunks) if part_name(index) not in store.parts]
    total, now = job.design.runs, 0
    before = total - sum(len(job.runs_of(index)) for index in todo)
    for part in _parts(job, todo, jobs, cluster):
        _check_code(part, store.manifest["code"])
        store.add(part.index, part.data, part.runs, part.failed, part.code["host"])
        now += part.runs
        if progress is not None:
            progress(now, before + now, total)


def _parts(job: Job, todo: Sequence[int], jobs: int | None, cluster: str | None) -> Iterator[Part]:
    if not todo:
        return iter(())
    if cluster is None:
        return local_parts(job, todo, jobs)
    from transition_sim.study.sweeps.cluster import cluster_parts

    return cluster_parts(job, todo, cluster)


def _check_code(part: Part, here: Mapping[str, str]) -> None:
    """Refuse a part that another version computed: its runs would not be those of the others."""
    differing = [name for name, value in here.items() if name != "host" and part.code[name] != value]
    if differing:
        told = ", ".join(f"{name} {part.code[name]}, not {here[name]}" for name in differing)
        raise ScenarioError(f"a worker of the cluster has {told}; allowed: the versions that are installed here")


def _assemble(store: Store, job: Job, csv: bool) -> None:
    """Join the parts to the tables, which a finished sweep has."""
    folder = store.folder
    with told_in_words(folder):
        store.save()
        with (
            table_writer(folder, "experiments", csv) as experiments,
            table_writer(folder, "outcomes", csv) as outcomes,
            table_writer(folder, "failures", csv) as failures,
        ):
            for index in range(job.chunks):
                _add_chunk(job, index, folder, experiments, outcomes, failures)
        write_durably(folder / "units.json", _json_bytes(store.manifest["units"]))
        names = [f"{table}{ending}" for table in TABLES for ending in ((".parquet", ".csv") if csv else (".parquet",))]
        if job.design.runs * len(job.recipe.outcomes) <= NETCDF_VALUES:
            found = Sweep(folder, store.manifest)
            write_durably(folder / "outcomes.nc", netcdf_bytes(found.to_xarray()))
            names.append("outcomes.nc")
        store.manifest["tables"] = {name: sha256_of(folder / name) for name in names}
    store.manifest["finished"] = True
    store.save()


def _add_chunk(
    job: Job, index: int, folder: Path, experiments: TableWriter, outcomes: TableWriter, failures: TableWriter
) -> None:
    part = read_part(folder / part_name(index))
    inputs = table_of(job.design.table(np.asarray(job.runs_of(index))), job.design.units)
    experiments.add(inputs)
    outcomes.add(part.drop_columns(["reason"]))
    failures.add(inputs.append_column("reason", part["reason"]).filter(part[FAILED]))


def _json_bytes(data: Any) -> bytes:
    return (json.dumps(data, indent=1) + "\n").encode()
