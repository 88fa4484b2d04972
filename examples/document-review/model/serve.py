"""Serves `clause-reviewer.gguf` over llama.cpp's OpenAI-compatible API, under /v1.

    python serve.py --port 8081

One line on standard output says when it is ready. SIGTERM or SIGINT ends it. Chat (plain,
streamed, with tools) and embeddings work; the model's id is `clause-reviewer`. Sampling is greedy
unless a request asks otherwise, so the same prompt gives the same answer.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

try:
    import xllamacpp
except ModuleNotFoundError:
    sys.exit("serve.py needs xllamacpp, which serves the model: pip install 'holdfast[demo]'")

MODEL: Final = Path(__file__).with_name("clause-reviewer.gguf")
MODEL_ID: Final = "clause-reviewer"
CONTEXT_TOKENS: Final = 1024
LOG_NOTHING, LOG_ALL = -1, 4


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, or `words` in its place."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True, help="0 takes any free port")
    parser.add_argument("--host", default="127.0.0.1", help="loopback unless told otherwise")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--slots", type=int, default=4, help="requests answered at a time")
    parser.add_argument("--verbose", action="store_true", help="llama.cpp's log on standard error")
    return parser.parse_args(words)


def parameters(options: argparse.Namespace) -> xllamacpp.CommonParams:
    """llama.cpp's settings: small, greedy, quiet, and without its web page and slot inspection."""
    params = xllamacpp.CommonParams()
    params.model.path = str(options.model)
    params.model_alias = {MODEL_ID}
    params.hostnames = [options.host]
    params.port = options.port
    params.n_parallel = options.slots
    params.n_ctx = CONTEXT_TOKENS * options.slots
    # One embedding input must fit into one batch.
    params.n_batch = params.n_ubatch = CONTEXT_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.n_threads_http = options.slots + 2
    params.cache_ram_mib = 16
    params.n_gpu_layers = 0
    params.sampling.temp = 0.0
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.use_jinja = True
    params.cors_origins = ""
    params.ui = params.endpoint_slots = False
    params.verbosity = LOG_ALL if options.verbose else LOG_NOTHING
    return params


def main() -> int:
    options = arguments()
    if not options.model.is_file():
        print(f"serve.py found no model at {options.model}", file=sys.stderr)
        return 1
    # Blocked before llama.cpp starts its threads, which inherit the mask: only sigwait sees them.
    endings = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)
    try:
        server = xllamacpp.Server(parameters(options))
    except RuntimeError as error:
        print(f"serve.py could not start on port {options.port}: {error}", file=sys.stderr)
        return 1
    print(f"{MODEL_ID} is ready at {server.listening_address}/v1", flush=True)
    signal.sigwait(endings)
    # Not by way of llama.cpp's own end: told to stop before its loop has begun, it waits for ever.
    # There is nothing to save.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
