-- phase: after the new code
-- Only the last release asked for it.
drop index dispatch_due;
