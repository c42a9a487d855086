"""Airflow's notifiers against far ends on loopback: what arrives, and what tells that none did."""

import json
import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from include.entra_logs.airflow_side import init
from include.entra_logs.airflow_side.notifiers import deliver, notifier
from include.entra_logs.errors import EntraLakeError, Refused, Transient
from include.entra_logs.settings import Settings
from include.entra_logs.watch.message import Message
from tests.kit.channels import Inbox, mail_server, webhook

COMMAND = 'airflow backfill create --dag-run-conf \'{"source": "graph"}\''
MESSAGE = Message(
    "Entra Lake: sign_ins: missing",
    (f"[00:00, 02:00) is missing & late. Do `{COMMAND}`.", "Over: <b>x</b> {{ 7 * 7 }} *_y_*."),
)
SIGNATURE = "/workflows/5/triggers/manual/paths/invoke?api-version=1&sig=s3cret-sig"


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the connection `entra_alerts` from its fields."""

    def set_fields(**fields: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_ENTRA_ALERTS", json.dumps(fields))

    return set_fields


def send() -> None:
    """Deliver the message."""
    deliver("entra_alerts", MESSAGE, {})


def mail(inbox: Inbox, **extra: Any) -> dict[str, Any]:
    """A connection to the mail server."""
    wanted = {"from_email": "lake@entra.example", "to": "a@entra.example, b@entra.example"}
    plain = {"disable_tls": True, "disable_ssl": True, "retry_limit": 0}
    return {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": inbox.port,
        "extra": plain | wanted | extra,
    }


def test_mail(connect: Any) -> None:
    """One mail to all recipients; text is text, whatever characters it has."""
    with mail_server() as inbox:
        connect(**mail(inbox))
        send()
    (found,) = inbox.taken
    assert found["Subject"] == MESSAGE.title
    assert found["From"] == "lake@entra.example"
    assert found["To"] == "a@entra.example, b@entra.example"
    body = found.get_body(("html",)).get_content()
    assert "is missing &amp; late. Do `airflow backfill create --dag-run-conf" in body
    assert "Over: &lt;b&gt;x&lt;/b&gt; {{ 7 * 7 }} *_y_*." in body


def test_slack(connect: Any) -> None:
    """One post to the webhook's URL, with Slack's three characters escaped."""
    with webhook() as inbox:
        connect(conn_type="slackwebhook", password=f"http://127.0.0.1:{inbox.port}/services/T/B/x")
        send()
    assert inbox.paths == ["/services/T/B/x"]
    (found,) = inbox.taken
    lines = found["text"].split("\n")
    assert lines[0] == "*Entra Lake: sign_ins: missing*"
    assert lines[1] == f"• [00:00, 02:00) is missing &amp; late. Do `{COMMAND}`."
    assert lines[2] == "• Over: &lt;b&gt;x&lt;/b&gt; {{ 7 * 7 }} *_y_*."


@pytest.fixture
def teams(connect: Any, tmp_path: Path) -> Any:
    """A workflow's webhook over TLS, and the connection to it."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    with webhook(tls) as inbox:
        inbox.answer = 202
        connect(
            conn_type="http",
            host=f"https://127.0.0.1:{inbox.port}",
            password=SIGNATURE,
            extra={"verify": str(tmp_path / "ca.pem")},
        )
        yield inbox


