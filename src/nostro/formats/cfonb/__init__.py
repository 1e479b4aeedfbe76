"""Files of French banks (CFONB): statements of 120 characters, returned operations of 240, orders of 160."""
