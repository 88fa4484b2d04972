"""What the fixture server has to show: contents of every kind, in tools, resources and prompts."""

import base64
import io
import struct
import wave
import zlib

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp_types import (
    AudioContent,
    Completion,
    CompletionArgument,
    CompletionContext,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    PromptReference,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)


def add_content(server: MCPServer) -> None:
    """Every tool, resource and prompt of this kind."""
    _add_tools(server)
    _add_resources(server)
    _add_prompts(server)


def _add_tools(server: MCPServer) -> None:
    @server.tool(structured_output=False)
    def test_image_content() -> ContentBlock:
        """One picture."""
        return _picture()

    @server.tool(structured_output=False)
    def test_audio_content() -> ContentBlock:
        """One sound."""
        return AudioContent(data=_text(_wav()), mime_type="audio/wav")

    @server.tool(structured_output=False)
    def test_embedded_resource() -> ContentBlock:
        """One resource, its content with it."""
        said = "This is an embedded resource content."
        return _embedded("test://embedded-resource", "text/plain", said)

    @server.tool(structured_output=False)
    def test_multiple_content_types() -> list[ContentBlock]:
        """A text, a picture and a resource."""
        data = '{"test":"data","value":123}'
        return [
            TextContent(text="Multiple content types test:"),
            _picture(),
            _embedded("test://mixed-content-resource", "application/json", data),
        ]


def _add_resources(server: MCPServer) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """A text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """A picture."""
        return _png()

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """Can be subscribed to; it never changes."""
        return "as ever"

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def templated(id: str) -> str:  # noqa: A002 - the suite's template calls it so
        """The id of the address, in a sentence."""
        return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'


def _add_prompts(server: MCPServer) -> None:
    @server.prompt()
    def test_simple_prompt() -> str:
        """One fixed sentence."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """Its two arguments in a sentence."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    # The argument has the name by which the suite passes it.
    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803
        """A resource, and what to do with it."""
        said = "Embedded resource content for testing."
        return [
            UserMessage(_embedded(resourceUri, "text/plain", said)),
            UserMessage("Please process the embedded resource above."),
        ]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage]:
        """A picture, and what to do with it."""
        return [UserMessage(_picture()), UserMessage("Please analyze the image above.")]

    @server.completion()
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        words = [word for word in ("pair", "paper", "parcel") if word.startswith(argument.value)]
        return Completion(values=words, total=len(words), has_more=False)


def _picture() -> ImageContent:
    return ImageContent(data=_text(_png()), mime_type="image/png")


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _png() -> bytes:
    """One blue pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checked = kind + body
        return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))

    size_and_kind = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    row = zlib.compress(b"\0" + b"\x20\x40\xc0")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size_and_kind)
        + chunk(b"IDAT", row)
        + chunk(b"IEND", b"")
    )


def _wav() -> bytes:
    """A hundredth of a second of silence."""
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 80)
    return written.getvalue()
