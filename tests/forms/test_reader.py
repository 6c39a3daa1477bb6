"""One reader under every grammar: any text is read or refused in one sentence that says where it stops making sense."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgewise as ew
from edgewise._core.errors import InputError
from edgewise.explaining.shape_edits import read_edit
from edgewise.forms import parse
from edgewise.forms.reader import MAX_LENGTH, Reader
from edgewise.symbolic.expressions.named_constants import with_constants
from edgewise.symbolic.hypotheses.text import read_hypothesis
from edgewise.symbolic.known_form.text import read_partial
from edgewise.verifying import parse_property

COLUMNS = ("x1", "x2", "flow (rate)")
GRAMMARS: dict[str, Callable[[str], object]] = {
    "formula": lambda text: parse(text, COLUMNS),
    "property": parse_property,
    "claim": lambda text: read_hypothesis(text, COLUMNS),
    "partly known": lambda text: read_partial(text, COLUMNS),
    "constants": lambda text: with_constants(text, COLUMNS),
    "limit": lambda text: ew.auditing.result.read_limit(text),
    "edit": read_edit,
}


@pytest.mark.parametrize("kind", GRAMMARS)
@given(st.text(alphabet="xf12smd.+-*/^()`,|@<>=[]{}'\"e \\é≤{", max_size=30))
def test_any_text_is_read_or_refused_in_a_sentence(kind: str, text: str) -> None:
    with contextlib.suppress(InputError):
        GRAMMARS[kind](text)


@pytest.mark.parametrize("kind", GRAMMARS)
@pytest.mark.parametrize("text", ["(" * 5000, "x" * (MAX_LENGTH + 1), "x1 ; y"])
def test_hostile_texts_are_refused(kind: str, text: str) -> None:
    with pytest.raises(InputError) as told:
        GRAMMARS[kind](text)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 400


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("formula", "x1 x2", "an operator or the end was expected in place of 'x2' at character 4"),
        ("formula", "(x1", r"'\)' was expected at its end"),
        ("claim", "through(x1 + )", "a number, a name or a bracket was expected in place of '\\)' at character 14"),
        ("claim", "depends only on x1, x9", "there is no column 'x9'"),
        ("claim", "even(x1) x2", "the end was expected in place of 'x2' at character 10"),
        ("partly known", "f(x1) +* x2", "expected in place of '\\*' at character 8"),
        ("constants", "a*x1 +", "expected at its end"),
        ("limit", "dp 0.1", "<, <=, > or >= was expected in place of '0.1' at character 4"),
        ("limit", "dp > much", "a number was expected in place of 'much' at character 6"),
        ("edit", "smooth(3, high)", "a number or None was expected in place of 'high' at character 11"),
        ("edit", "smooth(3", r"'\)' was expected at its end"),
    ],
)  # fmt: skip
def test_errors_say_where(kind: str, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        GRAMMARS[kind](text)


def test_a_claim_may_name_a_column_as_it_is_called() -> None:
    for text in ("sum(flow (rate), x1 | x2)", "sum(`flow (rate)`, x1 | x2)"):
        assert read_hypothesis(text, COLUMNS).groups == ((2, 0), (1,))


def test_every_token_knows_where_it_starts() -> None:
    text = "a <= `b``c` ** 1.5e-3 ≤ 'd\\'e' ;"
    tokens = Reader.of(text, "{text}", "It").tokens
    assert [token.kind for token in tokens] == [
        "name", "operator", "quoted", "operator", "number", "operator", "string", "other", "end"
    ]  # fmt: skip
    assert all(text[token.start :].startswith(token.text) for token in tokens)
    assert [token.operator for token in tokens if token.operator] == ["<=", "^", "<="]
    assert (tokens[2].name, tokens[6].name) == ("b`c", "d'e")
