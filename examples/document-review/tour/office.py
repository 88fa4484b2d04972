"""The operator's office: `holdfast` commands, as a person would give them at a terminal."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from holdfast.cli import main
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
        """A command as a terminal takes it."""
        return [sys.executable, "-m", "holdfast.cli", *words, "--data", str(self.data)]

    def tell(self, *words: str) -> Any:
        """A command's answer."""
        answer = self.told(*words)
        if "error" in answer:
            raise DemoError(f"holdfast {' '.join(words)}: {answer['error']['what']}")
        return answer

    def told(self, *words: str) -> Any:
        """A command's answer, which may be an error. It runs in this process: starting Python for
        each of the twenty would take longer than all the rest of the tour."""
        said = io.StringIO()
        with redirect_stdout(said), suppress(SystemExit):
            main.main([*words, "--data", str(self.data), "--json"], prog_name="holdfast")
        return json.loads(said.getvalue())

    # -- tools --------------------------------------------------------------------------------

    def offered(self, servers: Iterable[str], *, count: int) -> list[dict[str, Any]]:
        """What the servers describe now, once all of it was seen."""

        def seen() -> list[tuple[str, str]]:
            found = {(t["server"], t["name"]) for t in self.tell("tools", "list")["tools"]}
            return sorted(each for each in found if each[0] in servers)

        names = eventually(seen, count=count, what="the tools' servers were not seen")
        shown = [self.tell("tools", "show", *each)["descriptions"][0] for each in names]
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


def eventually(ask: Callable[[], list[T]], *, count: int, what: str) -> list[T]:
    """The answer, as soon as it has so many parts."""
    end = time.monotonic() + WAIT_S
    while len(found := ask()) < count:
        if time.monotonic() > end:
            raise DemoError(f"{what}; see holdfast.log in the data directory")
        time.sleep(0.1)
    return found
