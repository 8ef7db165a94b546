"""Equations as MathML: the same tree that runs, printed as people write mathematics.

Everything that comes from a model file is escaped, so that a name is never markup. Quotients become fractions, powers
superscripts, elements subscripts, IF THEN ELSE cases; long sums and products are broken into lines. What only a good
font draws (a stretched bracket) is never needed to read an equation right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape

from transition_sim.model.equations import (
    Call,
    Expression,
    Kind,
    Lookup,
    Number,
    Reference,
    Table,
    Variable,
    walk,
)
from transition_sim.model.functions import DRAW
from transition_sim.model.printing import equation_text

LINE = 88
"""Letters that a line may hold before a sum or product is broken."""
_BINDING = {
    ":OR:": 1, ":AND:": 2, ":NOT:": 3, "=": 4, "<>": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "negative": 7, "^": 8,
}  # fmt: skip
_CASES, _FRACTION, _ATOM = 0, 8, 9
_SIGNS = {"=": "=", "<>": "≠", "<": "<", "<=": "≤", ">": ">", ">=": "≥", "+": "+", "-": "−", "*": "·"}
_WORDS = {":OR:": "or", ":AND:": "and"}
_NAMES = {"EXP": "exp", "LN": "ln", "SIN": "sin", "COS": "cos", "TAN": "tan", "SINH": "sinh", "COSH": "cosh",
          "TANH": "tanh", "MIN": "min", "MAX": "max"}  # fmt: skip
_MODES = {"extrapolate": "extrapolated", "forward": "next point", "backward": "last point"}


@dataclass(frozen=True)
class Notation:
    """How names are shown: `place` gives the id of a variable's place, or an empty text; `tables` the names of tables.

    The id stands in the attribute `data-to`. Links inside mathematics are lost on those who hear it.
    """

    place: Callable[[str], str] = lambda name: ""
    tables: Mapping[Table, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Piece:
    """Markup, how strongly its outermost operator binds, about how many letters wide it is."""

    markup: str
    binding: int
    width: int
    depth: int = 0  # brackets that are open before it, where it is a part of a broken line
    fresh: bool = False  # such a part begins a line

    def bracketed(self, least: int) -> _Piece:
        """Return the piece, in brackets where it binds weaker than asked."""
        if self.binding >= least:
            return self
        return _Piece(f"<mrow><mo>(</mo>{self.markup}<mo>)</mo></mrow>", _ATOM, self.width + 2)


def equations_mathml(variable: Variable, notation: Notation) -> list[str]:
    """Return the equations of a variable, each a `<math>` element; a stock has one for change and one for its start."""
    name = _name(variable.name, notation)
    start = _joined(name, _Piece('<mtext class="w">\u00a0at start</mtext>', _ATOM, 9))
    if variable.kind is Kind.STOCK:
        rate = "<mfrac><mi>d</mi><mrow><mi>d</mi><mi>t</mi></mrow></mfrac><mspace width='.2em'></mspace>"
        pairs = [(_joined(_Piece(rate, _ATOM, 2), name), variable.expression), (start, variable.initial)]
    elif variable.kind is Kind.INITIAL:
        pairs = [(start, variable.expression)]
    else:
        pairs = [(name, variable.expression), (start, variable.initial)]
    text = escape(equation_text(variable), quote=True)
    return [_math(left, right, text, notation) for left, right in pairs if right is not None]


def expression_mathml(node: Expression, notation: Notation) -> str:
    """Return the markup of one expression, without a `<math>` around it and without breaks."""
    return _print(node, notation).markup


def tables_of(variable: Variable) -> list[tuple[Table, str]]:
    """Return the tables that a variable's equations read, with their modes, each once, in order."""
    trees = [tree for tree in (variable.expression, variable.initial) if tree is not None]
    found = [(node.table, node.mode) for tree in trees for node in walk(tree) if isinstance(node, Lookup)]
    return list(dict.fromkeys(found))


def spoken_name(name: str) -> str:
    """Return a variable's name as people read it; a hidden one says what it stands for."""
    if not name.startswith("#"):
        return name
    owner, *inner = name[1:].split(">")
    return f"{', '.join(reversed(inner))} of {owner}"


