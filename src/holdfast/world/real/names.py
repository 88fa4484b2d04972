"""The machine's own resolver."""

import asyncio
import socket


class SystemNames:
    """``getaddrinfo``, in a thread, so that nothing blocks the loop."""

    async def addresses(self, name: str) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found))
        if not addresses:
            raise OSError(f"{name} has no address")
        return addresses
