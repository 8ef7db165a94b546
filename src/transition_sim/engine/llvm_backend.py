"""Models compiled by LLVM for this host: the whole time loop in machine code, run over chunks of runs.

No arithmetic goes across runs, so a run's bits do not hang on batch size, order or threads.

What stays fixed in a run, and the stocks at the start, come from the NumPy printing, once for each chunk. Shapes:
constants `(run,)`, state in memory `(stock, lane)`, outputs `(time, output, run)`; runs are padded to whole vectors.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from transition_sim import cache
from transition_sim.engine.llvm_emit import Emitter
from transition_sim.engine.llvm_loop import ARGUMENTS, Loop
from transition_sim.engine.llvm_math import DOUBLE, INTEGER, POINTER
from transition_sim.engine.numpy_backend import Program
from transition_sim.engine.solvers import Grid, Moment
from transition_sim.model.equations import Model
from transition_sim.model.structure import Structure

Floats = NDArray[np.float64]
ALIGNED = 64
SPEED_LEVEL, CODE_LEVEL = 2, 3
"""How hard LLVM works: on a module's text, and on the machine's code."""
_C_TYPES = {INTEGER: ctypes.c_int64, POINTER: ctypes.c_void_p, DOUBLE: ctypes.c_double}


@dataclass(frozen=True, eq=False)
class Machine:
    """A program in machine code: what it reads of each run, and the function that integrates blocks of runs."""

    program: Program
    held: tuple[str, ...]
    lanes: int
    events: str
    run: Callable[..., None]
    engine: Any = field(repr=False)

    @property
    def workspace(self) -> int:
        """Numbers of memory that one thread needs."""
        return self.lanes * (4 * len(self.program.stocks) + len(self.held) + len(self.program.outputs) + 8)


@lru_cache(maxsize=1)
def host() -> tuple[str, str, int]:
    """Return the processor to compile for, its features, and how many numbers its vectors hold."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    lanes = 8 if features.get("avx512f") else 4 if features.get("avx2") else 2
    return llvm.get_host_cpu_name(), features.flatten(), lanes


def fuses() -> bool:
    """Return whether the host multiplies and adds in one instruction; without it our own functions would be slow."""
    llvm.initialize_native_target()
    arm = llvm.get_process_triple().startswith(("aarch64", "arm64"))
    return arm or bool(llvm.get_host_cpu_features().get("fma"))


def _target() -> Any:
    """Return a target machine for this host; an engine takes its own over."""
    name, features, _ = host()
    return llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features, opt=CODE_LEVEL)


def compile_machine(model: Model, structure: Structure, program: Program, method: str, events: str) -> Machine:
    """Return a program compiled for this host; `method` is `rk4` or `euler`, `events` as for the NumPy printing."""
    lanes = host()[2]
    emitter = Emitter(model, structure, program, events, lanes)
    module = emitter.bodies()
    Loop(module, emitter, method).emit()
    engine = kept(str(module))
    kind = ctypes.CFUNCTYPE(None, *(_C_TYPES[argument] for _, argument in ARGUMENTS))
    return Machine(program, emitter.held, lanes, events, kind(engine.get_function_address("run")), engine)


def optimised(text: str) -> Any:
    """Return a module's text as LLVM leaves it, checked, shared and folded."""
    parsed = llvm.parse_assembly(text)
    parsed.verify()
    builder = llvm.create_pass_builder(_target(), llvm.create_pipeline_tuning_options(speed_level=SPEED_LEVEL))
    builder.getModulePassManager().run(parsed, builder)
    return parsed


def compiled(module: ir.Module) -> Any:
    """Return the engine that holds a module's machine code."""
    engine = llvm.create_mcjit_compiler(optimised(str(module)), _target())
    engine.finalize_object()
    return engine


def kept(text: str) -> Any:
    """Return the engine that holds a module's machine code, out of the cache where it was compiled for this host."""
    key = key_of(text)
    found = cache.load(key)
    if found is None:
        return generated(optimised(text), key)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(found))
    engine.finalize_object()
    return engine


def key_of(text: str) -> str:
    """Return the key of a module's text in the cache: code is for one processor and made by one version."""
    name, features, _ = host()
    versions = [version("transition_sim"), version("llvmlite"), repr(llvm.llvm_version_info)]
    return cache.key_of("code", name, features, f"O{SPEED_LEVEL}, {CODE_LEVEL}", *versions, text)


def generated(module: Any, key: str) -> Any:
    """Return the engine that holds an optimised module's machine code, which goes into the cache."""
    engine = llvm.create_mcjit_compiler(module, _target())
    engine.set_object_cache(lambda _, code: cache.store(key, bytes(code)))
    engine.finalize_object()
    return engine