def _math(left: _Piece, right: Expression, text: str, notation: Notation) -> str:
    """Return `left = right`, broken into lines where it is long."""
    equals = "<mo>=</mo>"
    whole = _print(right, notation)
    head = f'<math display="block" alttext="{text}">'
    if left.width + 3 + whole.width <= LINE:
        return f"{head}<mrow>{left.markup}{equals}{whole.markup}</mrow></math>"
    first, *rest = _lines(_parts(right, notation))
    return f"{head}{_stacked([left.markup, equals + first, *rest])}</math>"


def _stacked(lines: Sequence[str]) -> str:
    rows = "".join(f"<mtr><mtd><mrow>{line}</mrow></mtd></mtr>" for line in lines)
    return f'<mtable class="lines" displaystyle="true">{rows}</mtable>'


def _lines(parts: Sequence[_Piece]) -> list[str]:
    """Return parts joined into lines, no longer than they must be, indented by the brackets that are open."""
    lines, width = [""], 0
    for piece in parts:
        if lines[-1] and (piece.fresh or width + piece.width > LINE):
            lines.append(f'<mspace width="{1 + 2 * piece.depth}em"></mspace>')
            width = 0
        lines[-1] += piece.markup
        width += piece.width
    return lines


def _parts(node: Expression, notation: Notation, least: int = 0, depth: int = 0) -> list[_Piece]:
    """Return what stands between possible breaks, each part with the operator before it, in brackets as `bracketed`."""
    whole = _print(node, notation)
    if whole.width <= LINE or not isinstance(node, Call) or node.function not in ("+", "-", "*"):
        return [replace(whole.bracketed(least), depth=depth)]
    opened = whole.binding < least
    inside = depth + opened
    binding = _BINDING[node.function]
    parts: list[_Piece] = []
    broken = False  # the term before it fills more than a line
    for sign, term in _chain(node):
        own = _parts(term, notation, _least_right(term, binding) if sign else binding, inside)
        if sign:
            fresh = binding == _BINDING["+"] and (broken or len(own) > 1)
            markup = f'<mo form="infix">{_SIGNS[sign]}</mo>{own[0].markup}'
            own[0] = _Piece(markup, _ATOM, own[0].width + 3, inside, fresh)
        broken = len(own) > 1
        parts += own
    if opened:
        parts[0] = replace(parts[0], markup=f"<mo>(</mo>{parts[0].markup}", width=parts[0].width + 1, depth=depth)
        parts[-1] = replace(parts[-1], markup=f"{parts[-1].markup}<mo>)</mo>", width=parts[-1].width + 1)
    return parts


def _chain(node: Call) -> list[tuple[str, Expression]]:
    """Return the terms of a sum or the factors of a product, each with the sign before it; the first has none."""
    same = ("+", "-") if node.function in ("+", "-") else ("*",)
    terms: list[tuple[str, Expression]] = []
    left: Expression = node
    while isinstance(left, Call) and left.function in same:
        terms.append((left.function, left.arguments[1]))
        left = left.arguments[0]
    return [("", left), *reversed(terms)]


def _print(node: Expression, notation: Notation) -> _Piece:
    if isinstance(node, Number):
        return _number(node.value)
    if isinstance(node, Reference):
        return _name(node.name, notation)
    if isinstance(node, Lookup):
        return _lookup(node, notation)
    if not isinstance(node, Call):
        return _Piece('<mi class="time">Time</mi>', _ATOM, 4)
    if node.function == DRAW:
        return _print(node.arguments[0], notation)  # the number of the stream, as the file has it
    if node.function in _SPECIAL:
        return _SPECIAL[node.function](node.arguments, notation)
    if node.function in _BINDING:
        return _infix(node.function, node.arguments, notation)
    return _called(_function(_NAMES.get(node.function, node.function)), node.arguments, notation)


