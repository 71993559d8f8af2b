"""Locks between processes: by the system, or by a file where a file system has no locks."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from pix2earth.settings.errors import UserError

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
"""Errors of file systems, mostly of networks, that have no locks."""


def acquire(path: Path, busy: str, report: Callable[[str], None] = print) -> BaseFileLock:
    """Return a lock that this process holds until it releases it, or ends.

    Args:
        path: of the lock.
        busy: the message where another process holds it.
        report: receives a line where the file system has no locks. Then a file marks what is in use; after a failure of
            the machine a user must remove it.

    Raises:
        UserError: another process holds the lock.
    """
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
        return lock
    except Timeout:
        raise UserError(busy) from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in WITHOUT_LOCKS:
            raise
        reason = getattr(error, "strerror", None) or "not supported"
    return _marked(path.with_name(f"{path.name}-held"), busy, reason, report)


def _marked(path: Path, busy: str, reason: str, report: Callable[[str], None]) -> BaseFileLock:
    # A second is enough to find that the process on this machine that left the file has ended.
    lock = SoftFileLock(path, timeout=1)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(f"{busy}; if no process does, on no machine, remove {path}") from None
    report(f"{path}: the file system has no locks ({reason}), so that this file marks what is in use")
    return lock
