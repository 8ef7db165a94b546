"""Codes: a state of some fields, each with a few places, as a few letters that can be read out or written down.

A code is `version, letter of its kind, two symbols of the edition, what differs from the usual, two check symbols`. Its
alphabet is Crockford's base 32: no I, L, O, U; case, spaces and dashes do not count, O is read as 0, I and L as 1.

The check symbols make every code a word of a Reed-Solomon code over the field of 32 elements (Reed and Solomon 1960,
https://doi.org/10.1137/0108018; unchecked), less a constant: as a polynomial it is worth x + 1 at x = a and x = a^2, a
being a generator. One wrong symbol adds e a^p, which is not zero; a swap of neighbours adds d a^p (1 + a), which is not
zero either: both are always found, in the check symbols too, whatever the length. Up to 31 symbols any two wrong ones
are found as well. The constant is there so that a zero at the end, more or less, is found too.

What differs is one whole number. From the last field to the first, a field that stands where it usually does adds a
zero bit, another its place among the rest and a one bit: every state has just one code, few changes make a short one.
`lab/codec.js` does the same on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transition_sim.errors import ScenarioError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VERSION = 1
MAX_TYPED = 200
"""Characters that are looked at; no code is as long."""
_HEAD, _CHECKS = 4, 2
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", **{chr(0x660 + i): str(i) for i in range(10)},
                          **{chr(0x6F0 + i): str(i) for i in range(10)}})  # fmt: skip
_IGNORED = frozenset(" \t\r\n\u00a0\u2009\u202f-\u2010\u2011\u2012\u2013\u2014\u2212_.")
_POWERS = [1]
for _ in range(30):
    _POWERS.append(_POWERS[-1] << 1 ^ (0b100101 if _POWERS[-1] & 16 else 0))
_LOGS = {value: power for power, value in enumerate(_POWERS)}
_G1, _G0 = _POWERS[1] ^ _POWERS[2], _POWERS[3]
"""The polynomial x^2 + g1 x + g0 with the roots a and a^2."""
_REST = [1, 1]
"""What a code leaves when it is divided by that polynomial: x + 1."""


@dataclass(frozen=True)
class Field:
    """One thing that a code says: an index from 0 to count - 1, and the index where it usually stands.

    `usual` has one number, or one for each index of the first field.
    """

    count: int
    usual: tuple[int, ...] = (0,)

    def at(self, first: int) -> int:
        """Return where it usually stands, given the index of the first field."""
        return self.usual[first] if len(self.usual) > 1 else self.usual[0]


class CodeError(ScenarioError):
    """A code cannot be read; `reason` is one of REASONS, `meant` the one code that was probably meant, or nothing."""

    def __init__(self, reason: str, message: str, meant: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.meant = meant


REASONS = ("empty", "long", "character", "mistyped", "version", "kind", "edition", "content")


def write_code(letter: str, edition: int, fields: Sequence[Field], state: Sequence[int]) -> str:
    """Return the code of a state, in groups of four; `letter` tells the kind of code, `edition` (0 to 1023) its table.

    Raises ScenarioError where the state does not fit the fields.
    """
    if len(state) != len(fields) or any(not 0 <= i < f.count for i, f in zip(state, fields, strict=False)):
        raise ScenarioError(
            f"{list(state)} is no state of {len(fields)} fields with {[f.count for f in fields]} places"
        )
    number = _packed(fields, state)
    symbols = [VERSION, ALPHABET.index(letter), edition >> 5 & 31, edition & 31, *_digits(number)]
    return grouped("".join(ALPHABET[symbol] for symbol in [*symbols, *_checks(symbols)]))


@dataclass(frozen=True)
class Kind:
    """One kind of code: the edition of its table, its fields, and what says why a state of them cannot be."""

    edition: int
    fields: tuple[Field, ...]
    faults: Callable[[Sequence[int]], Sequence[str]] = lambda state: ()


def read_code(code: str, kind_of: Callable[[str], Kind | None]) -> tuple[str, list[int]]:
    """Return the letter and the state of a code that was typed; CodeError with what is wrong.

    `kind_of` gives the kind that a letter stands for, None for a letter that stands for none.
    """
    if not isinstance(code, str):
        raise CodeError("character", f"a code is a text of letters and digits, not {code!r:.40}")
    text = cleaned(code)
    try:
        return _read(text, kind_of)
    except CodeError as error:
        if error.reason != "mistyped":
            raise
        meant = [near for near in repaired(text) if _is_code(near, kind_of)]
        one = grouped(meant[0]) if len(meant) == 1 else ""
        raise CodeError("mistyped", f"{error}; did you mean '{one}'?" if one else str(error), one) from None


def _is_code(text: str, kind_of: Callable[[str], Kind | None]) -> bool:
    try:
        return bool(_read(text, kind_of)[1])
    except CodeError:
        return False


def _read(text: str, kind_of: Callable[[str], Kind | None]) -> tuple[str, list[int]]:
    symbols = [ALPHABET.index(symbol) for symbol in text]
    written = f"'{grouped(text)}'"
    if not is_sound(symbols):
        told = f"{written} is no code: a character is wrong, missing, too many or swapped with its neighbour"
        raise CodeError("mistyped", told)
    if symbols[0] != VERSION:
        told = f"{written} is a code of version {symbols[0]}; this program reads version {VERSION}"
        raise CodeError("version", told)
    kind = kind_of(text[1])
    if kind is None:
        raise CodeError("kind", f"{written} is a code of kind '{text[1]}', which says nothing here")
    edition = symbols[2] << 5 | symbols[3]
    if edition != kind.edition:
        told = (
            f"{written} was made with another edition of the model or its levers ({edition}; here it is {kind.edition})"
        )
        raise CodeError("edition", told)
    state = _unpacked(symbols[_HEAD:-_CHECKS], kind.fields, written)
    told = "; ".join(kind.faults(state))
    if told:
        raise CodeError("content", f"{written} says what cannot be set: {told}")
    return text[1], state


def _unpacked(digits: Sequence[int], fields: Sequence[Field], written: str) -> list[int]:
    """Return the state that the middle of a code says; CodeError where no state is written like that."""
    number = 0
    for digit in digits:
        number = number << 5 | digit
    state: list[int] = []
    for field in fields:
        usual = field.at(state[0] if state else 0)
        number, moved = number >> 1, number & 1
        number, place = divmod(number, max(field.count - 1, 1)) if moved else (number, -1)
        state.append(place + (place >= usual) if moved else usual)
    if number or digits[:1] == [0] or any(index >= field.count for index, field in zip(state, fields, strict=True)):
        raise CodeError("content", f"{written} says what cannot be set; it was not made by this program")
    return state


def cleaned(code: str) -> str:
    """Return a typed code in the code's own letters, without what does not count; CodeError for other characters."""
    if len(code) > MAX_TYPED:
        raise CodeError("long", f"a code of {len(code):,} characters; no code is longer than {MAX_TYPED}")
    text = "".join(c for c in code if c not in _IGNORED).upper().translate(_READ_AS)
    if not text:
        raise CodeError("empty", "no code was given")
    for place, symbol in enumerate(text, start=1):
        if symbol not in ALPHABET:
            told = f"{symbol!r} (character {place}) is in no code; allowed: digits, and letters but I, L, O and U"
            raise CodeError("character", told)
    return text


