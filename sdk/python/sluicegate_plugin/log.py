"""Lines of the gateway's log. They are bounded in length and number. Never write text of an exchange.

In a component `print` writes there too, as `info`.
"""

from ._host import host


def debug(message: str) -> None:
    """Write a line that only those want who look for a mistake."""
    host().log("debug", message)


def info(message: str) -> None:
    """Write a line."""
    host().log("info", message)


def warn(message: str) -> None:
    """Write a line about something that is not as it should be."""
    host().log("warn", message)


def error(message: str) -> None:
    """Write a line about something that failed."""
    host().log("error", message)
