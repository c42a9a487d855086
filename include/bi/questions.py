"""The first questions, asked: answers as rows, and as tables on a screen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from include.bi.database import question_files
from include.entra_logs.errors import Refused

RISKIEST_USERS = """
SELECT user_principal_name, risk_level, open_detections, open_risk_event_types, last_detected_at
FROM current_risk
WHERE risk_level <> 'none'
ORDER BY list_position(['hidden', 'low', 'medium', 'high'], risk_level) DESC,
  open_detections DESC, user_principal_name
"""


@dataclass(frozen=True)
class Answer:
    """A question in words, and the rows that answer it, the most telling first."""

    question: str
    columns: list[str]
    rows: list[tuple[Any, ...]]


def questions() -> dict[str, str]:
    """Each question's name and its wording."""
    return {path.stem: _wording(path.read_text()) for path in question_files()}


def ask(con: duckdb.DuckDBPyConnection, name: str) -> Answer:
    """The whole answer to one of the ten questions; raises Refused for another name."""
    wordings = questions()
    if name not in wordings:
        raise Refused(f"there is no question {name!r}; there are: {', '.join(wordings)}")
    return _answer(con, wordings[name], f'FROM "{name}"')


def first_answers(con: duckdb.DuckDBPyConnection) -> list[Answer]:
    """What a new lake is looked at for: who signs in at night, failures, riskiest users."""
    at_night = "FROM who_works_late WHERE at_night > 0 ORDER BY at_night DESC, user_principal_name"
    return [
        _answer(con, "Who signs in at night?", at_night),
        ask(con, "failures_by_country_and_reason"),
        _answer(con, "Which users are at risk?", RISKIEST_USERS),
    ]


def show(answer: Answer, console: Console, most: int = 10) -> None:
    """The answer as a table of at most `most` rows, and how many there are."""
    table = Table(title=answer.question, title_justify="left", title_style="bold")
    for column in answer.columns:
        table.add_column(column, overflow="fold")
    for row in answer.rows[:most]:
        table.add_row(*map(_shown, row))
    if len(answer.rows) > most:
        table.caption = f"the first {most} of {len(answer.rows)}"
    console.print(table)


def _answer(con: duckdb.DuckDBPyConnection, question: str, sql: str) -> Answer:
    result = con.execute(sql)
    columns = [column[0] for column in result.description or []]
    return Answer(question, columns, result.fetchall())


def _wording(sql: str) -> str:
    """The question: the first sentence of the comment that a file begins with."""
    lines = [line[2:].strip() for line in sql.splitlines() if line.startswith("--")]
    return " ".join(lines).split("?")[0] + "?"


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
