"""All mends, in the order in which they are applied."""

from local.emulator import (
    api_authorization,
    api_events,
    event_conditions,
    function_pool,
    gateway_responses,
    inert_types,
    invoke_permissions,
    leading_keys,
    object_lock,
    pipe_delivery,
    pipe_types,
    principal_arn,
    rule_log_target,
    secret_conditions,
    secret_rotation,
    secret_versions,
    secure_transport,
    state_machine_role,
    stream_persistence,
    table_properties,
    waf_custom_bodies,
    waf_enforcement,
    waf_resources,
    waf_types,
)
from local.emulator.settings import EmulatorSettings

MENDS = (
    api_authorization,
    api_events,
    event_conditions,
    gateway_responses,
    inert_types,
    invoke_permissions,
    leading_keys,
    object_lock,
    pipe_delivery,
    pipe_types,
    principal_arn,
    rule_log_target,
    secret_conditions,
    secret_rotation,
    secret_versions,
    secure_transport,
    state_machine_role,
    stream_persistence,
    table_properties,
    waf_custom_bodies,
    waf_enforcement,
    waf_resources,
    waf_types,
)


def mend_all(settings: EmulatorSettings) -> function_pool.Pools:
    """Apply every mend once; the pools of functions are the caller's to stop."""
    for gap in MENDS:
        gap.mend()
    return function_pool.mend(settings.state / "functions", settings.logs / "functions")
