"""MCP through the gateway: one endpoint per principal, over the stages that every call passes.

``desk`` composes them; what differs from a model's call are small objects: how a request is read
(``accepting``), whether the thing called is approved (``vetting``), where it goes (``routing``,
``line``, ``talking``), and how an answer reaches its caller (``delivering``).
"""