def grouped(text: str) -> str:
    """Return a code in groups of four."""
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def repaired(text: str) -> list[str]:
    """Return the codes that lie one wrong symbol, or one swap of neighbours, from what was typed."""
    symbols = [ALPHABET.index(symbol) for symbol in text]
    tries = [[*symbols[:i], symbols[i + 1], symbols[i], *symbols[i + 2 :]] for i in range(len(symbols) - 1)]
    at_a, at_square = (_value_at(symbols, power) ^ _value_at(_REST, power) for power in (1, 2))
    if at_a and at_square:
        place = (_LOGS[at_square] - _LOGS[at_a]) % 31
        error = _POWERS[(_LOGS[at_a] - place) % 31]
        if place < len(symbols):
            at = len(symbols) - 1 - place
            tries.append([*symbols[:at], symbols[at] ^ error, *symbols[at + 1 :]])
    good = [each for each in tries if is_sound(each)]
    return list(dict.fromkeys("".join(ALPHABET[symbol] for symbol in each) for each in good))


def _packed(fields: Sequence[Field], state: Sequence[int]) -> int:
    number = 0
    for i in reversed(range(len(fields))):
        usual, index = fields[i].at(state[0] if i else 0), state[i]
        if index == usual:
            number <<= 1
        else:
            number = (number * (fields[i].count - 1) + index - (index > usual)) << 1 | 1
    return number


def _digits(number: int) -> list[int]:
    """Return a number in base 32, none for zero."""
    digits: list[int] = []
    while number:
        number, digit = divmod(number, 32)
        digits.insert(0, digit)
    return digits


def _times(a: int, b: int) -> int:
    return _POWERS[(_LOGS[a] + _LOGS[b]) % 31] if a and b else 0


def is_sound(symbols: Sequence[int]) -> bool:
    """Tell whether places in the alphabet are those of a code: long enough, and fit by its check symbols."""
    return len(symbols) >= _HEAD + _CHECKS and _remainder(symbols) == _REST


def _checks(symbols: Sequence[int]) -> list[int]:
    """Return the two symbols that make a code of others."""
    return [left ^ rest for left, rest in zip(_remainder([*symbols, 0, 0]), _REST, strict=True)]


def _remainder(symbols: Sequence[int]) -> list[int]:
    """Return what is left of a word divided by the polynomial of the check symbols."""
    high = low = 0
    for symbol in symbols:
        high, low = low ^ _times(high, _G1), symbol ^ _times(high, _G0)
    return [high, low]


def _value_at(symbols: Sequence[int], power: int) -> int:
    """Return a word's value as a polynomial at a power of a."""
    value = 0
    for symbol in symbols:
        value = _times(value, _POWERS[power]) ^ symbol
    return value
