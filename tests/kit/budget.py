"""How much a property test may cost: a few examples while working, the full count in CI."""

import os


def counted(quick: int, ci: int) -> int:
    """`ci` when CI_FULL=1 (set by `.ci/run` and `make test`), else `quick`."""
    return ci if os.environ.get("CI_FULL") == "1" else quick
