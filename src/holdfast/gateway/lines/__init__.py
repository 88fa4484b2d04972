"""The way to MCP servers, over HTTP and as programs: requests out, messages back.

``line`` finds out which revision a server speaks and keeps each principal's session apart,
``talking`` follows one request to its answer, ``roads`` and ``programs`` are the two transports.
"""
