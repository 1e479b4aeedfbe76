"""The payload of a Swiss QR-bill: what its QR code holds.

Way in: `read_qr_bills`, bytes in, bills and located rejects out; `write_qr_bill`, a bill in, bytes out.
May not be here: drawing and scanning of codes, input and output of any kind.
"""

from nostro.formats.qr_bill.bill import QrBill
from nostro.formats.qr_bill.read import read_qr_bills
from nostro.formats.qr_bill.write import write_qr_bill

__all__ = ["QrBill", "read_qr_bills", "write_qr_bill"]