def test_teams(teams: Inbox) -> None:
    """One post of an Adaptive Card, all of it plain text runs, to the URL with its signature."""
    send()
    assert teams.paths == [SIGNATURE]
    (found,) = teams.taken
    (card,) = found["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    blocks = card["content"]["body"]
    assert {block["type"] for block in blocks} == {"RichTextBlock"}
    assert [run["text"] for b in blocks for run in b["inlines"]] == [MESSAGE.title, *MESSAGE.lines]


@pytest.mark.parametrize("answer", [302, 400, 404, 429, 500])
def test_what_teams_does_not_take_is_not_delivered(
    teams: Inbox, caplog: pytest.LogCaptureFixture, answer: int
) -> None:
    """Any other answer, a redirect too, is a failure that does not show the signature."""
    login = f"https://127.0.0.1:{teams.port}/login"
    teams.answer, teams.location = answer, login if answer == 302 else ""
    with caplog.at_level(logging.INFO), pytest.raises(Transient, match="not be delivered") as error:
        send()
    assert teams.taken == []
    assert "s3cret-sig" not in f"{error.value} {caplog.text}"
    assert "'entra_alerts'" in str(error.value)


def test_what_slack_does_not_take_is_not_delivered(connect: Any) -> None:
    """Slack's own word for it is in the sentence."""
    with webhook() as inbox:
        inbox.answer = 403
        connect(conn_type="slackwebhook", password=f"http://127.0.0.1:{inbox.port}/services/x")
        with pytest.raises(Transient, match="invalid_token"):
            send()


def test_a_mail_server_that_refuses_every_recipient(connect: Any) -> None:
    """Nobody got it: that is a failure."""
    with mail_server() as inbox:
        inbox.answer = 550
        connect(**mail(inbox))
        with pytest.raises(Transient, match="SMTPRecipientsRefused"):
            send()
    assert inbox.taken == []


@pytest.mark.parametrize(
    "fields",
    [
        {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": 1,
            "extra": {"disable_ssl": True, "from_email": "a@b.example", "to": "a@b.example"},
        },
        {"conn_type": "slackwebhook", "password": "http://127.0.0.1:1/services/x"},
        {"conn_type": "http", "host": "https://127.0.0.1:1", "password": SIGNATURE},
    ],
    ids=["mail", "slack", "teams"],
)
def test_nobody_there(connect: Any, fields: dict[str, Any]) -> None:
    """An address that does not answer: a later try may mend it, and no secret is shown."""
    connect(**fields)
    with pytest.raises(Transient) as error:
        send()
    assert "s3cret-sig" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (None, "There is no Airflow connection 'entra_alerts'"),
        ({"conn_type": "slack"}, "must be of type smtp or slackwebhook or http"),
        ({"conn_type": "smtp", "extra": {"to": "a@b.example"}}, "no extra.from_email"),
        ({"conn_type": "smtp", "extra": {"from_email": "a@b.example"}}, "no extra.to"),
        (
            {"conn_type": "smtp", "extra": {"from_email": "a@b.example", "to": [" "]}},
            "no extra.to",
        ),
        ({"conn_type": "slackwebhook"}, "no password"),
        ({"conn_type": "http", "host": "https://x.example"}, "no usable password"),
        (
            {"conn_type": "http", "host": "https://x.example", "password": "https://x.example/y"},
            "no usable password",
        ),
        ({"conn_type": "http", "host": "http://x.example", "password": "/y"}, "no host with https"),
        ({"conn_type": "http", "host": "x.example", "password": "/y"}, "no host with https"),
    ],
)
def test_a_connection_that_cannot_serve(
    connect: Any, fields: dict[str, Any] | None, told: str
) -> None:
    """One sentence that names what is lacking, before anything is sent."""
    if fields is not None:
        connect(**fields)
    with pytest.raises(Refused) as error:
        notifier("entra_alerts", MESSAGE)
    assert told in str(error.value)
    assert isinstance(error.value, EntraLakeError)


def test_a_list_of_recipients(connect: Any) -> None:
    """`to` may be a list as well."""
    with mail_server() as inbox:
        connect(**mail(inbox, to=["a@entra.example", "b@entra.example"]))
        send()
    assert inbox.taken[0]["To"] == "a@entra.example, b@entra.example"


def test_init_looks_at_the_connection_and_sends_nothing(connect: Any) -> None:
    """`make init` says what would keep alerts from being delivered; unset, that they are silent."""
    with webhook() as inbox:
        connect(conn_type="slackwebhook", password=f"http://127.0.0.1:{inbox.port}/services/x")
        told = Settings(alerts_conn_id="entra_alerts")
        assert init._alerts(told) == ("ok", "alerts through entra_alerts")
        connect(conn_type="slackwebhook")
        verdict, text = init._alerts(told)
    assert verdict == "WRONG"
    assert "has no password" in text
    assert inbox.taken == []
    assert init._alerts(Settings()).verdict == "ok"
