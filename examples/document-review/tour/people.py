"""The people of the tour, and their browsers. Here the tour plays both: in earnest, `holdfast login`
opens a person's own browser at the identity provider that the blueprint names."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from http.cookiejar import CookieJar
from typing import Any, Final
from urllib.parse import urlencode

from tour.office import Office
from tour.parts import DemoError

BROWSER_S: Final = 30.0
LOGIN_S: Final = 60.0


def log_in(office: Office, subject: str) -> dict[str, Any]:
    """`holdfast login`, with a browser in which ``subject`` signs in; who the person is then."""
    command = office.command("login", "--no-browser", "--json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as login:
        assert login.stdout is not None
        _sign_in(json.loads(login.stdout.readline())["open"], subject)
        last = login.communicate(timeout=LOGIN_S)[0].splitlines()[-1]
    answer = json.loads(last)
    if "error" in answer:
        raise DemoError(f"holdfast login: {answer['error']['what']}")
    return answer["person"]


def _sign_in(address: str, subject: str) -> None:
    """Opens the address, which leads to the provider; signs in there; is led back."""
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
    with browser.open(address, timeout=BROWSER_S) as form:
        provider = form.url
    with browser.open(provider, urlencode({"sub": subject}).encode(), BROWSER_S) as back:
        back.read()
