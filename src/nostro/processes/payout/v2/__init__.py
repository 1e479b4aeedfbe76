"""The second version: as the first one, and its cases about bookings say the amount. See PROCESS.md."""
