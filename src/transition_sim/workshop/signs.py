"""Numbers as signs that people can read out, with a check sign. Base 31, a prime: no single slip goes unseen."""

from __future__ import annotations

from collections.abc import Sequence

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXY"
_ALIKE = str.maketrans("OILZU", "0112V")


def encode(digits: Sequence[int], radices: Sequence[int]) -> str:
    """Return digits of mixed radices as signs, the last a check sign; as many signs for all digits of these radices."""
    value, most = 0, 1
    for digit, radix in zip(digits, radices, strict=True):
        if not 0 <= digit < radix:
            raise ValueError(f"digit {digit}; allowed: 0 to {radix - 1}")
        value, most = value * radix + digit, most * radix
    numbers = []
    while most > 1:
        value, rest = divmod(value, len(SIGNS))
        numbers.append(rest)
        most = -(-most // len(SIGNS))
    numbers.reverse()
    return "".join(SIGNS[number] for number in [*numbers, _check(numbers)])


def decode(text: str, radices: Sequence[int]) -> list[int]:
    """Return the digits of a code; ValueError, saying why, where it is none. Spaces, dashes and case do not matter."""
    plain = "".join(text.upper().split()).replace("-", "").translate(_ALIKE)
    length = len(encode([0] * len(radices), radices))
    if len(plain) != length:
        raise ValueError(f"it has {len(plain)} signs; {length} are expected")
    wrong = [sign for sign in plain if sign not in SIGNS]
    if wrong:
        raise ValueError(f"'{wrong[0]}' is no sign of a code")
    numbers = [SIGNS.index(sign) for sign in plain]
    if _check(numbers[:-1]) != numbers[-1]:
        raise ValueError("its check sign does not fit: a sign is wrong, or two are swapped")
    value = 0
    for number in numbers[:-1]:
        value = value * len(SIGNS) + number
    digits = []
    for radix in reversed(radices):
        value, digit = divmod(value, radix)
        digits.append(digit)
    if value:
        raise ValueError("it says what cannot be chosen")
    return digits[::-1]


def _check(numbers: Sequence[int]) -> int:
    """Return the check number: places weighted by 2, 3, ..., so that a change of one or a swap of two is seen."""
    return sum((place + 2) * number for place, number in enumerate(numbers)) % len(SIGNS)