@dataclass(frozen=True, eq=False)
class Single:
    """One run's flow and outputs in machine code."""

    program: Program
    held: tuple[str, ...]
    flow: Callable[..., None]
    watch: Callable[..., None]
    engine: Any = field(repr=False)


def compile_single(model: Model, structure: Structure, program: Program) -> Single:
    """Return the flow and the outputs of single runs, compiled for this host, events exact."""
    emitter = Emitter(model, structure, program, "exact", 1)
    engine = kept(str(emitter.single()))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_double, ctypes.c_double, *[ctypes.c_void_p] * 3)
    flow, watch = (kind(engine.get_function_address(name)) for name in ("flow", "watch"))
    return Single(program, emitter.held, flow, watch, engine)


def moments(single: Single, values: Mapping[str, float]) -> tuple[Moment, Moment]:
    """Return flow and outputs as functions of time, the moment of events, and the state, what is fixed being given."""
    held = np.array([values[name] for name in single.held] + [0.0])
    at = held.ctypes.data

    def call(function: Callable[..., None], size: int) -> Moment:
        def value(t: float, te: float, state: Floats, keep: Floats = held) -> Floats:
            out = np.empty(size)
            function(t, te, state.ctypes.data, at, out.ctypes.data)
            return out

        return value

    return call(single.flow, len(single.program.stocks)), call(single.watch, len(single.program.outputs))


def aligned(shape: tuple[int, ...], kind: Any = np.float64) -> NDArray[Any]:
    """Return an empty array that begins on a cache line."""
    count = int(np.prod(shape))
    raw = np.empty(count + ALIGNED // 8, dtype=kind)
    skip = (-raw.ctypes.data // 8) % (ALIGNED // 8)
    return raw[skip : skip + count].reshape(shape)


def integrate(machine: Machine, constants: Sequence[Floats], grid: Grid, runs: int, step: float, out: Floats) -> None:
    """Fill `out` `(time, output, run)` for a chunk; runs beyond a whole number of vectors are padded in copies."""
    lanes = machine.lanes
    padded = -(-runs // lanes) * lanes
    half = step / 2 if machine.events == "compatible" else 0.0
    with np.errstate(all="ignore"):
        state, values = machine.program.start(grid.nodes[0], grid.nodes[0], half, list(constants))
    by_name = dict(zip(machine.program.held, values, strict=True))
    held, held_steps = _columns([by_name[name] for name in machine.held], runs, padded, lanes)
    first, first_steps = _columns(state, runs, padded, lanes)
    nodes, saves = _spread(grid.nodes, runs, padded, lanes), _spread(grid.save, runs, padded, lanes)
    differ = grid.nodes.shape[1] > 1
    whole = out if padded == runs and out.strides[2] == 8 else aligned((*out.shape[:2], padded))
    work = aligned((machine.workspace,))
    machine.run(
        0, padded // lanes, len(nodes), nodes.ctypes.data, nodes.shape[1], lanes if differ else 0, saves.ctypes.data,
        int(differ), held[0].ctypes.data, held_steps.ctypes.data, first[0].ctypes.data, first_steps.ctypes.data,
        whole.ctypes.data, whole.strides[0] // 8, whole.strides[1] // 8, work.ctypes.data, half,
    )  # fmt: skip
    if whole is not out:
        out[...] = whole[:, :, :runs]


def _columns(
    values: Sequence[Any], runs: int, padded: int, lanes: int
) -> tuple[tuple[NDArray[Any], list[Floats]], NDArray[Any]]:
    """Return pointers to each value, spread over lanes or runs, with the arrays behind them, and the block steps."""
    arrays: list[Floats] = []
    steps = np.zeros(len(values) + 1, dtype=np.int64)
    for i, value in enumerate(values):
        flat = np.atleast_1d(np.asarray(value, dtype=float))
        same = len(flat) == 1 or flat.strides[0] == 0
        steps[i] = 0 if same else lanes
        arrays.append(np.full(lanes, flat[0]) if same else _padded(flat, padded))
    pointers = np.array([array.ctypes.data for array in arrays] + [0], dtype=np.int64)
    return (pointers, arrays), steps


def _padded(flat: Floats, padded: int) -> Floats:
    """Return a column with its last value repeated up to whole vectors."""
    if len(flat) == padded and flat.flags.c_contiguous:
        return flat
    return np.concatenate([flat, np.full(padded - len(flat), flat[-1])])


def _spread(values: NDArray[Any], runs: int, padded: int, lanes: int) -> NDArray[Any]:
    """Return nodes or save marks with a row of lanes (all runs alike) or of padded runs."""
    if values.shape[1] == 1:
        return np.ascontiguousarray(np.broadcast_to(values, (len(values), lanes)))
    if padded == runs:
        return np.ascontiguousarray(values)
    return np.concatenate([values, np.repeat(values[:, -1:], padded - runs, axis=1)], axis=1)
