"""The command that mends, ready to be copied."""

from datetime import timedelta

from include.entra_logs.api import Window, partition_start, utc_text

MICROSECOND = timedelta(microseconds=1)


def backfill(dag_id: str, window: Window, source: str = "graph") -> str:
    """The command that reads, or loads from raw, every interval of the window again.

    Its `--to-date` is inclusive: the start of the last interval.
    """
    first, last = partition_start(window.start), partition_start(window.end - MICROSECOND)
    return (
        f"airflow backfill create --dag-id {dag_id} --from-date {utc_text(first)} "
        f"--to-date {utc_text(last)} --reprocess-behavior completed "
        f'--dag-run-conf \'{{"source": "{source}"}}\''
    )
