"""The command that mends, ready to be copied."""

from include.entra_logs.api import Window, utc_text


def backfill(dag_id: str, window: Window, source: str = "graph") -> str:
    """The command that reads, or loads from raw, every interval of the window again.

    Its `--to-date` is inclusive: the start of the last interval.
    """
    starts = list(window.partitions())
    return (
        f"airflow backfill create --dag-id {dag_id} --from-date {utc_text(starts[0])} "
        f"--to-date {utc_text(starts[-1])} --reprocess-behavior completed "
        f'--dag-run-conf \'{{"source": "{source}"}}\''
    )
