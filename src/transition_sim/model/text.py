"""A model file becomes checked text: entries with their file lines, before any parser sees them.

Nothing is parsed here: size, encoding, nesting and counts are capped, comments taken out, and the file is cut
into entries `equation ~ unit [limits] ~ documentation |` with the line at which each begins.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from transition_sim.errors import Fault, ModelError, shown

MAX_BYTES = 5_000_000
MAX_ENTRIES = 20_000
MAX_EQUATION = 20_000
MAX_NESTING = 50
MAX_RANGE = 1_000
SKETCH = "\\\\\\---///"


@dataclass(frozen=True)
class Entry:
    """One definition as written: equation, unit, limits, documentation, group and first line."""

    equation: str
    unit: str
    limits: tuple[float | None, float | None]
    documentation: str
    group: str
    line: int


@dataclass(frozen=True)
class ModelText:
    """The definitions of a file, its groups, its hash and the method that its settings name."""

    file: str
    file_hash: str
    entries: tuple[Entry, ...]
    groups: dict[str, str]
    method: str


def read_text(path: Path) -> ModelText:
    """Return the checked definitions of a `.mdl` file.

    Raises ModelError, with all faults found, where the file is missing, no file, too large, binary, badly
    encoded, cut wrongly, or holds more than the caps allow.
    """
    data = _bytes(path)
    file = shown(path)
    text = _decode(data, file)
    equations, _, settings = text.partition(SKETCH)
    faults: list[Fault] = []
    entries, groups = _entries(equations, file, faults)
    if not entries and not faults:
        faults.append(Fault(file, 1, "holds no equation: expected 'name = expression ~ unit ~ text |'"))
    if faults:
        raise ModelError(sorted(faults))
    return ModelText(file, hashlib.sha256(data).hexdigest(), tuple(entries), groups, _method(settings))


def _bytes(path: Path) -> bytes:
    file = shown(path)
    if path.is_dir():
        raise ModelError(Fault(file, None, "is a folder; a Vensim model file (.mdl) is expected"))
    if not path.is_file():
        raise ModelError(Fault(file, None, "no such file"))
    if path.suffix.lower() in (".xmile", ".stmx", ".itmx", ".xml"):
        raise ModelError(Fault(file, None, "XMILE cannot be read yet; save the model as Vensim .mdl text"))
    if path.suffix.lower() != ".mdl":
        raise ModelError(Fault(file, None, f"ends in '{path.suffix}'; a Vensim model file (.mdl) is expected"))
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(Fault(file, None, f"cannot be read: {error.strerror}")) from error
    if len(data) > MAX_BYTES:
        raise ModelError(Fault(file, None, f"is larger than {MAX_BYTES:,} bytes, the most that is read"))
    return data


def _decode(data: bytes, file: str) -> str:
    if not data.strip():
        raise ModelError(Fault(file, 1, "is empty"))
    if b"\0" in data:
        raise ModelError(Fault(file, None, "is not text: it holds zero bytes (binary Vensim files are .vmf)"))
    data = data.removeprefix(b"\xef\xbb\xbf")
    named = re.match(rb"\s*\{([A-Za-z0-9_-]{1,20})\}", data)
    encoding = named.group(1).decode("ascii") if named else "utf-8"
    if encoding.lower().replace("_", "-") not in (
        "utf-8",
        "utf8",
        "ascii",
        "latin-1",
        "iso-8859-1",
        "cp1252",
    ):
        raise ModelError(Fault(file, 1, f"encoding '{encoding}' is not read; allowed: UTF-8, latin-1, cp1252"))
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"is not valid {encoding} text at byte {error.start}; save the file as UTF-8"
        raise ModelError(Fault(file, line, message)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _method(settings: str) -> str:
    """Return the integration method of Vensim's settings line `15:a,b,c,method,...` (Euler where none).

    Codes: 0 and 2 Euler, 1 and 5 RK4, 3 and 4 RK2. Steps that Vensim would choose itself (1, 4) are taken as fixed.
    """
    found = re.search(r"^15:\s*\d+,\s*\d+,\s*\d+,\s*(\d+)", settings, re.MULTILINE)
    return {"1": "rk4", "5": "rk4", "3": "rk2", "4": "rk2"}.get(found.group(1), "euler") if found else "euler"


def _entries(text: str, file: str, faults: list[Fault]) -> tuple[list[Entry], dict[str, str]]:
    entries: list[Entry] = []
    groups: dict[str, str] = {}
    group = ""
    for line, fields in _cut(text, file, faults):
        if len(fields) == 2:
            name = fields[0].strip(" *\t\n")
            if name.startswith("."):
                group = name[1:].strip()
                groups[group] = " ".join(fields[1].split())
                continue
        if len(fields) not in (3, 4):
            message = f"has {len(fields) - 1} '~'; expected 'name = expression ~ unit ~ text |'"
            faults.append(Fault(file, line, message))
            continue
        entry = _entry(fields, group, line, file, faults)
        if entry is not None:
            entries.append(entry)
        if len(entries) > MAX_ENTRIES:
            faults.append(Fault(file, line, f"more than {MAX_ENTRIES:,} equations"))
            break
    return entries, groups


def _cut(text: str, file: str, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) for each piece between `|`, cut at `~`, without `{comments}`.

    Quotes and braces guard both signs, save in documentation, which is kept as it stands.
    """
    fields: list[list[str]] = [[]]
    line = start = 1
    begun = quoted = commented = False
    for part in re.split(r'(\\"|["|~{}\n])', text):
        plain = len(fields) < 3
        guarded = quoted and plain
        line += part == "\n"
        if plain and not quoted and (part == "{" or commented):
            commented = part != "}"
            fields[-1].append("" if commented else " ")
            continue
        if not begun and part.strip():
            begun, start = True, line
        if part == '"' and plain:
            quoted = not quoted
        if part == "~" and not guarded:
            fields.append([])
        elif part == "|" and not guarded:
            yield start, ["".join(field) for field in fields]
            fields, quoted, begun = [[]], False, False
        else:
            fields[-1].append(part)
    if commented:
        faults.append(Fault(file, None, "has a comment '{' that is never closed"))
    elif begun and "".join(fields[0]).strip().upper() != ":END OF MACRO:":
        rest = " ".join("".join(fields[0]).split())
        faults.append(Fault(file, start, f"has no closing '|': '{rest[:40]}'"))


