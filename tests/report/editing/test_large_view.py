"""A network of a thousand edges, edited in a real browser."""

from __future__ import annotations

import numpy as np
import pytest

import edgewise as ew
from tests.report.editing.notebook_cell import answered, shown

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_large_network_is_searched_folded_and_pruned_at_once(browser, tmp_path, scheme):
    """1,210 edges: drawn are the strongest, all are found and opened, and what pruning would do is said before."""
    net = ew.KAN([50, 20, 10, 1], seed=0)
    low, high = net.input_range().detach().double().numpy().T
    rows = np.random.default_rng(0).uniform(low, high, (200, 50))
    view = ew.view(net, rows[:100], net.predict(rows[:100])[:, 0], validation=(rows, net.predict(rows)[:, 0]))
    page, told = shown(browser, view, tmp_path, color_scheme=scheme)
    assert "strongest of 1,210 edges" in page.locator(".small").first.inner_text()
    first, second = page.locator("svg.net").nth(0), page.locator("svg.net").nth(1)
    few = first.locator("a.edge").count()
    assert few < 60
    assert second.is_hidden()
    page.get_by_text("Show more edges").click()
    assert second.locator("a.edge").count() > few
    # One that neither drawing shows is found by its names, and opened by keyboard.
    drawn = {link.get_attribute("data-edge") for link in page.locator("a.edge").all()}
    far = next(edge for edge in view.drawing()["edges"] if "-".join(map(str, edge["edge"])) not in drawn)
    page.locator("#edit-find").fill(far["name"])
    page.locator("#edit-find").press("Enter")
    answered(page, 1)
    assert far["name"] in page.locator(".edit-large figcaption").inner_text()
    page.locator("#edit-least").fill("0,02")
    page.get_by_role("button", name="Preview").click()
    answered(page, 2)
    preview = page.locator(".edit-preview").inner_text()
    gone = int(preview.split(": ")[1].split(" edges fewer")[0])
    assert gone > 20
    assert "of 200 rows move" in preview
    assert len(view.history.versions) == 1
    page.get_by_role("button", name="Prune them").click()
    answered(page, 3)
    assert view.drawing()["alive"] == 1210 - gone
    page.get_by_role("button", name="Undo").click()
    answered(page, 4)
    assert view.network is net
    assert told == []
    page.context.close()
