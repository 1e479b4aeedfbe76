"""The first version of the payout: an instance keeps the version that it began with."""
