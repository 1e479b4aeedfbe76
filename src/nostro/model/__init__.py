"""The vocabulary: money, ids, parties, bank movements, facts, intents, calls and failures.

Way in: `model.facts` (what is held true), `model.intents` (what is wanted), `model.calls` (how it is said outside).
Pure: no clock, network, database, chance, environment or file may appear here; time and ids come as arguments.
"""
