"""URLs that the broker may be asked to call."""

from __future__ import annotations

from urllib.parse import urlsplit

_MAX_URL = 2048


def url_problem(text: str) -> str:
    """Why a text is no URL to call; '' when it is one. Which address is behind it shows when it is called."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return "this is no URL"
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        return "a URL to call begins with https:// and names a host"
    if len(text) > _MAX_URL:
        return f"a URL has at most {_MAX_URL} characters"
    if any(character <= " " or character in '\\"<>^`{|}\x7f' for character in text):
        return "a URL has no spaces and no control characters; encode them"
    if parts.username is not None or parts.password is not None:
        return "a name and password in a URL would be shown with it: keep them in a secret"
    if parts.fragment:
        return "what stands behind # is not sent"
    return ""


def show_host(text: str) -> str:
    """What may be said of a URL wherever something is said of it: no path, as that may be the secret."""
    try:
        return urlsplit(text).hostname or "no host"
    except ValueError:
        return "no host"
