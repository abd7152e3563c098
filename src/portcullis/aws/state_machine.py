"""A Step Functions state machine (Standard), which runs what has one name once."""

import json
from collections.abc import Mapping

from portcullis.aws.wire import AwsError, Service


class StateMachine:
    """Starts executions. A name is taken for 90 days, so starting again what was started changes nothing."""

    def __init__(self, states: Service, arn: str) -> None:
        self._states = states
        self._arn = arn

    def start(self, name: str, given: Mapping[str, object]) -> None:
        """Start the execution ``name``, unless it was."""
        request = {"stateMachineArn": self._arn, "name": name, "input": json.dumps(given)}
        try:
            self._states.json_call("AWSStepFunctions.StartExecution", "1.0", request)
        except AwsError as error:
            if error.code != "ExecutionAlreadyExists":
                raise
