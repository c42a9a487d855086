"""Deleting by a shared access signature, one blob at a time.

obstore deletes through Azure's batch API alone, which Azurite refuses with a signature (500). The
standard library is used since httpx logs addresses, and here the address holds the signature.
"""

import errno
from collections.abc import Callable, Iterable
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

_VERSION = {"x-ms-version": "2021-08-06"}
_TIMEOUT = 60.0


def deleter(
    endpoint: str, container: str, prefix: str, signature: str
) -> Callable[[Iterable[str]], None]:
    """A function that deletes keys. Its OSError has no address in it."""
    base = f"{endpoint.rstrip('/')}/{container}"

    def delete(keys: Iterable[str]) -> None:
        for key in keys:
            path = quote("/".join(part for part in (prefix, key) if part))
            _delete(f"{base}/{path}?{signature}")

    return delete


def _delete(address: str) -> None:
    asked = Request(address, method="DELETE", headers=_VERSION)  # noqa: S310 - http or https
    try:
        with urlopen(asked, timeout=_TIMEOUT):  # noqa: S310 - the endpoint of the connection
            return
    except HTTPError as error:
        if error.code in (401, 403):
            raise PermissionError(errno.EACCES, "not allowed to delete") from None
        if error.code != 404:
            raise OSError(errno.EIO, f"status {error.code}") from None
    except (URLError, TimeoutError):
        raise OSError(errno.EIO, "no answer") from None
