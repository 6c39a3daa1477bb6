"""The files of rows behind the benchmark pages are whole, and each is one click from a page."""

import csv
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))


def read(name):
    with (DOCS / "rows" / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def test_the_index_names_every_file_and_where_it_was_measured():
    head, *lines = read("index.csv")
    index = {line[0]: dict(zip(head, line, strict=True)) for line in lines}
    assert {*index, "index.csv"} == {path.name for path in (DOCS / "rows").iterdir()}
    for name, about in index.items():
        columns, *rows = read(name)
        assert len(set(columns)) == len(columns), name
        assert all(len(row) == len(columns) for row in rows), name
        assert len(rows) == int(about["rows"]), name
        assert re.search(r"thread.*edgewise.*\d{4}-\d\d-\d\d$", about["machine"]), name
        # Without a script they are made by hand, which the notes tell.
        assert about["notes"] if not about["script"] else True, name
        assert not about["script"] or (DOCS.parent / "benchmarks" / f"{about['script']}.py").is_file(), name


def test_every_file_is_linked_with_its_number_of_rows():
    linked = re.findall(r"\]\(rows/([\w.-]+\.csv)\)", PAGES)
    assert set(linked) == {path.name for path in (DOCS / "rows").iterdir()}
    for told, name in re.findall(r"\[(\d+) rows?\]\(rows/([\w.-]+\.csv)\)", PAGES):
        assert int(told) == len(read(name)) - 1, name


def test_every_place_on_a_page_is_filled():
    assert not re.findall(r"<!-- (?:figures|notes|rows) [^>]*-->\s*<!-- end -->", PAGES)
