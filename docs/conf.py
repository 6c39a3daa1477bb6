"""Sphinx configuration: `make docs` builds the pages, runs the gallery and treats every warning as an error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
# The examples' networks are small; threads that wait for one another would only make them slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from figures import Pictures

import edgewise

project = "edgewise"
author = "The edgewise authors"
copyright = author  # noqa: A001
release = version = edgewise.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "access",
    "commands",
    "mathematics",
    "names",
]
exclude_patterns = ["_build", "images", "gallery/*.ipynb"]
root_doc = "index"
# Backticks in docstrings stand for code; those that name something public become links.
default_role = "name"
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

# Types stand in the docstrings, in words; repeating them in signatures would hide the parameters.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
templates_path = ["_templates"]

copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"plot_",
    "within_subsection_order": "order.InOrder",
    "image_scrapers": (Pictures(),),
    "ignore_repr_types": r"matplotlib|Figure|tuple|list|KAN",
    "abort_on_example_error": True,
    "reset_modules": (),
    "show_signature": False,
    "download_all_examples": False,
    "min_reported_time": 1000,
    "write_computation_times": False,
    "thumbnail_size": (640, 400),
    "remove_config_comments": True,
    "plot_gallery": "True",
}

html_theme = "furo"
html_title = "edgewise"
html_static_path = ["_static"]
html_css_files = ["edgewise.css"]
html_favicon = "_static/mark.svg"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_logo": "mark.svg",
    "dark_logo": "mark-dark.svg",
    "sidebar_hide_name": False,
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#0b6bb3",
        "color-brand-content": "#0b6bb3",
        "color-brand-visited": "#0b6bb3",
        "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    },
    "dark_css_variables": {
        "color-brand-primary": "#62b5f0",
        "color-brand-content": "#62b5f0",
        "color-brand-visited": "#62b5f0",
        "color-background-primary": "#12151b",
        "color-background-secondary": "#171b22",
    },
}
