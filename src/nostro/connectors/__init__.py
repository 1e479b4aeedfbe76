"""One folder per outside system, each pure: manifest, wire shapes, readers, exchanges, webhook verification.

Way in: `registry.py`, the explicit list.
May not be here: sockets, one connector importing another, knowledge of processes.
"""
