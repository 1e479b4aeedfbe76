"""Each guarantee broken on purpose, and the tests that have to notice.

A mutant replaces one piece of the source, which has to stand there exactly once. `tests/mutants/run.py` runs its tests
against the broken copy: at least one has to fail. `make mutants` prints the table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """`breaks`: what is broken, in words. `guarantee`: the number in design section 2, 0 for what holds them up."""

    name: str
    guarantee: int
    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


GATEWAY = "tests/integration/test_gateway.py"
READING = "tests/integration/test_reading.py"
DISPATCH = "tests/integration/test_dispatch.py"
ENGINE = "tests/integration/test_engine.py"
RECEIPTS = "tests/integration/test_receipts.py"
AUDIT = "tests/integration/test_audit.py"
SHELL = "tests/unit/test_shell.py"
EXCHANGES = "tests/conformance/test_exchanges.py"
STORIES = "tests/property/test_money_stories.py"
RIGHTS = "tests/unit/test_governance_rights.py"
ACTS = "tests/integration/test_acts.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "answered_before_kept",
        1,
        "The door answers 200 although the database refused the receipt.",
        "gateway/webhooks.py",
        "        except DatabaseUnavailable as failure:\n"
        "            response = problem(503, failure.sentence, retry_after_seconds=AGAIN_SECONDS)\n",
        "        except DatabaseUnavailable:\n            response = JSONResponse({})\n",
        (f"{GATEWAY}::test_without_its_database_the_door_says_503_and_takes_in_again_when_it_is_back",),
    ),
    Mutant(
        "parts_not_bound_to_their_place",
        1,
        "A part of a large receipt opens at another part's place.",
        "store/receipts.py",
        "keys.seal(key, piece, _bound_to(receipt_id, count))",
        "keys.seal(key, piece, _bound_to(receipt_id, 1))",
        (
            f"{RECEIPTS}::test_what_is_loaded_is_what_was_kept",
            f"{RECEIPTS}::test_nothing_of_a_receipt_stands_in_clear_and_a_moved_part_does_not_open",
        ),
    ),
    Mutant(
        "deduplication_off",
        2,
        "A fact that was told before is routed again.",
        "routing/route.py",
        "return sorted(names[name] for name in new)",
        "return sorted(names.values())",
        (f"{ENGINE}::test_a_fact_is_decided_once_however_often_it_is_told",),
    ),
    Mutant(
        "receipts_do_not_collapse",
        2,
        "The same event, delivered twice, is kept twice.",
        "store/receipts.py",
        "if told is None:\n        await append",
        "if told is None or told == content:\n        await append",
        (f"{RECEIPTS}::test_an_event_told_again_is_the_same_receipt_and_waits_once_to_be_read",),
    ),
    Mutant(
        "key_not_sent",
        2,
        "The idempotency key stays at home.",
        "connectors/stripe/exchange.py",
        'ready(lambda _: Act(Message("/v1/refunds", body), key))',
        'ready(lambda _: Act(Message("/v1/refunds", body), ""))',
        (f"{EXCHANGES}::test_every_effect_is_there_once_and_the_outcome_says_so",),
    ),
    Mutant(
        "unanswered_means_failed",
        2,
        "A call without a reply is taken for one that never left, and is sent again without a look-up.",
        "egress/drive.py",
        "at, content, failure = self.now, None, FailureKind.AMBIGUOUS",
        "at, content, failure = self.now, None, FailureKind.UNAVAILABLE",
        (f"{SHELL}::test_a_crash_at_any_point_beside_any_fault_ends_in_one_effect",),
    ),
    Mutant(
        "absence_believed_at_once",
        2,
        '"Not found" counts before the other side\'s effect can have appeared.',
        "model/calls.py",
        "return self.absence_proven_at is not None and self.at >= self.absence_proven_at",
        "return True",
        (f"{SHELL}::test_an_effect_that_appears_two_minutes_after_the_cut_is_found_and_not_made_again",),
    ),
    Mutant(
        "journal_after_the_bytes",
        2,
        "An Act's start is journaled when its reply is there.",
        "egress/shell.py",
        "        await self.journal.start(self.job.shard, self.job.id, send.n, send.digest, started)\n"
        "        stored = await self._written(send, request, started) if request is not None else None\n",
        "        stored = await self._written(send, request, started) if request is not None else None\n"
        "        await self.journal.start(self.job.shard, self.job.id, send.n, send.digest, started)\n",
        (f"{SHELL}::test_a_crash_at_any_point_beside_any_fault_ends_in_one_effect",),
    ),
    Mutant(
        "late_write",
        2,
        "A zombie's bytes leave long after their deadline.",
        "egress/shell.py",
        "now.machine >= started.machine + timedelta(seconds=WRITE_SECONDS)",
        "now.machine >= started.machine + timedelta(days=WRITE_SECONDS)",
        (f"{SHELL}::test_an_act_whose_moment_has_passed_before_the_write_does_not_leave",),
    ),
    Mutant(
        "no_look_up_after_a_restore",
        2,
        "After a restore commands are sent as if nothing had been done before.",
        "egress/drive.py",
        "presumed = self.dialogue.look_up_first and not self.journal",
        "presumed = False",
        (f"{SHELL}::test_after_a_restore_what_was_done_before_is_found",),
    ),
    Mutant(
        "same_key_other_content",
        2,
        "A step that is decided again with another content is taken for a replay.",
        "engine/write.py",
        "if row.content != command.content:",
        "if row.content == b'' != command.content:",
        (ENGINE,),
    ),
    Mutant(
        "slot_fence_off",
        2,
        "Whoever lost a slot goes on writing.",
        "egress/journal.py",
        'raise LostRace(f"Another worker holds slot {slot.number} of {slot.connection} by now.")',
        "return",
        (
            f"{DISPATCH}::test_a_zombie_that_wakes_after_its_lease_sends_nothing_and_writes_nothing",
            f"{DISPATCH}::test_a_refused_write_fails_alone_and_a_lost_slot_writes_nothing",
        ),
    ),
    Mutant(
        "shard_fence_off",
        3,
        "Whoever lost a shard goes on appending to its log.",
        "store/sql/engine.sql",
        "where s.shard = a.shard and s.token = a.token and s.position = a.expected",
        "where s.shard = a.shard",
        (f"{ENGINE}::test_a_zombie_that_wakes_after_its_lease_writes_nothing",),
    ),
    Mutant(
        "order_of_arrival_broken",
        3,
        "The newest arrival is decided first.",
        "store/sql/engine.sql",
        "order by at, item, key limit %(limit)s;",
        "order by at desc, item desc, key limit %(limit)s;",
        (ENGINE,),
    ),
    Mutant(
        "old_news_believed",
        3,
        "News that is older, by its sender's own order, than what was absorbed changes the subject.",
        "processes/kit/process.py",
        'if stream and order < instance.absorbed.get(stream, ""):',
        'if stream and order < "":',
        (f"{STORIES}::test_news_that_is_older_by_its_senders_order_changes_nothing",),
    ),
    Mutant(
        "commands_overtake",
        3,
        "A command leaves while an older one of its ordering key is open.",
        "store/sql/dispatch.sql",
        "and (e.position, e.n) < (o.position, o.n))",
        "and (e.position, e.n) < (0, 0))",
        (f"{DISPATCH}::test_of_an_ordering_key_only_the_oldest_open_command_leaves",),
    ),
    Mutant(
        "rejects_not_counted",
        4,
        "What could not be read leaves no trace in the item equation.",
        "ingress/tally.py",
        '                self._count("rejected", item)\n',
        "",
        (f"{READING}::test_items_are_read_duplicate_ignored_or_rejected_and_add_up_by_count_and_amount",),
    ),
    Mutant(
        "poison_spreads",
        4,
        "A decision that throws takes its batch along.",
        "engine/deciding.py",
        'self._poison(row, arrival, f"{type(error).__name__} while {arrival.type} was decided.")\n            return',
        "raise",
        (f"{ENGINE}::test_a_decision_that_throws_parks_its_subject_and_nothing_else",),
    ),
    Mutant(
        "poison_not_kept",
        4,
        "What arrives for a poisoned subject is dropped.",
        "engine/deciding.py",
        " CaseClosed.fact_type:\n            self.batch.poisoned.append(arrival)\n",
        " CaseClosed.fact_type:\n",
        (f"{ENGINE}::test_closing_a_poisoned_subjects_case_lets_it_try_again_in_order",),
    ),
    Mutant(
        "posting_without_a_policy",
        5,
        "Where no row of the policy speaks, something is posted.",
        "governance/answers.py",
        'DENIED = PostingRule("no row", posts=False, account="none")',
        'DENIED = PostingRule("no row", posts=True, account="suspense")',
        ("tests/unit/test_governance_tables.py::test_where_no_row_speaks_nothing_is_posted",),
    ),
    Mutant(
        "posting_before_settlement",
        5,
        "The starting policy books a bank transfer that is only pending.",
        "landscape/starting/rules/posting.json",
        '"state": "\\"booked\\", \\"credited\\""',
        '"state": "\\"pending\\", \\"booked\\", \\"credited\\""',
        ("tests/unit/test_governance_tables.py",),
    ),
    Mutant(
        "money_without_a_home",
        6,
        "What was captured does not enter the transit ledger.",
        "processes/kit/following.py",
        "return tuple(Posting(*move) for move in changes(before, after))",
        "return ()",
        (f"{STORIES}::test_whatever_happens_every_amount_is_held_by_somebody_and_none_is_used_twice",),
    ),
    Mutant(
        "inexact_money",
        6,
        "Digits are lost where an amount becomes money.",
        "model/money.py",
        "if whole != scaled and rounding is None:",
        "if whole != scaled and rounding == '':",
        ("tests/unit/test_model_money.py",),
    ),
    Mutant(
        "proposer_approves",
        7,
        "Who proposed may approve.",
        "governance/rights.py",
        'FOUR_EYES = frozenset({"approve", "confirm"})',
        "FOUR_EYES = frozenset[str]()",
        (f"{RIGHTS}::test_who_proposed_cannot_approve_and_neither_can_his_deputy",),
    ),
    Mutant(
        "limit_not_weighed",
        7,
        "A right bears any amount.",
        "governance/rights.py",
        "if amount is None or self.unlimited:",
        "if amount is None or self.role:",
        (f"{RIGHTS}::test_beyond_the_limit_a_right_ends_whatever_the_sign",),
    ),
    Mutant(
        "anybody_is_who_he_says",
        7,
        "A wrong passphrase proves who one is.",
        "acts/identity.py",
        "    except (VerificationError, InvalidHashError):\n        return False\n",
        "    except (VerificationError, InvalidHashError):\n        return True\n",
        (
            "tests/unit/test_acts_identity.py::test_a_passphrase_proves_who_one_is_at_any_login",
            "tests/unit/test_acts_identity.py::test_a_wrong_passphrase_is_refused_slower_each_time_and_then_not_looked_at",
        ),
    ),
    Mutant(
        "acts_without_a_reason",
        7,
        "A person acts and says not why.",
        "acts/submit.py",
        "if not signature.reason.strip():",
        "if signature.reason is None:",
        (f"{ACTS}::test_an_act_without_a_reason_is_refused",),
    ),
    Mutant(
        "decided_under_the_wrong_rules",
        8,
        "Replay decides under the newest bundle whatever was recorded.",
        "engine/replay.py",
        "rules.get(self.under or row.bundle)",
        "next(iter(rules.values()), None)",
        (
            f"{ENGINE}::test_replaying_the_log_decides_everything_again_as_it_was_decided",
            f"{ENGINE}::test_facts_in_the_same_batch_as_an_activation_are_decided_under_it",
        ),
    ),
    Mutant(
        "leaf_without_its_body",
        8,
        "The seal does not cover the fact's body.",
        "store/log.py",
        'for part in (row.position.to_bytes(8, "big"), header, row.body, row.sealed_body or b""):',
        'for part in (row.position.to_bytes(8, "big"), header, b"", row.sealed_body or b""):',
        (f"{AUDIT}::test_a_changed_fact_is_located",),
    ),
    Mutant(
        "chain_broken",
        8,
        "A leaf does not hang on the one before.",
        "store/log.py",
        "    hasher = hashlib.sha256(previous)\n    header",
        '    hasher = hashlib.sha256(b"")\n    header',
        (
            f"{AUDIT}::test_two_facts_that_changed_places_are_located",
            f"{AUDIT}::test_a_deleted_fact_is_located",
            f"{ENGINE}::test_positions_have_no_gaps_and_leaves_chain",
        ),
    ),
    Mutant(
        "anchors_not_asked",
        8,
        "Checkpoints that were cut off together with their facts are not missed.",
        "store/audit.py",
        "if known.get(anchor.number) != anchor.digest:",
        "if known.get(anchor.number, anchor.digest) != anchor.digest:",
        (f"{AUDIT}::test_checkpoints_that_were_cut_off_too_are_found_by_the_anchor",),
    ),
    Mutant(
        "any_key_signs",
        8,
        "A checkpoint signed with another key is trusted.",
        "store/audit.py",
        "flaw = checkpoint.flaw(public)",
        'flaw = ""',
        (f"{AUDIT}::test_a_checkpoint_signed_with_another_key_is_not_trusted",),
    ),
    Mutant(
        "door_never_full",
        9,
        "However much waits, the door takes more.",
        "ingress/limits.py",
        "        if reason:\n            remedy",
        "        if reason and way is None:\n            remedy",
        (f"{GATEWAY}::test_a_full_backlog_is_503_with_retry_after_and_what_was_acknowledged_before_is_kept",),
    ),
    Mutant(
        "bulk_lane_starves",
        9,
        "The bulk lane has no share of the dispatches.",
        "engine/claims.py",
        "            self.credits[number] += SHARES[LANES[number]]",
        "            self.credits[number] += SHARES[LANES[number]] * (number < 2) - (number == 2)",
        (f"{DISPATCH}::test_bulk_does_not_starve_critical_and_critical_does_not_starve_bulk",),
    ),
    Mutant(
        "exchanges_without_end",
        9,
        "An exchange may call for ever.",
        "egress/drive.py",
        "if self._calls > limit or len(self.journal) >= max(ACTS, limit):",
        "if self._calls > limit * 1000:",
        (f"{SHELL}::test_an_exchange_that_never_ends_or_throws_is_held",),
    ),
    Mutant(
        "breaker_never_opens",
        9,
        "A partner that is down is called without pause.",
        "egress/breaker.py",
        "if not self.health.unauthorised and self.health.failures < FAILURES:",
        "if not self.health.unauthorised and self.health.failures < FAILURES * 1000:",
        (f"{DISPATCH}::test_after_failures_in_a_row_the_breaker_opens_and_one_prober_closes_it",),
    ),
    Mutant(
        "signature_not_checked",
        10,
        "Whoever knows the address may tell facts.",
        "connectors/stripe/webhook.py",
        "return any(hmac.compare_digest(mark, ours) for mark in marks for ours in own)",
        "return bool(marks and own)",
        ("tests/unit/test_connector_stripe_webhook.py",),
    ),
    Mutant(
        "stale_signature",
        10,
        "A recorded webhook may be played again for ever.",
        "connectors/stripe/webhook.py",
        "if abs(int(received_at.timestamp()) - signed_at) > config.tolerance_seconds:",
        "if signed_at < 0:",
        ("tests/unit/test_connector_stripe_webhook.py",),
    ),
    Mutant(
        "hints_are_facts",
        10,
        "What an unsigned sender says becomes a fact.",
        "ingress/tally.py",
        "case ReadItem() if item.facts and not signed:",
        "case ReadItem() if item.facts and signed is None:",
        (f"{READING}::test_an_unsigned_sender_tells_no_facts_but_its_hint_brings_the_poll_forward",),
    ),
    Mutant(
        "redaction_off",
        10,
        "Logs hold names and account numbers.",
        "runtime/telemetry.py",
        "    if key.lower() in FORBIDDEN:\n        return REFUSED\n",
        "",
        ("tests/unit/test_telemetry.py",),
    ),
    Mutant(
        "confidential_in_clear",
        10,
        "Confidential fields stand in the clear part of a fact.",
        "model/facts/__init__.py",
        "clear = {name: field for name, field in given.items() if name not in names}",
        "clear = dict(given)",
        ("tests/property/test_model_facts.py::test_the_clear_part_never_holds_a_confidential_field",),
    ),
    Mutant(
        "observe_writes",
        0,
        "An effect in observe leaves.",
        "engine/deciding.py",
        'MODES = {"observe": "would_do",',
        'MODES = {"observe": "ready",',
        (f"{ENGINE}::test_an_intent_becomes_a_command_in_the_mode_of_its_connection",),
    ),
    Mutant(
        "quarantine_ignored",
        0,
        "After a restore everything leaves at once.",
        "egress/journal.py",
        "            if deployment is None or deployment.quarantine:",
        "            if deployment is None:",
        (f"{DISPATCH}::test_nothing_leaves_in_quarantine",),
    ),
)
