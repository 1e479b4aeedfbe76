"""Rebuilds the states of subjects from the log: after an erasure, so that no state keeps what the log has lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from nostro.engine.deciding import load_subjects
from nostro.engine.transition import NOT_AS_SEEN
from nostro.model.base import confidential_fields
from nostro.model.facts import split_fields
from nostro.model.failures import POISON, ReleaseTooOld, SealBroken
from nostro.model.ids import Subject
from nostro.processes.kit.decision import State
from nostro.processes.kit.process import PASSED, STALE, UNEXPECTED, Process
from nostro.store.blobs import open_fact
from nostro.store.database import Database, Statements, Transaction
from nostro.store.keys import DataKey, Keys
from nostro.store.log import FactRow

SQL = Statements("engine")
UNCHANGED = (STALE, PASSED, UNEXPECTED, NOT_AS_SEEN)
logger = structlog.get_logger("nostro.rebuild")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many states were written, and the subjects whose state stays as it was: it keeps what it knew."""

    states: int
    left: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Folds `evolve` over a subject's facts again. Lifecycle, revision and deadlines stay as they are."""

    database: Database
    keys: Keys
    processes: Mapping[str, Process]

    async def run(self, subjects: Iterable[Subject]) -> Rebuilt:
        """Each in its own database transaction, its row locked before its log is read.

        One that can't be rebuilt, as a fact of it was changed where it is stored or is gone, or this release lacks its
        version, keeps no other from it. Raises as `Database.done`.
        """
        states, left = 0, list[Subject]()
        for subject in subjects:
            try:
                states += await self.database.done(partial(self._one, subject=subject))
            except (*POISON, ReleaseTooOld) as error:
                logger.warning("state_not_rebuilt", subject=str(subject), failure=type(error).__name__)
                left.append(subject)
        return Rebuilt(states, tuple(left))

    async def _one(self, tx: Transaction, subject: Subject) -> int:
        place = {"shard": subject.shard, "process": subject.process, "subject": subject.id}
        held = (await load_subjects(tx, self.keys, self.processes, [subject])).get(subject)
        rows = [FactRow._make(row) for row in await tx.rows(SQL.history, **place)]
        process = self.processes.get(subject.process)
        if held is not None and (held.lacks or held.unreadable):
            message = f"The state of {subject} can't be understood by this release."
            raise ReleaseTooOld(message)
        if held is None or process is None:
            return 0
        if [row.revision for row in rows] != list(range(1, held.instance.revision + 1)):
            message = f"Facts of {subject} are gone: what is left of them would make another state."
            raise SealBroken(message)
        known = await self.keys.load(tx, {row.data_key for row in rows if row.data_key is not None})
        version = process.version(held.instance.version)
        state, living = version.initial, None  # the newest data key that was not destroyed
        for row in rows:
            if (row.state_before, row.type) in version.machine.edges and not row.rule.startswith(UNCHANGED):
                state = version.evolve(state, open_fact(self.keys, row, known))
            if row.data_key is not None and (key := known[row.data_key]):
                living = key
        clear, sealed = self._stored(subject, state, living)
        return await tx.run(SQL.rewrite_state, body=clear, sealed=sealed, data_key=living and living.id, **place)

    def _stored(self, subject: Subject, state: State, living: DataKey | None) -> tuple[bytes, bytes | None]:
        clear, secret = split_fields(state, confidential_fields(type(state)))
        if secret is None or living is None:
            return clear, None
        return clear, self.keys.seal(living, secret, f"subject:{subject}".encode())
