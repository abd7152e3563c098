"""The root of the agents' secrets: its generations, and the move to the next."""

from typing import Any

from functions.operator_api.request import actor_of, stores
from portcullis.aws import approvers, generations, key_census
from portcullis.aws.generations import Current
from portcullis.aws.proxy import Answer, json_answer, json_body
from portcullis.domain import times
from portcullis.domain.approvers import generation_of, lapsed
from portcullis.domain.generations import obstacle
from portcullis.domain.key_requests import NewGeneration


def _get_root(event: dict[str, Any]) -> Answer:
    table, known = stores().table, stores().roots.generations
    return json_answer(200, _described(generations.read(table, known), actor_of(event).now))


def _advance(event: dict[str, Any]) -> Answer:
    wanted, actor = json_body(event, NewGeneration).generation, actor_of(event)
    current = generations.advance(stores().table, actor, stores().roots.generations, wanted)
    return json_answer(200, _described(current, actor.now))


def _described(current: Current, now: int) -> dict[str, Any]:
    census = key_census.last(stores().table)
    people = [each for each in approvers.read_all(stores().table) if each.state != "revoked" and not lapsed(each, now)]
    enrolled = [generation_of(each.id) for each in people]
    return {
        "current": current.generation,
        "advanced_at": _text(current.advanced_at),
        "counted_at": _text(census.started_at if census else None),
        "generations": [
            {
                "generation": each,
                "keys": census.keys.get(each, 0) if census else None,
                "approvers": enrolled.count(each),
                "obstacle": obstacle(each, current.generation, current.advanced_at, enrolled.count(each), census),
            }
            for each in stores().roots.generations
        ],
    }


def _text(micros: int | None) -> str | None:
    return None if micros is None else times.rfc3339(micros)


ROUTES = {
    ("GET", "/v1/root"): _get_root,
    ("POST", "/v1/root/generation"): _advance,
}
