"""The demo: two days of business against the sandbox, for a plain script and for Nostro, and what each made of them.

Way in: `play.play`, `observe.observe`.
May not be here: what the product itself needs; nothing outside this folder may import it but the command line.
"""
