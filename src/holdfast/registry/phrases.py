"""What texts for a model say when they mean to mislead it: phrases, matched on plain small letters.

Every distance is bounded, so that a long text costs no more than its length.
"""

import re

import msgspec


class Phrase(msgspec.Struct, frozen=True):
    """A pattern, and what it is a sign of."""

    rule: str
    why: str
    pattern: re.Pattern[str]


def _phrase(rule: str, why: str, *parts: str) -> Phrase:
    return Phrase(rule, why, re.compile("".join(parts)))


PHRASES = (
    _phrase(
        "hides-from-user",
        "the text asks that something be kept from the user",
        r"\b(do not|don't|never|must not|without|avoid|instead of)\s(ever\s)?",
        r"(tell|mention|inform|show|reveal|notify|alert|disclos|explain|ask)(e|ing)?\b",
        r"[^.]{0,60}\b(user|human|operator|anyone|customer|person)\b",
    ),
    _phrase(
        "hides-from-user",
        "the text asks that something be done unseen",
        r"\b(secretly|silently|covertly|behind the user'?s back)\b",
    ),
    _phrase(
        "overrides-instructions",
        "the text tells the model to set aside what it was told",
        r"\b(ignore|disregard|forget|override|bypass)\b[^.]{0,40}",
        r"\b(previous|prior|above|earlier|all|other|system|your|safety)\b[^.]{0,40}",
        r"\b(instructions?|prompts?|rules?|guidelines?|messages?|restrictions?)\b",
    ),
    _phrase(
        "addresses-model",
        "the text marks a part as if it came from the model's operator",
        r"</?\s?(important|system|secret|instructions?|admin|assistant|hidden|critical|",
        r"im_start|im_end)\s?>|<\|[a-z_]{1,32}\|>|\[/?(inst|system)\]|<!--",
    ),
    _phrase(
        "addresses-model",
        "the text addresses the model as its operator would",
        r"\b(system prompt|you are now|new instructions?:|as an a[i]\b|developer mode|",
        r"assistant:\s|system:\s)",
    ),
    _phrase(
        "steers-other-tools",
        "the text says what to do before or after other tools",
        r"\b(before|after|prior to|whenever|when|every time|each time)\b[^.]{0,30}",
        r"\b(using|calling|invoking|use|call|invoke|running)\b[^.]{0,30}",
        r"\b(this|any|other|another|every|all)\b[^.]{0,12}\btools?\b[^.]{0,80}",
        r"\b(read|send|call|use|include|pass|fetch|open|upload|forward|copy|run|write)\b",
    ),
    _phrase(
        "steers-other-tools",
        "the text puts the tool in the place of others",
        r"\b(instead of|in place of|rather than)\b[^.]{0,20}\b(any|all|the|every)\sother\s",
        r"(tools?|functions?|servers?)\b|\bonly ever use this tool\b",
        r"|\b(this tool|it) (must|has to) (always )?be (called|used|run|invoked) (first|before)",
    ),
    _phrase(
        "reaches-for-secrets",
        "the text names a place where secrets are kept",
        r"~/\.(ssh|aws|kube|gnupg|config|netrc|cursor|docker|npmrc|pypirc|bash_history)",
        r"|\bid_(rsa|ed25519|ecdsa)\b|\.ssh/|\bauthorized_keys\b|/etc/(passwd|shadow)",
        r"|\bmcp\.json\b|\b\.env file\b|169\.254\.169\.254",
    ),
    _phrase(
        "carries-off",
        "the text asks that data be sent elsewhere",
        r"\b(send|forward|upload|post|exfiltrate|leak|bcc|copy)\b[^.]{0,60}",
        r"\b(conversation|chat history|message history|credentials?|api keys?|passwords?|",
        r"tokens?|secrets?|environment variables|contents? of (the )?(file|user))\b[^.]{0,40}",
        r"\b(to|at|via)\b[^.]{0,40}",
        r"(https?://|@|\battacker|\bserver\b|\bwebhook|\baddress\b|\bnumber\b)",
        r"|!\[[^\]]{0,200}\]\(https?://",
    ),
)
