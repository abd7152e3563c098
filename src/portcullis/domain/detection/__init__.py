"""Finds the theft and not the customer: what is normal for an agent, and how far a request is from it."""
