"""The connector of docs/learn/act-ask-wait.md: the page shows these files, and the scenarios are played with them.

Moneyback is a made-up payment provider that pays card payments back. It ignores keys, and may commit two minutes later.
"""
