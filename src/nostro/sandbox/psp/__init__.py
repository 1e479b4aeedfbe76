"""A payment service provider in the shape of Stripe: the part of its API that a finance reader needs, with own books.

Way in: `Psp` (requests, acts of the world, ticks, signed webhooks).
May not be here: sockets, files, the machine's clock, and anything that the house uses to read Stripe.
"""

from nostro.sandbox.psp.system import Psp, PspSettings, Wire

__all__ = ["Psp", "PspSettings", "Wire"]
