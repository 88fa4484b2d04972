"""What asks its client for more by its result (revision 2026-07-28), for the fixture server.

Each answers as soon as all that it needs is there, and asks again for what is missing.
"""

from collections.abc import Callable
from typing import TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)

Answer = TypeVar("Answer", ElicitResult, CreateMessageResult, ListRootsResult)


def add_rounds(server: MCPServer) -> None:
    """Every tool and prompt of this kind."""
    _add_single(server)
    _add_stateful(server)
    _add_choosing(server)
    _add_prompt(server)


def _add_single(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    def test_input_required_result_elicitation(ctx: Context) -> str | InputRequiredResult:
        """Asks for a name and greets."""
        name = _field(ctx, "user_name", "name")
        return _ask(user_name=_name_form()) if name is None else f"Hello, {name}!"

    @server.tool(structured_output=False)
    def test_input_required_result_sampling(ctx: Context) -> str | InputRequiredResult:
        """Asks the client's model a question and passes its answer on."""
        answer = _answer(ctx, "capital_question", CreateMessageResult)
        if answer is None:
            return _ask(capital_question=_question("What is the capital of France?", 100))
        return _said(answer)

    @server.tool(structured_output=False)
    def test_input_required_result_list_roots(ctx: Context) -> str | InputRequiredResult:
        """Asks for the client's roots and lists them."""
        answer = _answer(ctx, "client_roots", ListRootsResult)
        return _ask(client_roots=ListRootsRequest()) if answer is None else _roots(answer)

    @server.tool(structured_output=False)
    async def test_streaming_elicitation(ctx: Context) -> str | InputRequiredResult:
        """Tells of progress before it asks, so that there is a stream to look at."""
        await ctx.report_progress(1, 2)
        name = _field(ctx, "user_name", "name")
        return _ask(user_name=_name_form()) if name is None else f"Hello, {name}!"


def _add_stateful(server: MCPServer) -> None:
    def confirmed(ctx: Context) -> str | InputRequiredResult:
        # What was changed on its way never comes here: the SDK seals the state it gives out.
        if _answer(ctx, "confirm", ElicitResult) is None:
            form = _form("Please confirm", "ok", "boolean")
            return _ask(state="to be confirmed", confirm=form)
        _expect_state(ctx, lambda state: state == "to be confirmed")
        return "state-ok"

    for name in ("request_state", "tampered_state"):
        server.tool(
            f"test_input_required_result_{name}",
            description="Asks for consent, under a state that must come back unchanged.",
            structured_output=False,
        )(confirmed)

    @server.tool(structured_output=False)
    def test_input_required_result_multiple_inputs(ctx: Context) -> str | InputRequiredResult:
        """Asks for three things of different kinds at once."""
        name = _field(ctx, "user_name", "name")
        greeting = _answer(ctx, "greeting", CreateMessageResult)
        roots = _answer(ctx, "client_roots", ListRootsResult)
        if name is None or greeting is None or roots is None:
            return _ask(
                state="three asked",
                user_name=_name_form(),
                greeting=_question("Generate a greeting", 50),
                client_roots=ListRootsRequest(),
            )
        _expect_state(ctx, lambda state: state == "three asked")
        return f"{_said(greeting)} ({name}, {_roots(roots)})"

    @server.tool(structured_output=False)
    def test_input_required_result_multi_round(ctx: Context) -> str | InputRequiredResult:
        """Asks twice; the state of the second round holds the answer of the first."""
        colour = _field(ctx, "step2", "color")
        if colour is not None:
            state = _expect_state(ctx, lambda state: state.startswith("named "))
            return f"{state.removeprefix('named ')} likes {colour}"
        name = _field(ctx, "step1", "name")
        if name is not None:
            _expect_state(ctx, lambda state: state == "begun")
            form = _form("Step 2: What is your favorite color?", "color")
            return _ask(state=f"named {name}", step2=form)
        return _ask(state="begun", step1=_form("Step 1: What is your name?", "name"))


def _add_choosing(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    def test_input_required_result_capabilities(ctx: Context) -> str | InputRequiredResult:
        """Asks only for what the client says it can give."""
        can = ctx.client_capabilities
        asks: dict[str, InputRequest] = {}
        if can is not None and can.sampling is not None:
            asks["thought"] = _question("Say a word", 10)
        if can is not None and can.elicitation is not None:
            asks["user_name"] = _name_form()
        missing = {
            name: ask for name, ask in asks.items() if name not in (ctx.input_responses or {})
        }
        return _ask(**missing) if missing else "nothing to ask"


def _add_prompt(server: MCPServer) -> None:
    @server.prompt()
    def test_input_required_result_prompt(ctx: Context) -> str | InputRequiredResult:
        """Asks what the prompt is to be about."""
        about = _field(ctx, "user_context", "context")
        if about is None:
            return _ask(user_context=_form("What context should the prompt use?", "context"))
        return f"Consider {about}."


def _ask(*, state: str | None = None, **asks: InputRequest) -> InputRequiredResult:
    return InputRequiredResult(input_requests=asks, request_state=state)


def _form(message: str, field: str, kind: str = "string") -> ElicitRequest:
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _name_form() -> ElicitRequest:
    return _form("What is your name?", "name")


def _question(text: str, tokens_max: int) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(text=text))
    return CreateMessageRequest(
        params=CreateMessageRequestParams(messages=[message], max_tokens=tokens_max)
    )


def _answer(ctx: Context, name: str, kind: type[Answer]) -> Answer | None:
    answer = (ctx.input_responses or {}).get(name)
    return answer if isinstance(answer, kind) else None


def _field(ctx: Context, name: str, field: str) -> str | None:
    """What a person wrote into the form; None where the form did not come, or without it."""
    answer = _answer(ctx, name, ElicitResult)
    value = (answer.content or {}).get(field) if answer is not None else None
    return value if isinstance(value, str) else None


def _expect_state(ctx: Context, fits: Callable[[str], bool]) -> str:
    state = ctx.request_state
    if state is None or not fits(state):
        raise MCPError(code=INVALID_PARAMS, message="the state is not the one given out")
    return state


def _said(answer: CreateMessageResult) -> str:
    return answer.content.text if isinstance(answer.content, TextContent) else "(not a text)"


def _roots(answer: ListRootsResult) -> str:
    return "roots: " + ", ".join(str(root.uri) for root in answer.roots)
