"""From an Airflow connection to Airflow's own notifier: the connection's type says which.

    smtp           mail      extra.from_email, extra.to (one address, a list, or with commas)
    slackwebhook   Slack     password: the webhook's URL
    http           Teams     host: https://<host of the webhook>, password: the rest of its URL

Text is handed over as it is: no notifier renders it as a template. The provider's modules are
imported where they are used, as one installation uses one of them.
"""

import html
from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import AirflowException

from include.entra_logs.airflow_side.connections import connection
from include.entra_logs.errors import Refused, Transient
from include.entra_logs.watch.message import Message

TIMEOUT = 30
"""Seconds that a webhook may take."""
_SHOWN = 200
"""Characters of a channel's answer that an error shows."""


def deliver(conn_id: str, message: Message, context: Mapping[str, Any]) -> None:
    """The message has been taken by the channel that the connection names.

    Raises Refused if the connection does not serve, Transient if the channel did not take it.
    """
    chosen = notifier(conn_id, message)
    try:
        chosen.notify(context)
    except Exception as error:  # noqa: BLE001  whatever a provider raises, the remedy is the same
        told = f": {error}"[:_SHOWN] if isinstance(error, AirflowException) else ""
        raise Transient(
            f"The alert could not be delivered ({type(error).__name__}{told}): check the Airflow "
            f"connection {conn_id!r}; it is told at the next run that can."
        ) from None


def notifier(conn_id: str, message: Message) -> BaseNotifier:
    """The notifier that would send the message. Raises Refused if the connection does not serve."""
    remedy = "add it, or correct ENTRA_ALERTS_CONN_ID"
    found = connection(conn_id, tuple(_BY_TYPE), remedy)
    return _BY_TYPE[found.conn_type](found, message)


def _mail(found: Any, message: Message) -> BaseNotifier:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier  # noqa: PLC0415  see above

    extra = found.extra_dejson
    to = extra.get("to") or []
    addresses = to.split(",") if isinstance(to, str) else [str(each) for each in to]
    addresses = [each.strip() for each in addresses if each.strip()]
    sender = extra.get("from_email")
    if not addresses or not sender:
        lacking = "to" if sender else "from_email"
        raise _lacks(found, f"extra.{lacking}", "extra.from_email and extra.to to mail addresses")
    return SmtpNotifier(
        smtp_conn_id=found.conn_id,
        from_email=sender,
        to=addresses,
        subject=message.title,
        html_content="".join(f"<p>{html.escape(line)}</p>\n" for line in message.lines),
    )


def _slack(found: Any, message: Message) -> BaseNotifier:
    from airflow.providers.slack.notifications.slack_webhook import (  # noqa: PLC0415  see above
        SlackWebhookNotifier,
    )

    if not found.password:
        raise _lacks(found, "password", "it to the webhook's URL")
    lines = [f"*{message.title}*", *(f"• {line}" for line in message.lines)]
    return SlackWebhookNotifier(
        slack_webhook_conn_id=found.conn_id,
        text=html.escape("\n".join(lines), quote=False),
        unfurl_links=False,
        timeout=TIMEOUT,
    )


def _teams(found: Any, message: Message) -> BaseNotifier:
    from airflow.providers.http.notifications.http import HttpNotifier  # noqa: PLC0415  see above

    rest = found.password or ""
    if not rest or "://" in rest:
        raise _lacks(found, "usable password", "it to what follows the host in the webhook's URL")
    host = found.host or ""
    if not (host if "://" in host else f"{found.schema}://{host}").startswith("https://"):
        raise _lacks(found, "host with https", "it to https://<host of the webhook>")
    return HttpNotifier(
        http_conn_id=found.conn_id,
        endpoint=rest,
        json=_card(message),
        extra_options={"timeout": TIMEOUT, "max_redirects": 0},  # a redirect is no delivery
    )


def _card(message: Message) -> dict[str, Any]:
    """The message as Teams' workflows take it: an Adaptive Card of plain text, no Markdown."""
    title = {"type": "TextRun", "text": message.title, "weight": "Bolder"}
    runs = [title, *({"type": "TextRun", "text": line} for line in message.lines)]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [{"type": "RichTextBlock", "inlines": [run]} for run in runs],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": content}]}


def _lacks(found: Any, what: str, remedy: str) -> Refused:
    return Refused(
        f"The Airflow connection {found.conn_id!r} ({found.conn_type}) has no {what}, so no alert "
        f"can be delivered: set {remedy}."
    )


_BY_TYPE: Mapping[str, Callable[[Any, Message], BaseNotifier]] = {
    "smtp": _mail,
    "slackwebhook": _slack,
    "http": _teams,
}
