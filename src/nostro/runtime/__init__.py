"""The composition root: settings, wiring, workers, command line, demo.

Way in: `cli.main`.
May not be here: rules and decisions; what is only wiring stays wiring.
"""
