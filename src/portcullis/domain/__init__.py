"""Decisions, policy, limits, money. Pure: no AWS, no clock, no environment, no logging."""
