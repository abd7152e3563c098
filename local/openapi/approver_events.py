"""The `data` of events that tell of approvers."""

from local.openapi.key_events import Change
from portcullis.domain.operator_requests import Label


class ApproverChange(Change):
    """What every change of an approver tells."""

    approver_id: str
    name: Label
    identity: str


class ApproverBootstrapped(ApproverChange):
    """The very first approver was enrolled, by nobody else. Make sure that it was you."""

    sponsor: None


class ApproverEnrolled(ApproverChange):
    """An approver was enrolled, by the code of `sponsor`."""

    sponsor: str


class ApproverDeviceShown(ApproverChange):
    """The secret of an approver's device was shown to its identity."""


class ApproverConfirmed(ApproverChange):
    """The device has given a right code: the approver is active."""


class ApproverRevoked(ApproverChange):
    """An approver was ended, by the code of `sponsor`."""

    sponsor: str


class ApproverLocked(ApproverChange):
    """Wrong codes have locked an approver for a while. Somebody may be guessing."""
