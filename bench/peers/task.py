"""What every contender is given and gives back. Standard library only: dlt runs elsewhere.

A contender is a module that is started as a process of its own with the task as JSON. It reads the
window over HTTPS, publishes Parquet in `folder`, and prints one line of JSON: the events, and the
seconds from the first request to the last published byte (starting Python apart, for all of them).
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Task:
    """One read of sign-ins."""

    url: str
    """Of Graph, without a version."""
    ca: str
    token: str
    """For contenders that leave logging in to their user."""
    connection: dict[str, Any]
    """For those that log in: the fields of an Airflow connection of type `msgraph`."""
    start: str
    end: str
    """The window, half open, ISO 8601."""
    folder: str
    """Empty; what is published goes here."""

    @property
    def filter(self) -> str:
        """Of the whole window."""
        return f"createdDateTime ge {self.start} and createdDateTime lt {self.end}"

    def text(self) -> str:
        """The task as a contender's argument."""
        return json.dumps(asdict(self))


def contend(read_and_publish: Callable[[Task], int]) -> None:
    """Do the task of this process and print the result; `read_and_publish` returns the events."""
    task = Task(**json.loads(sys.argv[1]))
    started = time.perf_counter()
    events = read_and_publish(task)
    seconds = time.perf_counter() - started
    sys.stdout.write(json.dumps({"events": events, "seconds": seconds}) + "\n")