def _infix(function: str, arguments: Sequence[Expression], notation: Notation) -> _Piece:
    binding = _BINDING[function]
    if function == ":NOT:":
        inner = _print(arguments[0], notation).bracketed(binding)
        return _Piece(f'<mrow><mtext class="w">not\u00a0</mtext>{inner.markup}</mrow>', binding, inner.width + 4)
    if function == "negative":
        inner = _right(arguments[0], binding, notation)
        return _Piece(f'<mrow><mo form="prefix">−</mo>{inner.markup}</mrow>', binding, inner.width + 1)
    compares = binding == _BINDING["="]
    one = _print(arguments[0], notation).bracketed(binding + compares)
    other = _right(arguments[1], binding, notation)
    sign = (
        f"<mo>{escape(_SIGNS[function])}</mo>"
        if function in _SIGNS
        else f'<mtext class="w">\u00a0{_WORDS[function]}\u00a0</mtext>'
    )
    return _Piece(f"<mrow>{one.markup}{sign}{other.markup}</mrow>", binding, one.width + other.width + 3)


def _right(node: Expression, binding: int, notation: Notation) -> _Piece:
    """Return an operand that stands right of an operator: in brackets too where it begins with a minus."""
    return _print(node, notation).bracketed(_least_right(node, binding))


def _least_right(node: Expression, binding: int) -> int:
    return _ATOM + 1 if _begins_with_minus(node) else binding + 1


def _begins_with_minus(node: Expression) -> bool:
    if isinstance(node, Number):
        return node.value < 0
    if not isinstance(node, Call) or node.function not in _BINDING or node.function in ("^", ":NOT:"):
        return False
    return node.function == "negative" or _begins_with_minus(node.arguments[0])


def _number(value: float) -> _Piece:
    """Return a number so that it reads back as itself; very large and small ones by a power of ten."""
    sign = '<mo form="prefix">−</mo>' if value < 0 else ""
    text = repr(abs(value)).removesuffix(".0")
    mantissa, _, exponent = text.partition("e")
    binding = _BINDING["negative"] if value < 0 else _ATOM
    markup = f"<mn>{mantissa}</mn>"
    if exponent:
        ten = f"<msup><mn>10</mn>{_number(float(exponent)).markup}</msup>"
        markup = f'<mrow class="power-of-ten"><mn>{mantissa}</mn><mo>×</mo>{ten}</mrow>'
        binding = _BINDING["*"]
    markup = f"<mrow>{sign}{markup}</mrow>" if sign else markup
    return _Piece(markup, binding, len(text) + 3 * bool(exponent) + bool(sign))


def _name(name: str, notation: Notation) -> _Piece:
    """Return a variable's name, marked with its place where it has one; its elements stand below."""
    spoken = spoken_name(name)
    base, _, inner = spoken.removesuffix("]").partition("[") if not name.startswith("#") else (spoken, "", "")
    place = notation.place(name)
    to = f' data-to="{escape(place, quote=True)}"' if place else ""
    markup = f'<mi class="v"{to}>{escape(base.strip())}</mi>'
    if not inner:
        return _Piece(markup, _ATOM, len(base))
    elements = "<mo>,</mo>".join(f"<mi>{escape(element.strip())}</mi>" for element in inner.split(","))
    return _Piece(
        f'<msub class="element">{markup}<mrow>{elements}</mrow></msub>', _ATOM, len(base) + len(inner) * 3 // 4
    )


def _lookup(node: Lookup, notation: Notation) -> _Piece:
    name = _Piece(f'<mi class="table">{escape(notation.tables.get(node.table, "table"))}</mi>', _ATOM, 8)
    if node.mode in _MODES:
        markup = f'<msub class="mode">{name.markup}<mtext>{_MODES[node.mode]}</mtext></msub>'
        name = _Piece(markup, _ATOM, name.width + 9)
    return _called(name, (node.argument,), notation)


def _function(name: str) -> _Piece:
    return _Piece(f'<mi class="f">{escape(name)}</mi>', _ATOM, len(name))


def _called(function: _Piece, arguments: Sequence[Expression], notation: Notation) -> _Piece:
    pieces = [_print(argument, notation).bracketed(_CASES + 1) for argument in arguments]
    inner = "<mo>,</mo>".join(piece.markup for piece in pieces)
    width = function.width + 2 + sum(piece.width + 2 for piece in pieces)
    return _Piece(f"<mrow>{function.markup}<mrow><mo>(</mo>{inner}<mo>)</mo></mrow></mrow>", _ATOM, width)


