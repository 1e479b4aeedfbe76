"""A movement on a bank account that may have left the landscape since."""

from __future__ import annotations

from nostro.model.intents import BookStatementLine
from nostro.model.unchanging import unchanging
from nostro.processes.bank_movement.v1.effects import Scene


@unchanging(frozen=True, slots=True)
class SceneV4(Scene):
    """As ever; but where the landscape no longer knows the bank account, nothing is booked and no statement awaited."""

    @property
    def known(self) -> bool:
        """Whether the landscape knows our bank account that it moved on."""
        return self.entity.bank_account(self.data.account) is not None

    @property
    def awaits_statement(self) -> bool:
        """Whether a statement has to list it."""
        return self.known and bool(self.house_account.statement_expected_by)

    @property
    def still(self) -> bool:
        """Whether nothing is to be booked: no money moved, or the rules keep it out of the books."""
        return not self.data.total or not self.known or not self.posting.posts

    @property
    def leaves(self) -> bool:
        """Whether a statement line that is asked for leaves without a person. What nothing does leaves not at all."""
        operation = BookStatementLine.operation
        try:
            service = self.rules.serves(self.entity.id, operation)
        except LookupError:
            return False
        return self.rules.mode(service.connection, operation, self.entity.id) == "act"
