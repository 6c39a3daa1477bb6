"""The glossary can be looked through, and holds words that the code uses."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TERMS = re.findall(r"^(\w.*)\n  \S", (ROOT / "docs" / "glossary.md").read_text(), flags=re.MULTILINE)


def test_its_terms_stand_in_order_and_once():
    assert len(TERMS) > 90
    assert sorted(set(TERMS), key=str.lower) == TERMS


def test_its_terms_are_used():
    text = " ".join(path.read_text() for path in (ROOT / "src" / "edgewise").rglob("*.py")).lower()
    used = set(re.findall(r"[a-z]+", text))
    for term in TERMS:
        for word in re.findall(r"[a-z]+", term.lower()):
            assert any(form in used for form in (word, f"{word}s", f"{word}d", f"{word}ed")), term
