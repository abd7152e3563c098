"""Acknowledged findings of the AwsSolutions rules: one finding, on one construct, with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept what ``rule`` ("DDB3") finds on ``construct`` and on what is inside it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))
