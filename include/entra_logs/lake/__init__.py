"""Storage: keys and bytes, nothing about what they mean.

`open_lake(url)` gives the `Lake` that all functions take.

layout       every key in one place                    store        objects, conditional writes
staging      pages of a read under way                 raw          what a source sent, per read
waiting      reads that are not loaded yet
publisher    how a whole object gets its name: Azure   local_publisher  the same on a disk
azure        Airflow's connection as obstore's settings
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, LocalStore

from include.entra_logs.errors import Refused
from include.entra_logs.lake import layout
from include.entra_logs.lake.local_publisher import LocalPublisher, make_root
from include.entra_logs.lake.publisher import AzurePublisher
from include.entra_logs.lake.store import Store, store_errors


@dataclass(frozen=True)
class Lake:
    """Where tables, raw, ledger and staging lie."""

    url: str
    store: Store = field(repr=False)

    def check(self) -> None:
        """Refused, in one sentence, unless this lake can be written, read and written once only."""
        key = f"{layout.STAGING}/probe-{uuid.uuid4().hex}"
        body = key.encode()
        first = self.store.put_if_absent(key, body)
        again = self.store.put_if_absent(key, body)
        stored = self.store.get(key)
        self.store.delete(key)
        if not first or again or stored != body:
            raise Refused(
                f"The lake {self.url} does not keep what is written to it, or has no conditional "
                "writes: set ENTRA_LAKE_URL to a file:// folder or an Azure Blob container."
            )


def open_lake(url: str, azure: Mapping[str, str] | None = None, store: type[Store] = Store) -> Lake:
    """The lake at `file:///folder`, or at `abfs://<connection>@<container>/<prefix>`.

    `azure` is the connection as obstore names its settings (see `lake.azure`). Raises Refused for
    an address or settings that cannot be; whether the lake answers, `check` tells.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path not in ("", "/"):
        return _local(url, Path(unquote(parts.path)), store)
    if parts.scheme == "abfs" and parts.hostname and azure is not None:
        return _azure(url, parts.hostname, parts.path.strip("/"), azure, store)
    raise Refused(
        f"ENTRA_LAKE_URL is {url!r}: it must be file:///<folder>, or "
        "abfs://<airflow connection id>@<container>/<prefix> with a connection that exists."
    )


def _local(url: str, root: Path, store: type[Store]) -> Lake:
    with store_errors(url):
        make_root(root)
        objects = LocalStore(root)
    return Lake(url, store(url, objects, LocalPublisher(objects, root)))


def _azure(
    url: str, container: str, prefix: str, azure: Mapping[str, str], store: type[Store]
) -> Lake:
    settings: Any = dict(azure)
    plain = azure.get("endpoint", "").startswith("http://")
    try:
        objects = AzureStore(
            container,
            prefix=prefix or None,
            config=settings,
            client_options={
                "timeout": "10 minutes",
                "connect_timeout": "10 seconds",
                "allow_http": plain,
            },
            retry_config={"max_retries": 6, "retry_timeout": timedelta(minutes=2)},
        )
    except (BaseError, ValueError, TypeError) as error:
        raise Refused(
            f"The connection of the lake {url} cannot be used ({type(error).__name__}): check its "
            "account, key, SAS token or service principal."
        ) from None
    return Lake(url, store(url, objects, AzurePublisher(objects)))
