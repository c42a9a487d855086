"""A port for a server that starts later, in another process."""

import itertools
import os

from include.demo.airflow import free_port

FIRST, BLOCKS, BLOCK = 20_000, 1_200, 10
_numbers = itertools.count()


def quiet_port() -> int:
    """A free port of loopback that the system gives to no client, and other test runs try last.

    A port that the system picked (above 32768) may be somebody's outgoing connection by the time
    that Airflow, a minute later, listens there. So each process has ten ports of its own below.
    """
    while True:
        own = os.getpid() % BLOCKS * BLOCK + next(_numbers)
        wanted = FIRST + own % (BLOCKS * BLOCK)
        if free_port(wanted) == wanted:
            return wanted
