"""Answers written in one piece: head and body at once, where uvicorn would write them in two.

uvicorn looks at every name and value of a head by itself; with the twenty that an answer of ours
has, that is a good part of what the answer costs. Here the head is put together first and looked
at once. Whatever is not a plain whole answer is left to uvicorn.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_START: Final = "http.response.start"
_BODY: Final = "http.response.body"
_BODILESS: Final = frozenset({204, 304})
_NEVER_IN_A_HEAD: Final = bytes({*range(9), 11, 12, *range(14, 32), 127})
"""Control characters but for the tab; line ends are counted."""
_UVICORNS: Final = frozenset({b"connection", b"transfer-encoding"})


def in_one_piece(app: ASGIApp, cycle: RequestResponseCycle) -> ASGIApp:
    """Return the application, its answer to one request written in one piece where it can be.

    Args:
        app: answers.
        cycle: uvicorn's, of that request.
    """

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        held: Message | None = None

        async def send_whole(message: Message) -> None:
            nonlocal held
            if message["type"] == _START and held is None and not cycle.response_started:
                held = message
                return
            start, held = held, None
            if start is not None:
                if _is_written(cycle, start, message):
                    return
                await send(start)
            await send(message)

        await app(scope, receive, send_whole)
        if held is not None:
            await send(held)

    return answered


def _is_written(cycle: RequestResponseCycle, start: Message, message: Message) -> bool:
    """Write an answer, if it is one that can be: what stands in it is uvicorn's to refuse."""
    if (
        message["type"] != _BODY
        or message.get("more_body", False)
        or not cycle.keep_alive
        or cycle.disconnected
        or cycle.flow.write_paused
        or cycle.access_log
        or cycle.scope["method"] == "HEAD"
    ):
        return False
    status, body = start["status"], message.get("body", b"")
    lines = [STATUS_LINE[status]]
    length = None if status not in _BODILESS else b"0"
    count = 1
    for headers in (cycle.default_headers, start.get("headers", ())):
        for name, value in headers:
            if name == b"content-length":
                length = value
            elif name in _UVICORNS:
                return False
            lines += (name, b": ", value, b"\r\n")
            count += 1
    head = b"".join(lines)
    if (
        length is None
        or not length.isdigit()
        or int(length) != len(body)
        or not head.count(b"\r\n") == head.count(b"\r") == head.count(b"\n") == count
        or len(head.translate(None, _NEVER_IN_A_HEAD)) != len(head)
    ):
        return False
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    cycle.chunked_encoding = False
    cycle.transport.write(b"%b\r\n%b" % (head, body))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True
