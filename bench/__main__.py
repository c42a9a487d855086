"""`make bench`: every benchmark in turn, each in processes of its own, figures side by side.

`python -m bench` runs all of them, about an hour on two idle cores; `python -m bench merge peers`
runs some.
"""

import subprocess
import sys

PARTS = {
    "read": ["bench/read.py"],
    "hostile": ["bench/hostile.py"],
    "normalise": ["bench/normalise.py"],
    "merge": ["bench/merge.py"],
    "peers": ["-m", "bench.peers"],
    "questions": ["-m", "bench.questions"],
    "page": ["-m", "bench.page"],
}


def main(wanted: list[str]) -> int:
    """Run the named benchmarks, or all; 1 if one failed, 2 for an unknown name."""
    if unknown := set(wanted) - PARTS.keys():
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
        return 2
    failed = []
    for name, command in PARTS.items():
        if not wanted or name in wanted:
            print(f"=== {name}", flush=True)
            if subprocess.run([sys.executable, *command], check=False).returncode:
                failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
