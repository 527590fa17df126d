"""What is answered to bytes that are no request, before any app sees them: a problem as RFC 9457 has it. Pure.

Owns the words. Refuses to decide what is refused.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

CONTENT_TYPE: Final = b"application/problem+json"
_DETAILS: Final = {
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "the request line and the headers are longer than {most_bytes} bytes",
    HTTPStatus.NOT_IMPLEMENTED: "this transfer coding is not understood: send the body as it is, or in chunks",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: "HTTP/1.1 and HTTP/1.0 are spoken here",
}
LOWER_CASE: Final = "methods are told apart by case (RFC 9110, section 9.1): GET is one, and get is not"
_NO_REQUEST: Final = "this is no request of HTTP/1.1"


def refusal(status: int, most_bytes: int, detail: str | None = None) -> bytes:
    """The body that goes with `status`, where a request's head may have `most_bytes`; `detail` where that is known."""
    known = HTTPStatus(status)
    detail = detail or _DETAILS.get(known, _NO_REQUEST).format(most_bytes=most_bytes)
    return json.dumps({"type": "about:blank", "title": known.phrase, "status": status, "detail": detail}).encode()
