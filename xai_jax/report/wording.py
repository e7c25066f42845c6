"""Numbers and classes as people read them."""

import math

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"


def signed(value: float) -> str:
    """``+1.60`` or ``−0.25``; "not a number" for NaN and infinity."""
    if not math.isfinite(value):
        return "not a number"
    text = f"{abs(value):.2f}"
    return text if float(text) == 0 else ("+" if value > 0 else MINUS) + text


def probability(log_odds: float) -> str:
    """The probability with these log-odds (nats), one decimal; never rounded to certainty."""
    if not math.isfinite(log_odds):
        return "?"
    share = 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0
    if share < 0.0005:
        return f"<{SPACE}0.1{SPACE}%"
    if share >= 0.9995:
        return f">{SPACE}99.9{SPACE}%"
    return f"{100 * share:.1f}{SPACE}%"


def percent(share: float) -> str:
    """``0.0225`` -> ``2.25 %``, without trailing zeros."""
    return f"{100 * share:.4g}{SPACE}%"


def raw(value: float) -> str:
    """A map's own value, three digits."""
    return f"{value:.3g}".replace("-", MINUS)


def class_name(index: int | None, name: str) -> str:
    """The name of a class, or its number where it has none."""
    return name if name else f"class{SPACE}{index}"
