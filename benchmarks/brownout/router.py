"""LiteLLM's Router as it is, in virtual time: runs in an environment of its own, see ``run.py``.

Reads which courses to run from its standard input, and writes what became of each, a line of JSON, to
the file named on its command line. The Router reads wall time and datetime (for cool-downs and for
failures in the current minute), so both move with the loop.
"""

import asyncio
import importlib.metadata
import json
import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

# Else it asks the network for a price list at every start.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import httpx
import litellm
import time_machine
from litellm.litellm_core_utils.thread_pool_executor import executor

from holdfast.testing.brownout import (
    ATTEMPT_S,
    DEADLINE_S,
    Ask,
    Course,
    World,
    course,
)
from holdfast.testing.slotted import RETRY_AFTER_S, SlottedModel
from holdfast.world.sim import SimLoop

EPOCH_S = 1_800_000_000
MINUTE_S = 60
RETRIES = 3
"""As in the example for retries of its documentation; its default is 2."""
PROCESSES = min(2, os.cpu_count() or 1)
MODEL = "assistant"
PROVIDER = "slotted"
SAID = "Yes."


class WallLoop(SimLoop):
    """A loop whose virtual time is everybody's time. What LiteLLM does in threads is done at once:
    virtual time would not wait for them."""

    def __init__(self, seed: int, wall: time_machine.Traveller, begin_s: float) -> None:
        super().__init__(seed)
        self._wall = wall
        self._begin_s = begin_s

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._wall.move_to(self._begin_s + self.time(), tick=False)

    def run_in_executor(
        self, executor: object, func: Callable[..., Any], *args: object
    ) -> asyncio.Future[Any]:
        return asyncio.wrap_future(_done(func, *args), loop=self)


def _done(func: Callable[..., Any], *args: Any, **named: Any) -> Future[Any]:
    """As a thread pool's ``submit``."""
    future: Future[Any] = Future()
    try:
        future.set_result(func(*args, **named))
    except Exception as error:  # noqa: BLE001 - as a thread hands it over
        future.set_exception(error)
    return future


class Slotted(litellm.CustomLLM):
    """A provider whose deployments are the models of a course, by number. Errors and time limits are
    LiteLLM's own, as its provider for OpenAI raises them."""

    def __init__(self) -> None:
        super().__init__()
        self.models: list[SlottedModel] = []

    async def acompletion(self, model: str, **given: Any) -> litellm.ModelResponse:
        status = asyncio.get_running_loop().create_future()
        self.models[int(model)].ask(partial(_tell, status))
        try:
            async with asyncio.timeout(given["timeout"]):
                await status
        except TimeoutError:
            raise litellm.Timeout("Request timed out.", model, PROVIDER) from None
        if (error := _error(status.result(), model)) is not None:
            raise error
        answer: litellm.ModelResponse = given["model_response"]
        answer.choices[0].message.content = SAID
        answer.usage = litellm.Usage(prompt_tokens=9, completion_tokens=9, total_tokens=18)
        return answer


def _tell(waits: "asyncio.Future[int]", status: int) -> None:
    if not waits.done():
        waits.set_result(status)


def _error(status: int, model: str) -> Exception | None:
    request = httpx.Request("POST", "http://127.0.0.1/v1/chat/completions")
    heads = {"retry-after": str(RETRY_AFTER_S)} if status == 429 else {}
    response = httpx.Response(status, headers=heads, request=request)
    match status:
        case 429:
            return litellm.RateLimitError("429", PROVIDER, model, response=response)
        case 500:
            return litellm.InternalServerError("500", PROVIDER, model, response=response)
        case _:
            return None


async def _routed(world: World) -> Ask:
    """The Router over both models."""
    provider = Slotted()
    provider.models = world.models
    litellm.custom_provider_map = [{"provider": PROVIDER, "custom_handler": provider}]
    deployments = [
        {"model_name": MODEL, "litellm_params": {"model": f"{PROVIDER}/{number}"}}
        for number in range(len(world.models))
    ]
    router = litellm.Router(model_list=deployments, num_retries=RETRIES, timeout=ATTEMPT_S)
    messages = [{"role": "user", "content": "hi"}]

    async def ask() -> bool:
        try:
            async with asyncio.timeout(DEADLINE_S):
                answer = await router.acompletion(model=MODEL, messages=messages)
        except Exception:  # noqa: BLE001 - whatever it was, there is no answer
            return False
        return answer.choices[0].message.content == SAID

    return ask


def _run(trouble: Any, load: float, seed: int, after_s: int) -> Course:
    """One course. Seeds differ in where in the minute the trouble falls: failures count by minute."""
    begin_s = EPOCH_S + seed * MINUTE_S / 3
    random.seed(f"router {seed}")
    with time_machine.travel(begin_s, tick=False) as wall:
        loop = WallLoop(seed, wall, begin_s)
        asyncio.set_event_loop(loop)
        main = course(loop, trouble, load_share=load, system=_routed, after_s=after_s, seed=seed)
        found = loop.run_until_complete(main)
        rest = list(loop.living())
        for task in rest:  # what its logging leaves behind
            task.cancel()
        loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        loop.close()
    return found


def _row(wanted: tuple[str, float, int, int]) -> dict[str, Any]:
    trouble, load, seed, after_s = wanted
    litellm.suppress_debug_info = True
    executor.submit = _done
    found = _run(trouble, load, seed, after_s)
    return {
        "system": "litellm",
        "version": importlib.metadata.version("litellm"),
        "trouble": trouble,
        "load": load,
        "seed": seed,
        "asked": found.asked,
        "answered": found.answered,
        "attempts": found.attempts,
    }


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and the pool with it
    wanted = [tuple(row) for row in json.load(sys.stdin)]
    # LiteLLM keeps callbacks in its module: each course has a process as fresh as after the import.
    fresh = multiprocessing.get_context("fork").Pool(PROCESSES, maxtasksperchild=1)
    with fresh, Path(sys.argv[1]).open("w") as out:
        for row in fresh.imap(_row, wanted):
            print(json.dumps(row), file=out, flush=True)


if __name__ == "__main__":
    main()
