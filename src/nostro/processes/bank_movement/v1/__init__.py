"""The first version of the bank movement: an instance keeps the version that it began with."""