def _entry(fields: list[str], group: str, line: int, file: str, faults: list[Fault]) -> Entry | None:
    flat = " ".join(fields[0].replace("\\\n", " ").split())
    fault = _too_much(flat)
    if fault:
        faults.append(Fault(file, line, fault))
        return None
    unit, limits, message = _unit_and_limits(" ".join(fields[1].split()))
    if message:
        faults.append(Fault(file, line, message))
    return Entry(flat, unit, limits, " ".join(fields[2].split()), group, line)


def _too_much(equation: str) -> str:
    if len(equation) > MAX_EQUATION:
        return f"an equation of {len(equation):,} characters; at most {MAX_EQUATION:,} are read"
    depth = deepest = 0
    for character in re.sub(r'"[^"]*"', "", equation):
        depth += (character in "([") - (character in ")]")
        deepest = max(deepest, depth)
    if deepest > MAX_NESTING:
        return f"{deepest:,} nested brackets; at most {MAX_NESTING} are read"
    return _range_too_long(equation)


def _range_too_long(equation: str) -> str:
    """Say what is wrong with a range `name: (a1-a9)` that PySD would write out in full."""
    if "=" in equation:
        return ""
    for inner in re.findall(r"\(([^()]*)\)", equation):
        ends = [re.sub(r".*\D", "", end.strip()) for end in inner.split("-")]
        if len(ends) == 2 and all(ends) and (max(map(len, ends)) > 9 or int(ends[1]) - int(ends[0]) >= MAX_RANGE):
            return f"a subscript range from {ends[0][:12]} to {ends[1][:12]}; at most {MAX_RANGE:,} elements are read"
    return ""


def _unit_and_limits(text: str) -> tuple[str, tuple[float | None, float | None], str]:
    """Return unit, limits and, where the limits cannot be read, what is wrong with them."""
    found = re.fullmatch(r"(.*?)\s*\[([^\[\]]*)\]", text)
    if found is None:
        wrong = "[" in text or "]" in text
        return text, (None, None), f"unit and limits '{text}': expected 'unit [low, high]'" if wrong else ""
    parts = [part.strip() for part in found.group(2).split(",")]
    try:
        limits = [None if part == "?" else float(part) for part in parts]
    except ValueError:
        limits = []
    low, high = (limits[0], limits[1]) if len(limits) in (2, 3) else (None, None)
    if len(limits) not in (2, 3) or any(limit is not None and not math.isfinite(limit) for limit in limits):
        return (
            found.group(1),
            (None, None),
            f"limits '[{found.group(2)}]': expected '[low, high]' in numbers or ?",
        )
    if low is not None and high is not None and low > high:
        return found.group(1), (None, None), f"limits '[{found.group(2)}]': the first is above the second"
    return found.group(1), (low, high), ""
