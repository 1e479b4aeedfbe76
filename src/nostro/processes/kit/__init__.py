"""What processes are made of: the machine's table, the decision, and the checks made at import.

Way in: the machine type; it refuses a table with a hole.
May not be here: anything of one process; input and output.
"""
