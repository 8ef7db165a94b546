"""Random numbers as pure functions: of seed, stream, call, run and step, by a counter-based generator.

Threefry-2x32 with 20 rounds, after Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"
(https://doi.org/10.1145/2063384.2063405). Nothing is remembered between draws, so no number hangs on the size of a
batch, its order, lanes or threads. Distributions come from one draw by their inverse, truncation from the part of
the inverse between the bounds: equal in distribution to drawing again until a number falls between them.

Each formula stands here once, over an `Arithmetic`: NumPy's below, LLVM's in `llvm_noise`. Words are unsigned and of
32 bits, numbers are doubles; shapes are those of the operands, `(run,)` or a vector of lanes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

MAX_SEED = 2**32 - 1
MAX_RUNS = 2**32
MAGIC = 6755399441055744.0  # 1.5 * 2**52: added, it leaves a whole number in the low bits
_TURNS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_SLACK = 1e-6
_SMALLEST_SCALE = 1e-300


class Arithmetic(Protocol):
    """What the formulas need beyond `+ - * / < <= & ^`, of numbers or of words."""

    def exp(self, x: Any) -> Any: ...
    def log(self, x: Any) -> Any: ...
    def sqrt(self, x: Any) -> Any: ...
    def ceil(self, x: Any) -> Any: ...
    def where(self, test: Any, yes: Any, no: Any) -> Any: ...
    def least(self, x: Any, y: Any) -> Any: ...
    def most(self, x: Any, y: Any) -> Any: ...
    def word(self, x: Any) -> Any: ...
    def number(self, word: Any) -> Any: ...
    def turned(self, word: Any, bits: int) -> Any: ...
    def high_bits(self, word: Any, bits: int) -> Any: ...


class OfArrays:
    """Arithmetic of NumPy arrays."""

    exp: Any = staticmethod(np.exp)
    log: Any = staticmethod(np.log)
    sqrt: Any = staticmethod(np.sqrt)
    ceil: Any = staticmethod(np.ceil)
    where: Any = staticmethod(np.where)
    least: Any = staticmethod(np.minimum)
    most: Any = staticmethod(np.maximum)

    def word(self, x: Any) -> Any:
        """Return the low 32 bits of a whole number below 2**51, rounded to one if it is none."""
        return (np.asarray(x, dtype=float) + MAGIC).view(np.uint64).astype(np.uint32)

    def number(self, word: Any) -> Any:
        """Return a word as a double."""
        return np.asarray(word).astype(float)

    def turned(self, word: Any, bits: int) -> Any:
        """Return a word turned left."""
        return (word << bits) | (word >> (32 - bits))

    def high_bits(self, word: Any, bits: int) -> Any:
        """Return the upper bits of a word."""
        return word >> (32 - bits)


ARRAYS = OfArrays()


def threefry(of: Arithmetic, key: Sequence[Any], counter: Sequence[Any]) -> tuple[Any, Any]:
    """Return two random words of a key and a counter of two words each."""
    keys = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    one, two = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(5):
        for turn in _TURNS[group % 2]:
            one = one + two
            two = of.turned(two, turn) ^ one
        one = one + keys[(group + 1) % 3]
        two = two + keys[(group + 2) % 3] + (group + 1)
    return one, two


def draw(
    of: Arithmetic, te: Any, stream: Any, call: Any, noise_seed: Any, seed: Any, run: Any, start: Any, step: Any
) -> Any:
    """Return a number strictly between 0 and 1, a multiple of 2**-53, for the step of the run that `te` stands in.

    Calls that give stream 0 take the file's NOISE SEED in its place; every call has numbers of its own.
    """
    usual = stream * stream < 0.25
    own = of.where(usual, noise_seed, stream)
    key = threefry(of, (of.word(seed), of.word(own)), (of.word(call), of.word(of.where(usual, 1.0, 0.0))))
    count = of.ceil((te - start) / step - _SLACK)
    high, low = threefry(of, key, (of.word(run), of.word(count)))
    whole = of.number(of.high_bits(high, 26)) * 2.0**26 + of.number(of.high_bits(low, 26))
    return (whole + 0.5) * 2.0**-52


def uniform(of: Arithmetic, low: Any, high: Any, u: Any) -> Any:
    """Return a number evenly from between two bounds."""
    return of.where(low <= high, low + (high - low) * u, math.nan)


def normal(of: Arithmetic, low: Any, high: Any, mean: Any, deviation: Any, u: Any) -> Any:
    """Return a normal number from between two bounds; no number where there is none.

    The half of the curve in which the lower bound lies is turned to the left, where probabilities keep their digits.
    """
    scale = of.where(deviation <= 0.0, _SMALLEST_SCALE, deviation)
    a, b = (low - mean) / scale, (high - mean) / scale
    upper = a > 0.0
    left, right = of.where(upper, -b, a), of.where(upper, -a, b)
    from_, to = normal_share(of, left), normal_share(of, right)
    z = normal_quantile(of, from_ + (to - from_) * of.where(upper, 1.0 - u, u))
    value = mean + deviation * of.where(upper, -z, z)
    return _between(of, low, high, value, (deviation >= 0.0) & (from_ < to))


def exponential(of: Arithmetic, low: Any, high: Any, shift: Any, stretch: Any, u: Any) -> Any:
    """Return a number from between two bounds of an exponential distribution, mean 1, stretched and then shifted."""
    scale = of.where(stretch <= 0.0, _SMALLEST_SCALE, stretch)
    from_, to = of.most((low - shift) / scale, 0.0), (high - shift) / scale
    value = shift + stretch * _unit_exponential(of, from_, to, u)
    return _between(of, low, high, value, (stretch >= 0.0) & (from_ < to))


def weibull(of: Arithmetic, low: Any, high: Any, shape: Any, shift: Any, stretch: Any, u: Any) -> Any:
    """Return a number from between two bounds of a Weibull distribution, mean 1, stretched and then shifted."""
    scale = of.where(stretch <= 0.0, _SMALLEST_SCALE, stretch)
    mean = of.exp(log_gamma(of, 1.0 + 1.0 / shape))
    from_, to = (of.most((bound - shift) / scale, 0.0) * mean for bound in (low, high))
    rest = _unit_exponential(of, of.exp(of.log(from_) * shape), of.exp(of.log(to) * shape), u)
    value = shift + stretch * (of.exp(of.log(rest) / shape) / mean)
    return _between(of, low, high, value, (stretch >= 0.0) & (from_ < to) & (shape > 0.0))


def triangular(of: Arithmetic, low: Any, high: Any, start: Any, peak: Any, stop: Any, u: Any) -> Any:
    """Return a number from between two bounds of a triangular distribution from start over peak to stop."""
    width, rise, fall = stop - start, peak - start, stop - peak

    def share(at: Any) -> Any:
        gone, left = of.most(at - start, 0.0), of.most(stop - at, 0.0)
        return of.where(at <= peak, _ratio(of, gone * gone, width * rise), 1.0 - _ratio(of, left * left, width * fall))

    from_, to = share(low), share(high)
    at = from_ + (to - from_) * u
    value = of.where(at * width <= rise, start + of.sqrt(at * width * rise), stop - of.sqrt((1.0 - at) * width * fall))
    return _between(of, low, high, value, (start <= peak) & (peak <= stop) & (from_ < to))


def _ratio(of: Arithmetic, part: Any, whole: Any) -> Any:
    """Return a ratio, 0 where both are."""
    return part / of.where(whole <= 0.0, 1.0, whole)


def _between(of: Arithmetic, low: Any, high: Any, value: Any, good: Any) -> Any:
    """Return a value put inside its bounds, which it left by rounding alone; no number where it is not good."""
    return of.where(good & (low <= high), of.least(of.most(value, low), high), math.nan)


def _unit_exponential(of: Arithmetic, from_: Any, to: Any, u: Any) -> Any:
    """Return a number from between two bounds of the exponential distribution of mean 1."""
    return from_ - of.log(1.0 - u * (1.0 - of.exp(from_ - to)))


def _series(at: Any, coefficients: Sequence[float]) -> Any:
    """Return c0 + c1 x + c2 x^2 + ..., innermost first (Horner)."""
    value: Any = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = at * value + coefficient
    return value


_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_SIDE = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
     1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def normal_quantile(of: Arithmetic, p: Any) -> Any:
    """Return the inverse of the normal distribution, to about 1e-15, for p above 1e-300.

    Wichura 1988, "Algorithm AS 241" (https://doi.org/10.2307/2347330; unchecked).
    """
    q = p - 0.5
    r = 0.180625 - q * q
    centre = q * (_series(r, _CENTRE[0]) / _series(r, _CENTRE[1]))
    tail = of.sqrt(-of.log(of.least(p, 1.0 - p)))
    near, far = tail - 1.6, tail - 5.0
    side = of.where(
        tail <= 5.0, _series(near, _SIDE[0]) / _series(near, _SIDE[1]), _series(far, _TAIL[0]) / _series(far, _TAIL[1])
    )
    return of.where(q * q <= 0.180625, centre, of.where(q < 0.0, -side, side))


_MIDDLE = (
    (1.23033935479799725e3, 2.05107837782607147e3, 1.71204761263407058e3, 8.81952221241769090e2,
     2.98635138197400131e2, 6.61191906371416295e1, 8.88314979438837594e0, 5.64188496988670089e-1,
     2.15311535474403846e-8),
    (1.23033935480374942e3, 3.43936767414372164e3, 4.36261909014324716e3, 3.29079923573345963e3,
     1.62138957456669019e3, 5.37181101862009858e2, 1.17693950891312499e2, 1.57449261107098347e1, 1.0),
)  # fmt: skip
_NEAR = (
    (3.20937758913846947e3, 3.77485237685302021e2, 1.13864154151050156e2, 3.16112374387056560e0,
     1.85777706184603153e-1),
    (2.84423683343917062e3, 1.28261652607737228e3, 2.44024637934444173e2, 2.36012909523441209e1, 1.0),
)  # fmt: skip
_OUTER = (
    (6.58749161529837803e-4, 1.60837851487422766e-2, 1.25781726111229246e-1, 3.60344899949804439e-1,
     3.05326634961232344e-1, 1.63153871373020978e-2),
    (2.33520497626869185e-3, 6.05183413124413191e-2, 5.27905102951428412e-1, 1.87295284992346725e0,
     2.56852019228982242e0, 1.0),
)  # fmt: skip


def normal_share(of: Arithmetic, z: Any) -> Any:
    """Return the normal distribution below z: a relative error of 1e-15 near zero, of 1e-12 far to the left.

    Cody 1969, "Rational Chebyshev approximations for the error function" (https://doi.org/10.2307/2004390; unchecked).
    """
    x = of.most(z, -z) * math.sqrt(0.5)
    square = x * x
    near = 0.5 - 0.5 * x * (_series(square, _NEAR[0]) / _series(square, _NEAR[1]))
    inverse = 1.0 / square
    last = inverse * (_series(inverse, _OUTER[0]) / _series(inverse, _OUTER[1]))
    outer = (1.0 / math.sqrt(math.pi) - last) / x
    bounded = of.least(x, 5.0)
    middle = _series(bounded, _MIDDLE[0]) / _series(bounded, _MIDDLE[1])
    side = 0.5 * of.exp(-square) * of.where(x <= 4.0, middle, outer)
    below = of.where(x <= 0.46875, near, of.where(x < 27.0, side, 0.0))
    return of.where(z > 0.0, 1.0 - below, below)


def log_gamma(of: Arithmetic, x: Any) -> Any:
    """Return the logarithm of the gamma function for x of 1 or more, to 2e-14: Stirling's series, ten further on."""
    product: Any = 1.0
    for i in range(10):
        product = product * (x + float(i))
    far = x + 10.0
    inverse = 1.0 / far
    rest = _series(inverse * inverse, (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)) * inverse
    return (far - 0.5) * of.log(far) - far + 0.5 * math.log(2 * math.pi) + rest - of.log(product)


DISTRIBUTIONS: dict[str, Callable[..., Any]] = {
    "RANDOM UNIFORM": uniform,
    "RANDOM NORMAL": normal,
    "RANDOM EXPONENTIAL": exponential,
    "RANDOM TRIANGULAR": triangular,
    "RANDOM WEIBULL": weibull,
}
"""Each distribution by its name in a model file: its parameters in the file's order, then a draw."""
