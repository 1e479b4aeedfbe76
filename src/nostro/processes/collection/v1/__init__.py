"""The first version of the collection: an instance keeps the version that it began with."""
