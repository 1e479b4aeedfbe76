"""Stand-ins for the outside, with their own books and faults on demand.

Way in: the sandbox process; books under `/books`, scenario under `/world`.
May not be here: anything of Nostro but the model, since the sandbox has to judge the rest.
"""
