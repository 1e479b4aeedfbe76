"""Policy as pure functions: posting, approvals, limits, segregation of duties, retention, contracts.

Way in: each policy's decision function, facts and rules in, a value with its reason out.
May not be here: input and output; a rule that reads clock or chance.
"""
