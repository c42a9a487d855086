"""What a store may answer, turned into the project's errors: one sentence with its remedy.

The cause is left out on purpose: the text of a store's error can hold an address with a signature.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)

from include.entra_logs.errors import EntraLakeError, Refused, Transient

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


def _from_os(error: OSError, url: str) -> EntraLakeError:
    if error.errno in _FULL or "No space left" in str(error):
        return Transient(f"The disk of the lake {url} is full: free some space, then run again.")
    if error.errno in _DENIED:
        return Refused(
            f"The lake {url} cannot be written or read by this user: give it read and write "
            "access, or set ENTRA_LAKE_URL to a place that it may write."
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Refused(
            f"The lake {url} does not exist: create its container or folder, or set "
            "ENTRA_LAKE_URL to one that exists."
        )
    return Transient(
        f"The lake {url} did not answer (errno {error.errno}): if it "
        "stays so, check ENTRA_LAKE_URL."
    )


def _from_obstore(error: BaseError, url: str) -> EntraLakeError:
    text = str(error)
    if "No space left" in text:
        return _from_os(OSError(errno.ENOSPC, ""), url)
    if "Read-only file system" in text or "Permission denied" in text:
        return _from_os(OSError(errno.EROFS, ""), url)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return Refused(
            f"The lake {url} refused the credentials of its connection: check them, and give "
            "the role Storage Blob Data Contributor on the container."
        )
    if isinstance(error, InvalidPathError | UnknownConfigurationKeyError):
        return Refused(
            f"The lake's address or connection is not valid: check ENTRA_LAKE_URL {url}."
        )
    return Transient(
        f"The lake {url} did not answer as it should ({type(error).__name__}): if it "
        "stays so, check ENTRA_LAKE_URL and its connection."
    )


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Raises Refused or Transient for what the store raises inside."""
    try:
        yield
    except BaseError as error:
        raise _from_obstore(error, url) from None
    except OSError as error:
        raise _from_os(error, url) from None
