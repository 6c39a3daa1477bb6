"""`python -m benchmarks [--quick] [--data FOLDER]`: every script in turn, then the tables of the pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = (
    "toy",
    "hello",
    "grids",
    "scaling",
    "special",
    "ranks",
    "tables",
    "nist",
    "formulas",
    "formula_peers",
    "short_parts",
    "house",
    "ablation",
    "altered_laws",
    "sums_of_terms",
    "probability",
    "single_laws",
    "groups",
    "groups_peers",
    "dynamics",
    "dynamics_terms",
    "dynamics_peers",
    "courses_probability",
    "broken_laws",
    "decade_laws",
    "constants",
    "exactness",
    "few_rows",
    "real_laws",
    "hypotheses",
    "adoption",
    "export",
    "proofs",
    "certificates",
    "attack",
    "tightness",
    "audit",
    "coverage",
    "glassbox",
    "quantiles",
    "counts",
    "price_proofs",
    "outside",
    "calibration",
    "equations",
    "equation_times",
    "equations_inverse",
    "posed_problems",
    "inverse_flow",
    "flow_intervals",
    "stated_errors",
    "solution_formulas",
    "equation_shapes",
    "equation_surfaces",
    "equation_courses",
    "equation_peers",
    "live_answers",
    "live_page",
    "live_notebook",
    "limits",
    "default_work",
    "hostile",
    "large",
    "large_equal",
    "large_network",
    "large_optimisers",
    "large_peers",
    "large_runs",
    "large_tables",
    "forecasts",
    "survival",
    "mnist",
    "images",
    "image_sizes",
    "evidence",
    "distilling",
    "characters",
    "repeatable",
    "speed",
)


def main() -> int:
    # A process each: what one script loads or caches must not change the time of the next.
    codes = [subprocess.call([sys.executable, str(HERE / f"{name}.py"), *sys.argv[1:]]) for name in SCRIPTS]
    if not any(codes) and "--quick" not in sys.argv:
        codes.append(subprocess.call([sys.executable, str(HERE / "page.py")]))
    return max(codes)


if __name__ == "__main__":
    raise SystemExit(main())
