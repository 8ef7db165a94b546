"""The catalogue of words in three languages, from `words.yaml`, and the direction in which a language is read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from transition_sim.errors import ScenarioError
from transition_sim.study.yaml_file import plain, read_yaml
from transition_sim.workshop.form import LANGUAGES

NAMES = {"en": "English", "fr": "Français", "ar": "العربية"}
DIRECTION = {"en": "ltr", "fr": "ltr", "ar": "rtl"}


@lru_cache(maxsize=4)
def words(file: str = "words.yaml") -> Mapping[str, Mapping[str, str]]:
    """Return the catalogue: key -> language -> text; ScenarioError where a text is missing."""
    tree, _ = read_yaml(Path(__file__).with_name(file))
    found = plain(tree)
    wrong = [key for key, texts in found.items() if not isinstance(texts, list) or len(texts) != len(LANGUAGES)]
    wrong += [key for key, texts in found.items() if key not in wrong and not all(isinstance(t, str) for t in texts)]
    if wrong:
        raise ScenarioError(f"{file}: three texts are expected for: {', '.join(wrong)}")
    return {key: dict(zip(LANGUAGES, texts, strict=True)) for key, texts in found.items()}


def say(key: str, language: str, /, file: str = "words.yaml", **values: Any) -> str:
    """Return a text of the catalogue with its braces filled in."""
    text = words(file)[key][language]
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
