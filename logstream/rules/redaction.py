"""Masks over secrets: where in a line they stand, and the line with them masked.

Owns the shipped presets and the meaning of a mask: a rule's groups, or its whole match where it has none, become `***`.
Where Hyperscan has found a pattern and google-re2 cannot say where, the whole line is masked: too much rather than too
little. Refuses to know which lines a rule is for.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import re2

from logstream.rules.syntax import PatternError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MASK: Final = "***"

Span = tuple[int, int]
"""From and to, in characters of a line's text; never empty."""

# RFC 6750, 2.1 (the header) and 2.2, 2.3 (the parameter of a form or an address).
_BEARER: Final = r"(?i:\bbearer)(?:[ \t]+|%20|\+)([A-Za-z0-9._~+/-]+=*)|(?i:\baccess_token)=([^&\s\"';,]+)"
# RFC 3986, 3.2.1; a slash in an address may be escaped, as some writers of JSON do.
_URL_USER: Final = r"[A-Za-z][A-Za-z0-9+.-]*:(?:\\?/){2}[^\s/:@\"'<>]*:([^\s/\"'<>]+)@"
_MAIL_END: Final = r"[A-Za-z0-9_%+\x{80}-\x{10ffff}-]"
_MAIL_INNER: Final = r"[A-Za-z0-9_.%+\x{80}-\x{10ffff}-]"
_HOST_LETTER: Final = r"[A-Za-z0-9\x{80}-\x{10ffff}-]"
_EMAIL: Final = rf"{_MAIL_END}(?:{_MAIL_INNER}*{_MAIL_END})?@{_HOST_LETTER}+(?:\.{_HOST_LETTER}+)+"
_CARD: Final = r"\d(?:[ -]?\d){12}"

_DIGITS: Final = re.compile(r"(?<!\d\.)(?<!\d)\d(?:[ -]?\d){12,}", re.ASCII)
_DIGIT_GROUP: Final = re.compile(r"\d+", re.ASCII)
_CARD_DIGITS: Final = range(13, 20)  # ISO/IEC 7812: at most 19; the shortest in use have 13
_CARD_FIRST: Final = frozenset("23456")  # the issuers' ranges of payment cards
_DOUBLED: Final = tuple(digit * 2 if digit < 5 else digit * 2 - 9 for digit in range(10))  # noqa: PLR2004 - Luhn's

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False


class Preset(NamedTuple):
    """A shipped kind of secret: the pattern of lines that may hold one, and what finds it in such a line."""

    pattern: str
    spans: Callable[[str], Iterable[Span]]


class Redactor:
    """What one rule masks. Raises PatternError for an expression that google-re2 does not take."""

    def __init__(self, expression: str | None, presets: Sequence[str]) -> None:
        """Mask what `expression` finds (None: nothing of its own), and what `presets` name."""
        self._expression = None if expression is None else _compiled(expression)
        self._presets = tuple(PRESETS[name] for name in presets)

    @property
    def has_expression(self) -> bool:
        """Whether it is the rule's own pattern that says what to mask, so that a line with it is a hit in any case."""
        return self._expression is not None

    def spans(self, text: str) -> list[Span]:
        """What to mask in a line in which Hyperscan has found the rule's pattern."""
        found = [span for preset in self._presets for span in preset.spans(text)]
        if self._expression is not None:
            own = _spans_of(self._expression, text)
            # Two engines, one pattern: should they ever differ, then to the side of masking.
            found += [(0, len(text))] if own is None and text else own or ()
        return found

    def masked_value(self, text: str) -> str:
        """A text that parsing has taken out of the line, masked as far as the rule's pattern is found in it alone."""
        found = [span for preset in self._presets for span in preset.spans(text)]
        if self._expression is not None:
            found += _spans_of(self._expression, text) or ()
        return masked(text, found)


def masked(text: str, spans: Iterable[Span]) -> str:
    """`text` with each span, or several that touch, replaced by one mask."""
    parts: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start > end or not parts:
            parts += (text[end:start], MASK)
        end = max(end, stop)
    return "".join(parts) + text[end:]


def masked_fields(fields: Mapping[str, Any], redactors: Sequence[Redactor]) -> dict[str, Any]:
    """Fields whose texts are masked as values of their own: what an escape in the line has hidden from the patterns."""

    def mask(value: object) -> object:
        match value:
            case str():
                for redactor in redactors:
                    value = redactor.masked_value(value)
                return value
            case list():
                return [mask(item) for item in value]
            case dict():
                return {key: mask(item) for key, item in value.items()}
            case _:
                return value

    return {key: mask(value) for key, value in fields.items()}


def card_spans(text: str) -> Iterator[Span]:
    """Numbers of payment cards: 13 to 19 digits, in groups or not, of an issuer's range, with Luhn's check digit."""
    for run in _DIGITS.finditer(text):
        groups = [group.span() for group in _DIGIT_GROUP.finditer(text, *run.span())]
        counts = [0]  # digits before each group
        for start, end in groups:
            counts.append(counts[-1] + end - start)
        sums = _luhn_sums(run[0])
        for first, (start, _) in enumerate(groups):
            if text[start] not in _CARD_FIRST:
                continue
            least = bisect_left(counts, counts[first] + _CARD_DIGITS.start)
            beyond = bisect_left(counts, counts[first] + _CARD_DIGITS.stop)
            for after in range(least, beyond):
                checksum = sums[(counts[after] - 1) % 2]
                if (checksum[counts[after]] - checksum[counts[first]]) % 10 == 0:
                    yield start, groups[after - 1][1]


def _luhn_sums(run: str) -> tuple[list[int], list[int]]:
    """Sums over the digits before each one, with those at odd places doubled, and with those at even places doubled."""
    even_plain, odd_plain = [0], [0]
    place = 0
    for character in run:
        if character.isdigit():
            digit = int(character)
            plain, doubled = (even_plain, odd_plain) if place % 2 == 0 else (odd_plain, even_plain)
            plain.append(plain[-1] + digit)
            doubled.append(doubled[-1] + _DOUBLED[digit])
            place += 1
    return even_plain, odd_plain


def check_redaction(expression: str) -> None:
    """Refuse an expression whose place in a line cannot be found; raises PatternError."""
    _compiled(expression)


def _compiled(expression: str) -> re2._Regexp:
    try:
        return re2.compile(expression, _OPTIONS)
    except re2.error as error:
        told = error.args[0]
        reason = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        raise PatternError(expression, None, f"what it finds cannot be masked: {reason}") from None


def _spans_of(compiled: re2._Regexp, text: str) -> list[Span] | None:
    """The groups of each match that took part in it, else the match; None without a match."""
    found: list[Span] = []
    has_match = False
    for match in compiled.finditer(text):
        has_match = True
        groups = [match.span(number) for number in range(1, compiled.groups + 1) if match.start(number) >= 0]
        found += [span for span in groups or [match.span()] if span[0] < span[1]]
    return found if has_match else None


def _finder(expression: str) -> Callable[[str], Iterable[Span]]:
    compiled = _compiled(expression)
    return lambda text: _spans_of(compiled, text) or ()


PRESETS: Final[Mapping[str, Preset]] = {
    "bearer": Preset(_BEARER, _finder(_BEARER)),
    "url-password": Preset(_URL_USER, _finder(_URL_USER)),
    "email": Preset(_EMAIL, _finder(_EMAIL)),
    "card": Preset(_CARD, card_spans),
}
"""Kinds of secrets that a rule masks by name."""
