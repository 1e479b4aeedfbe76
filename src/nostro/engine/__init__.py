"""The loops: route, decide, dispatch, deadlines, checkpoints; replay.

Way in: each loop is `step(now) -> work done`.
May not be here: sockets; the machine's clock (Now is handed in); rules of one process.
"""
