"""What the functions that agents call are told of where countries come from."""

from infra.stages import Stage


def country_setting(stage: Stage) -> dict[str, str]:
    """The header that tells a request's country, where the stage trusts one."""
    return {"COUNTRY_HEADER": stage.country_header} if stage.country_header else {}
