"""Sealing in the background: finished logs one after the other, by a thread that lives only while there are any."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa

from skypact.errors import JournalError
from skypact.journal._folder import Segment
from skypact.journal._seal import seal


class Sealer:
    """Seals what it is given, in order. After a failure it tries again when it is given more, or waited for.

    Parameters
    ----------
    root : Path
        The journal.
    report : callable
        Takes one line when sealing begins to fail.
    """

    def __init__(self, root: Path, report: Callable[[str], None]) -> None:
        self._root = root
        self._report = report
        self._waiting: deque[Segment] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failure: JournalError | None = None

    def add(self, logs: Iterable[Segment]) -> None:
        """Take logs to which nothing is appended any more."""
        with self._lock:
            self._waiting.extend(logs)
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="skypact journal sealing")
                self._thread.start()

    def wait(self) -> None:
        """Return when all is sealed.

        Raises
        ------
        JournalError
            It cannot be: the logs stay, and lose nothing.
        """
        self.add(())
        while (thread := self._thread) is not None:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while True:
            failure = self._seal(self._waiting[0])
            if failure is not None and self._failure is None:
                self._report(str(failure))
            with self._lock:
                self._failure = failure
                if failure is None:
                    self._waiting.popleft()
                if failure is not None or not self._waiting:
                    self._thread = None
                    return

    def _seal(self, log: Segment) -> JournalError | None:
        try:
            seal(self._root, log)
        except JournalError as err:
            return err
        except (OSError, pa.ArrowException) as err:
            what = f"cannot be sealed to Parquet: {getattr(err, 'strerror', None) or err}"
            return JournalError(what, path=log.path, hint="it is kept as it is and tried again")
        return None
