"""The arithmetic of `noise` as LLVM code: operators on terms emit instructions, a vector of runs at a time.

Shapes: numbers are `<lanes x double>`, words `<lanes x i32>`, truths `<lanes x i1>`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from transition_sim.engine.llvm_math import Vectors
from transition_sim.engine.noise import MAGIC

WORD = ir.IntType(32)


class Term:
    """A value that is being emitted; `+ - * /` and comparisons are of numbers, `+ ^` of words, `&` of truths."""

    def __init__(self, of: OfVectors, value: Any) -> None:
        self.of, self.value = of, value

    def _with(self, instruction: str, other: Any, turned: bool = False) -> Term:
        pair = [self.value, self.of.value(other, self.value.type)]
        return Term(self.of, getattr(self.of.b, instruction)(*(reversed(pair) if turned else pair)))

    def _is_number(self) -> bool:
        return bool(self.value.type == self.of.v.type)

    def __add__(self, other: Any) -> Term:
        return self._with("fadd" if self._is_number() else "add", other)

    def __radd__(self, other: Any) -> Term:
        return self._with("fadd", other, turned=True)

    def __sub__(self, other: Any) -> Term:
        return self._with("fsub", other)

    def __rsub__(self, other: Any) -> Term:
        return self._with("fsub", other, turned=True)

    def __mul__(self, other: Any) -> Term:
        return self._with("fmul", other)

    def __rmul__(self, other: Any) -> Term:
        return self._with("fmul", other, turned=True)

    def __truediv__(self, other: Any) -> Term:
        return self._with("fdiv", other)

    def __rtruediv__(self, other: Any) -> Term:
        return self._with("fdiv", other, turned=True)

    def __xor__(self, other: Any) -> Term:
        return self._with("xor", other)

    def __and__(self, other: Any) -> Term:
        return self._with("and_", other)

    def __neg__(self) -> Term:
        return Term(self.of, self.of.b.fneg(self.value))

    def _compared(self, relation: str, other: Any) -> Term:
        return Term(self.of, self.of.b.fcmp_ordered(relation, self.value, self.of.value(other, self.value.type)))

    def __lt__(self, other: Any) -> Term:
        return self._compared("<", other)

    def __le__(self, other: Any) -> Term:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> Term:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> Term:
        return self._compared(">=", other)


class OfVectors:
    """Arithmetic of vectors in one function."""

    def __init__(self, vectors: Vectors) -> None:
        self.v, self.b = vectors, vectors.b
        self.words = ir.VectorType(WORD, vectors.lanes)

    def value(self, operand: Any, kind: Any = None) -> Any:
        """Return what an operand is in LLVM; plain numbers go into all lanes."""
        if isinstance(operand, Term):
            return operand.value
        if kind == self.words:
            return ir.Constant(self.words, [ir.Constant(WORD, int(operand))] * self.v.lanes)
        return self.v.number(float(operand))

    def exp(self, x: Term) -> Term:
        """Return e^x."""
        return Term(self, self.v.exp(x.value))

    def log(self, x: Term) -> Term:
        """Return the natural logarithm."""
        return Term(self, self.v.log(x.value))

    def sqrt(self, x: Term) -> Term:
        """Return the square root."""
        return Term(self, self.v.intrinsic("sqrt", x.value))

    def ceil(self, x: Term) -> Term:
        """Return the next whole number up."""
        return Term(self, self.v.intrinsic("ceil", x.value))

    def where(self, test: Term, yes: Any, no: Any) -> Term:
        """Return one of two numbers, lane by lane."""
        return Term(self, self.b.select(test.value, self.value(yes), self.value(no)))

    def least(self, x: Any, y: Any) -> Term:
        """Return the smaller of two numbers; no number where one is none."""
        return self._extreme("<", x, y)

    def most(self, x: Any, y: Any) -> Term:
        """Return the larger of two numbers; no number where one is none."""
        return self._extreme(">", x, y)

    def _extreme(self, relation: str, x: Any, y: Any) -> Term:
        one, other = self.value(x), self.value(y)
        value = self.b.select(self.b.fcmp_ordered(relation, one, other), one, other)
        return Term(self, self.b.select(self.b.fcmp_unordered("uno", one, one), one, value))

    def word(self, x: Term) -> Term:
        """Return the low 32 bits of a whole number below 2**51, rounded to one if it is none."""
        shifted = self.b.fadd(x.value, self.v.number(MAGIC))
        return Term(self, self.b.trunc(self.v.as_integers(shifted), self.words))

    def number(self, word: Term) -> Term:
        """Return a word as a double."""
        return Term(self, self.b.uitofp(word.value, self.v.type))

    def turned(self, word: Term, bits: int) -> Term:
        """Return a word turned left."""
        up = self.b.shl(word.value, self.value(bits, self.words))
        return Term(self, self.b.or_(up, self.b.lshr(word.value, self.value(32 - bits, self.words))))

    def high_bits(self, word: Term, bits: int) -> Term:
        """Return the upper bits of a word."""
        return Term(self, self.b.lshr(word.value, self.value(32 - bits, self.words)))
