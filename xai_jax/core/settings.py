"""Refusing settings with which nothing sensible can be computed."""

from typing import Any


def check_at_least(config: Any, **least: int | float) -> None:
    """Holds numeric fields of a config to their smallest values, ``field=smallest``.

    Raises:
        ValueError: a field is below; names it and both values.
    """
    for field, smallest in least.items():
        if getattr(config, field) < smallest:
            raise ValueError(f"{field} must be at least {smallest}, not {getattr(config, field)}.")
