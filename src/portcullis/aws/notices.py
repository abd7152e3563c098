"""The topic through which people hear of what concerns them."""

from urllib.parse import urlencode

from portcullis.aws.wire import Service
from portcullis.domain.notices import Notice

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


class Topic:
    """An SNS topic. Publishing twice tells twice: subscribers drop repeats by the attribute ``id``."""

    def __init__(self, arn: str, service: Service) -> None:
        self._arn = arn
        self._service = service

    def publish(self, id_: str, notice: Notice) -> None:
        """With the attributes that subscriptions can filter by. Raises Unavailable and AwsError."""
        attributes = {
            "id": ("String", id_),
            "type": ("String", notice.type),
            "severity": ("Number", str(notice.severity)),
        }
        form = {
            "Action": "Publish",
            "Version": "2010-03-31",
            "TopicArn": self._arn,
            "Subject": notice.subject,
            "Message": notice.text,
        }
        for place, (name, (kind, value)) in enumerate(attributes.items(), 1):
            entry = f"MessageAttributes.entry.{place}"
            form |= {f"{entry}.Name": name, f"{entry}.Value.DataType": kind, f"{entry}.Value.StringValue": value}
        self._service.request("POST", "/", FORM, urlencode(form).encode())
