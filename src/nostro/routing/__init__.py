"""Route: facts find the subjects that they concern, and become arrivals on their queues.

Way in: `route.route`, inside the database transaction of whoever has the facts: a reading (`ingress`) or a decision
(`engine`). What is not known yet is parked; joining it again is a loop of the engine. No sockets, no decisions.
"""
