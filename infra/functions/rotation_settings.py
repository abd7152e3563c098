"""What the functions that know of key classes are told of them."""

from infra.stages import Stage


def rotation_settings(stage: Stage) -> dict[str, str]:
    """Days by class, the overlap, and the class of a key for which none is asked."""
    return {
        "ROTATION_DAYS": " ".join(f"{name}={days}" for name, days in stage.rotation_days.items()),
        "OVERLAP_HOURS": str(stage.overlap_hours),
        "KEY_CLASS": stage.key_class,
    }
