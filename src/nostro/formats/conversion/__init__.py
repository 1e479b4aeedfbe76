"""What was read as a file of another format: the writers, given what a reader yields.

Way in: `writing.py` above, which names them and says aloud what was lost.
May not be here: formats themselves; input and output of any kind.
"""
