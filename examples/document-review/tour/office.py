"""The operator's office: `holdfast` commands, as a person would give them at a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from holdfast.client import Identity, by_command
from tour.parts import HERE, DemoError

T = TypeVar("T")
WAIT_S: Final = 60.0


class Office:
    """Gives commands to one instance; ``keys`` is where the agents of the tour keep theirs."""

    def __init__(self, data: Path, *, gateway: str, keys: Path) -> None:
        self.data = data
        self.gateway = gateway
        self._keys = keys

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "holdfast.cli", *words, "--data", str(self.data), "--json"]

    def tell(self, *words: str) -> Any:
        """A command's answer."""
        answer = self.told(*words)
        if "error" in answer:
            raise DemoError(f"holdfast {' '.join(words)}: {answer['error']['what']}")
        return answer

    def told(self, *words: str) -> Any:
        """A command's answer, which may be an error."""
        done = subprocess.run(self.command(*words), stdout=subprocess.PIPE, check=False)
        return json.loads(done.stdout)

    # -- tools --------------------------------------------------------------------------------

    def offered(self, servers: Iterable[str], *, count: int) -> list[dict[str, Any]]:
        """What the servers describe now, once all of it was seen."""

        def seen() -> list[tuple[str, str]]:
            found = {(t["server"], t["name"]) for t in self.tell("tools", "list")["tools"]}
            return sorted(each for each in found if each[0] in servers)

        names = eventually(seen, count=count, what="the tools' servers were not seen")
        told = together(*(partial(self.tell, "tools", "show", *each) for each in names))
        shown = [each["descriptions"][0] for each in told]
        for each in shown:
            if each["pin"]["state"] == "quarantined":
                raise DemoError(
                    f"'{each['pin']['name']}' is described otherwise than an earlier tour approved "
                    "it; look at it with 'holdfast tools diff', or take another --data"
                )
        return [each["pin"] | {"description": each["descriptor"]["description"]} for each in shown]

    def approve(self, server: str, reason: str) -> None:
        """Everything that the server proposes; after a first tour that is nothing."""
        self.tell("tools", "approve", server, "--all", "--reason", reason)

    # -- agents -------------------------------------------------------------------------------

    def passport(self, agent: str, tools: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
        """A passport as the agent's file says, with the digests of its tools; as it then stands."""
        words = ["passport", "create", agent]
        words += ["--file", str(HERE / "passports" / f"{agent}.yaml")]
        listed = [
            {"server": t["server"], "name": t["name"], "descriptor_sha256": t["digest"]}
            for t in tools
        ]
        if listed:
            file = self._keys / f"{agent}-tools.json"
            file.write_text(json.dumps(listed), encoding="utf-8")
            words += ["--tools", str(file)]
        made = self.told(*words)
        if made.get("error", {}).get("code") == "passport.exists":  # of an earlier tour
            self.tell(*words, "--replace")
        return self.tell("passport", "show", agent)["passport"]

    def identity(self, agent: str) -> Identity:
        """A new key, and the identity that the issuer gives to it; it stands in ``wit_file``."""
        key = self._keys / f"{agent}.pem"
        renew = by_command(*self.command("identity", "issue", agent, "--key", str(key)))
        made = Identity.create(key, gateway=self.gateway, renew=renew)
        assert made.name.endswith(f"/{agent}")
        return made

    def wit_file(self, agent: str) -> Path:
        """The agent's identity, which is no secret."""
        return self._keys / f"{agent}.wit"

    # -- approvals ----------------------------------------------------------------------------

    def waiting(self) -> dict[str, Any]:
        """The call that waits for a person."""

        def asked() -> list[dict[str, Any]]:
            return self.tell("approvals", "list")["approvals"]

        return eventually(asked, count=1, what="no call came to wait for an approval")[0]


def together(*calls: Callable[[], T]) -> list[T]:
    """What they all answer, each asked in a thread of its own: a command takes half a second."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def eventually(ask: Callable[[], list[T]], *, count: int, what: str) -> list[T]:
    """The answer, as soon as it has so many parts."""
    end = time.monotonic() + WAIT_S
    while len(found := ask()) < count:
        if time.monotonic() > end:
            raise DemoError(f"{what}; see holdfast.log in the data directory")
        time.sleep(0.1)
    return found
