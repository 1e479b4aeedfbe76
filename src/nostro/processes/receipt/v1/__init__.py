"""The first version of the receipt: an instance keeps the version that it began with."""
