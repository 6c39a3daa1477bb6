"""The content security policy of a page, which allows its own scripts and its one style sheet and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

# Where the template leaves room for the hash of the style sheet, which is known once the page is.
STYLE_HASH = "{style-hash}"
# Text is escaped before it comes here, so that only a tag can look like one, and no attribute holds a quotation mark.
_TAG = re.compile(r"<[A-Za-z][^<>]*>")
_STYLE = re.compile(r' style="([^"]*)"')
_SHEET = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_SCRIPT = "<script"


def policy(scripts: Iterable[str], *, images: bool = False) -> str:
    """The policy of a page with these scripts, complete but for the hash of its style sheet; images only inside the page."""
    pictures = "img-src data:; " if images else ""
    allowed = " ".join(f"'{digest(text)}'" for text in scripts) or "'none'"
    return (
        f"default-src 'none'; {pictures}"
        f"style-src '{STYLE_HASH}'; script-src {allowed}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def digest(text: str) -> str:
    """The hash by which a policy names what it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8', errors='replace')).digest()).decode('ascii')}"


def without_inline_styles(page: str) -> str:
    """The page with every style attribute moved into its style sheet, whose hash then stands in the policy.

    Parameters
    ----------
    page : str
        A document with one `<style>` and `STYLE_HASH` before it.
    """
    head, script, scripts = page.partition(_SCRIPT)
    places: dict[str, int] = {}

    def named(tag: re.Match[str]) -> str:
        return _STYLE.sub(lambda found: f' data-s="{places.setdefault(found[1], len(places))}"', tag[0])

    head = _TAG.sub(named, head)
    rules = "".join(f'[data-s="{k}"]{{{style.replace("&#34;", chr(34))}}}\n' for style, k in places.items())
    sheet = _SHEET.search(head)
    assert sheet is not None
    whole = sheet[1] + rules
    head = f"{head[: sheet.start(1)]}{whole}{head[sheet.end(1) :]}"
    return head.replace(STYLE_HASH, digest(whole), 1) + script + scripts
