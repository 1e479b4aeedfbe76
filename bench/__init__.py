"""What we claim about speed, measured beside what others do, in one run on one PostgreSQL.

Way in: `nostro bench NAME`, which calls `bench.run.run`.
May not be here: a figure that fails a test; a rival at anything but the best of its stated sweep.
"""