def _quotient(arguments: Sequence[Expression], notation: Notation) -> _Piece:
    above, below = (_broken(argument, notation) for argument in arguments)
    markup = f"<mfrac><mrow>{above.markup}</mrow><mrow>{below.markup}</mrow></mfrac>"
    return _Piece(markup, _FRACTION, max(above.width, below.width))


def _broken(node: Expression, notation: Notation) -> _Piece:
    """Return what stands above or below a fraction's bar, in lines where it is long."""
    whole = _print(node, notation)
    lines = _lines(_parts(node, notation))
    return whole if len(lines) == 1 else _Piece(_stacked(lines), _ATOM, LINE)


def _power(arguments: Sequence[Expression], notation: Notation) -> _Piece:
    base = _print(arguments[0], notation).bracketed(_ATOM)
    above = _print(arguments[1], notation)
    markup = f"<msup><mrow>{base.markup}</mrow><mrow>{above.markup}</mrow></msup>"
    return _Piece(markup, _BINDING["^"], base.width + above.width * 3 // 4)


def _root(arguments: Sequence[Expression], notation: Notation) -> _Piece:
    inner = _print(arguments[0], notation)
    return _Piece(f"<msqrt>{inner.markup}</msqrt>", _ATOM, inner.width + 2)


def _absolute(arguments: Sequence[Expression], notation: Notation) -> _Piece:
    inner = _print(arguments[0], notation)
    bar = '<mo form="{}" fence="true" stretchy="true">|</mo>'
    return _Piece(f'<mrow class="abs">{bar.format("prefix")}{inner.markup}{bar.format("postfix")}</mrow>', _ATOM,
                  inner.width + 2)  # fmt: skip


def _logarithm(arguments: Sequence[Expression], notation: Notation) -> _Piece:
    base = _print(arguments[1], notation)
    name = _Piece(f'<msub class="base"><mi class="f">log</mi><mrow>{base.markup}</mrow></msub>', _ATOM, 3 + base.width)
    return _called(name, arguments[:1], notation)


def _cases(arguments: Sequence[Expression], notation: Notation) -> _Piece:
    """Return IF THEN ELSE as cases; one in the place of `otherwise` adds a row, and the first that holds counts."""
    condition, value, rest = arguments
    rows: list[tuple[_Piece, _Piece]] = []
    word = "if"
    while True:
        told = _print(condition, notation)
        rows.append(
            (_print(value, notation), _Piece(f'<mtext class="w">{word}\u00a0</mtext>{told.markup}', 0, told.width + 8))
        )
        if not (isinstance(rest, Call) and rest.function == "IF THEN ELSE"):
            break
        condition, value, rest = rest.arguments
        word = "else if"
    rows.append((_print(rest, notation), _Piece('<mtext class="w">otherwise</mtext>', 0, 9)))
    width = max(value.width for value, _ in rows) + max(told.width for _, told in rows) + 3
    stacked = width > LINE
    between = "</mtd></mtr><mtr><mtd>" if stacked else "</mtd><mtd>"
    inner = "".join(
        f"<mtr><mtd><mrow>{value.markup}</mrow>{between}<mrow>{told.markup}</mrow></mtd></mtr>" for value, told in rows
    )
    width = max(piece.width for row in rows for piece in row) + 2 if stacked else width
    return _Piece(
        f'<mtable class="cases{" stacked" if stacked else ""}" displaystyle="true">{inner}</mtable>', _CASES, width
    )


def _joined(one: _Piece, other: _Piece) -> _Piece:
    return _Piece(f"<mrow>{one.markup}{other.markup}</mrow>", _ATOM, one.width + other.width)


_SPECIAL: Mapping[str, Callable[[Sequence[Expression], Notation], _Piece]] = {
    "/": _quotient,
    "^": _power,
    "POWER": _power,
    "SQRT": _root,
    "ABS": _absolute,
    "LOG": _logarithm,
    "IF THEN ELSE": _cases,
}
