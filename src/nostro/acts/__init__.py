"""What a person or partner may do: policy, four eyes, then a receipt.

Way in: `Desk.submit`, used by gateway, console and CLI alike; `identity` says who sits at the terminal.
May not be here: effects (an act is a receipt like any other); a surface of its own.
"""
