-- phase: after the new code
-- Only the last release asked for these.
drop index command_open_correlation;
drop index command_open_order;
drop index fact_cause;
drop index fact_receipt;
drop index deadline_due;
