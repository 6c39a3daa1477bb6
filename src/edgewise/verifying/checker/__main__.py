"""`python path/to/checker proof.json model.kan [second.kan]`: exit code 0 where the certificate is accepted, 1 where not."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


def main(paths: list[str]) -> int:
    """Check and print the result."""
    if len(paths) < 2:
        sys.exit("usage: checker proof.json model.kan [second.kan]")
    # Started as a folder its modules belong to no package yet, and they shall be found nowhere else.
    spec: Any = spec_from_file_location("checker", Path(__file__).parent / "__init__.py")
    sys.modules["checker"] = checker = module_from_spec(spec)
    spec.loader.exec_module(checker)
    verdict = checker.check(*paths)
    print(verdict.reason, verdict.claim, f"({verdict.seconds:.1f} s)", sep="\n")  # noqa: T201
    return int(not verdict.accepted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
