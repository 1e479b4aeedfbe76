"""The first version of the statement series: an instance keeps the version that it began with."""
