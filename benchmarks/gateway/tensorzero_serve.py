"""Starts the Rust gateway inside TensorZero's Python package, tells where it listens, and waits.

Run with TensorZero's own environment by ``peers.py``; ends when whoever started it closes the pipe.
The function is the one that its ``patch_openai_client`` calls.
"""

import sys

from tensorzero import _start_http_gateway

GATEWAY = _start_http_gateway(
    config_file=sys.argv[1],
    clickhouse_url=None,
    postgres_url=None,
    valkey_url=None,
    async_setup=False,
)
print(f"\n{GATEWAY.base_url}", flush=True)
sys.stdin.read()
