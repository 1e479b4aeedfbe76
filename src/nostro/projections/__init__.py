"""Read models: each can be dropped and rebuilt from the log.

Way in: each projection's follower, by (shard, position).
May not be here: decisions; anything that can't be rebuilt.
"""
