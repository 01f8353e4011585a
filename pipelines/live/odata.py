"""OData: entities of a service, V2 or V4, page by page, with retries and without a word about credentials.

Talking to a server belongs here: versions, pages, retries, values in one form. What is asked for does not (s4.py).
Source: OData 2.0 JSON verbose format, OData 4.01 JSON format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pipelines.live.errors import LiveError

__all__ = ["Credentials", "ODataService"]

_RETRIES = Retry(total=5, backoff_factor=1.0, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=("GET",), raise_on_status=False)
"""Waits 0, 2, 4, 8, 16 seconds between tries, or as long as the server asks for."""
_TIMEOUT = (10, 180)
"""Seconds until a connection stands, and until an answer comes."""
_V2_DATE = re.compile(r"^/Date\((-?\d+)(?:[+-]\d+)?\)/$")
_V2_TIME = re.compile(r"^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Credentials = tuple[str, str] | str | None
"""User and password, or a bearer token, or nothing."""


class ODataService:
    """One service at its address; `version` is 2 or 4, as the service's own metadata tells."""

    def __init__(self, address: str, credentials: Credentials = None) -> None:
        """Ask for the metadata. Raises LiveError where there is no OData service."""
        self.address = address.rstrip("/") + "/"
        self.host = urlsplit(self.address).hostname or "?"
        self.name = self.address.rstrip("/").rpartition("/")[2]
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(max_retries=_RETRIES))
        self._session.mount("https://", HTTPAdapter(max_retries=_RETRIES))
        if isinstance(credentials, str):
            self._session.headers["Authorization"] = f"Bearer {credentials}"
        elif credentials:
            self._session.auth = credentials
        metadata = self._get(urljoin(self.address, "$metadata"), {}, accept="application/xml").text
        version = re.search(r"<edmx:Edmx[^>]*Version=\"(\d)", metadata)
        if version is None:
            raise LiveError(f"{self.name} on {self.host} answers, but is no OData service: check the address in SERIALAKE_S4_URL.")
        self.version = 4 if version[1] == "4" else 2

    def entities(
        self, name: str, *, expand: Mapping[str, Any] | None = None, where: str = "", order: str = "", top: int = 0
    ) -> Iterator[dict]:
        """Entities of a set, with those that hang below them as lists; pages are followed as the server gives them.

        `expand` maps navigation properties to what is expanded below each. Raises LiveError.
        """
        options = {"$filter": where, "$orderby": order, "$top": str(top or ""), "$expand": self._expand(expand or {})}
        parameters = {key: value for key, value in options.items() if value}
        if self.version == 2:
            parameters["$format"] = "json"
        link: str | None = urljoin(self.address, name)
        while link:
            answer = self._json(self._get(link, parameters))
            page = answer.get("d", answer)
            yield from (_plain(entity) for entity in (page if isinstance(page, list) else page.get("value", page.get("results", []))))
            following = None if isinstance(page, list) else answer.get("@odata.nextLink") or page.get("__next")
            link, parameters = self._same_host(urljoin(self.address, following)) if following else None, {}

    def day(self, day: date) -> str:
        """A day as a filter of this service compares with."""
        return day.isoformat() if self.version == 4 else f"datetime'{day.isoformat()}T00:00:00'"

    def _expand(self, expand: Mapping[str, Any], path: str = "") -> str:
        if self.version == 4:
            return ",".join(f"{name}($expand={self._expand(inner)})" if inner else name for name, inner in expand.items())
        paths = []
        for name, inner in expand.items():
            paths += [f"{path}{name}", *([self._expand(inner, f"{path}{name}/")] if inner else [])]
        return ",".join(paths)

    def _same_host(self, link: str) -> str:
        """The link, unless it leads elsewhere: credentials go to one server alone."""
        if urlsplit(link)[:2] != urlsplit(self.address)[:2]:
            raise LiveError(f"{self.name} on {self.host} names a next page on another server, which was not followed.")
        return link

    def _get(self, link: str, parameters: Mapping[str, str], *, accept: str = "application/json") -> requests.Response:
        # A blank as + is no blank to every server.
        query = urlencode(parameters, quote_via=quote, safe="$,()/='")
        try:
            answer = self._session.get(link, params=query, headers={"Accept": accept}, timeout=_TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            problem = f"{self.name} on {self.host} cannot be reached ({type(error).__name__})"
            raise LiveError(f"{problem}: is it running, and is SERIALAKE_S4_URL its address?", may_pass=True) from None
        if answer.status_code == 200:
            return answer
        if answer.status_code in (401, 403):
            problem = f"{self.name} on {self.host} refuses access ({answer.status_code})"
            raise LiveError(f"{problem}: check SERIALAKE_S4_USER and SERIALAKE_S4_PASSWORD, or SERIALAKE_S4_TOKEN, and the user's rights.")
        raise LiveError(
            f"{self.name} on {self.host} answers {urlsplit(link).path.rpartition('/')[2]} with status {answer.status_code}.",
            may_pass=answer.status_code >= 429,
        )

    def _json(self, answer: requests.Response) -> dict[str, Any]:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise LiveError(f"{self.name} on {self.host} answers with what is no JSON object.", may_pass=True)
        return found


def _plain(entity: Mapping[str, Any]) -> dict[str, Any]:
    """An entity with its values in one form: days as yyyy-mm-dd, times as HHMMSS, what hangs below it as lists."""
    return {name: _value(value) for name, value in entity.items() if not name.startswith(("@", "__"))}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        inner = value.get("results")
        return [_plain(each) for each in inner] if isinstance(inner, list) else None
    if isinstance(value, list):
        return [_plain(each) if isinstance(each, dict) else each for each in value]
    if isinstance(value, bool):
        return "X" if value else ""
    return _text(value) if isinstance(value, str) else None if value is None else str(value)


def _text(value: str) -> str:
    if match := _V2_DATE.match(value):
        return (_EPOCH + timedelta(milliseconds=int(match[1]))).date().isoformat()
    if (match := _V2_TIME.match(value)) and value != "PT":
        return "".join(f"{int(part or 0):02}" for part in match.groups())
    return value.replace(":", "") if re.fullmatch(r"\d{2}:\d{2}:\d{2}", value) else value
