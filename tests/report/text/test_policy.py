"""Style attributes become rules of the one sheet that the policy allows; what only looks like one stays text."""

from __future__ import annotations

from markupsafe import escape

from edgewise.report.text.pages import STYLE_HASH, digest, policy, without_inline_styles


def page(body: str) -> str:
    return f'<meta content="{policy(["x"])}"><style>p {{}}</style><body>{body}</body><script> style="a:b" </script>'


def test_equal_styles_share_a_rule_and_the_policy_names_the_sheet():
    made = without_inline_styles(page('<p style="a:1">x</p><i style="b:2" id="k"></i><b style="a:1"></b>'))
    assert '<p data-s="0">x</p><i data-s="1" id="k"></i><b data-s="0"></b>' in made
    sheet = 'p {}[data-s="0"]{a:1}\n[data-s="1"]{b:2}\n'
    assert f"<style>{sheet}</style>" in made
    assert digest(sheet) in made
    assert STYLE_HASH not in made
    assert digest("x") in made


def test_text_that_looks_like_a_style_stays_text():
    evil = '<p style="a:1"> style="b:2" {style-hash}'
    body = f'<p>{escape(evil)}</p><text> style="c:3"</text>'
    made = without_inline_styles(page(body))
    assert body in made
    assert '<script> style="a:b" </script>' in made
    assert "data-s" not in made
