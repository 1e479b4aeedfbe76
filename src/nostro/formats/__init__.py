"""Files and payloads to model and back, one folder per family of formats.

Way in: each family's reading function, bytes in, located items and rejects out.
May not be here: input and output of any kind, knowledge of who sent the file.
"""
