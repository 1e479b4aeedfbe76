"""Matching, pure and set-based.

Way in: functions from open items and movements to matches and candidates.
May not be here: input and output; a match that takes one amount twice.
"""
