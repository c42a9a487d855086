"""`python -m bench.peers`: the table of contenders, and whether the targets are met.

python -m bench.peers [--events 200000] [--rounds 5] [--grow 1000000]
"""

import argparse
import sys

from bench.peers import contest
from bench.peers.contest import BARE, DLT, PROJECT, PROVIDER, Cost
from include.graph_emulator.ceiling import measure

MB = 1_000_000


def main(events: int, count: int, grow: int) -> bool:
    """Print what was measured; True if every target is met."""
    contenders = [PROJECT, BARE, PROVIDER]
    if contest.has_dlt():
        contenders.append(DLT)
    else:
        print("dlt is left out: there is no .venv-bench (see requirements-bench.txt)")
    ceilings = sorted((measure(seconds=2) for _ in range(3)), key=lambda c: c.events / c.seconds)
    ceiling = ceilings[1]
    print(f"the emulator's own ceiling, median of 3: {ceiling}")
    with contest.data_set(events) as (_, task):
        found = contest.rounds(contenders, task, count)
    costs = {contender: contest.median(rounds) for contender, rounds in found.items()}
    show({contender.name: cost for contender, cost in costs.items()}, count)
    ours = costs[PROJECT]
    grown = None
    if grow:
        with contest.data_set(grow) as (_, task):
            grown = contest.round_of(PROJECT, task)
        show({f"{PROJECT.name}: {grown.events:,} events": grown}, 1)
    fastest = max(cost.speed for cost in costs.values())
    targets = {
        "the ceiling is 3 times the fastest": ceiling.events / ceiling.seconds >= 3 * fastest,
        "3 times the provider": ours.speed >= 3 * costs[PROVIDER].speed,
        "a peak of at most 500 MB": ours.peak <= 500 * MB,
        "all read the same": len({cost.events for cost in costs.values()}) == 1,
    }
    if DLT in costs:
        targets["6 times dlt"] = ours.speed >= 6 * costs[DLT].speed
    if grown:
        targets[f"a peak at most 10 % higher with {grown.events:,} events"] = (
            grown.peak <= 1.1 * ours.peak
        )
    for target, met in targets.items():
        print(f"{'met   ' if met else 'MISSED'} {target}")
    return all(targets.values())


def show(costs: dict[str, Cost], count: int) -> None:
    """One line for each contender."""
    print(f"HTTP to published Parquet, median of {count}, each in a process of its own")
    print(f"{'':50}{'events':>10}{'seconds':>9}{'events/s':>10}{'peak MB':>9}{'bytes/event':>13}")
    for name, cost in costs.items():
        print(
            f"{name:50}{cost.events:>10,}{cost.seconds:>9.2f}{cost.speed:>10,.0f}"
            f"{cost.peak / MB:>9,.0f}{cost.published / cost.events:>13,.0f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--grow", type=int, default=1_000_000, help="0: leave that out")
    asked = parser.parse_args()
    sys.exit(0 if main(asked.events, asked.rounds, asked.grow) else 1)
