"""Portcullis: a serverless security gateway for AI agents that move value."""
