"""A status page's documents for people: the page, its history by month, and each post. They need no
script, and hold what the board holds and nothing else.
"""

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Final
from urllib.parse import quote

from opsknight.publishing.board import RECENT, RENEWED, Board, Day, ShownPost, ShownService
from opsknight.publishing.posts import PostKind, State
from status import words
from status.style import policy, style

# Where the function that serves a late page says so, and by which time it knows.
LATE_MARK: Final = "<!--late-->"
AS_OF: Final = '<meta name="as-of" content="{}">'
_COLOURS: Final = {
    State.NONE: "#1a7f4b",
    State.MAINTENANCE: "#2a5fb8",
    State.DEGRADED: "#b97b06",
    State.PARTIAL: "#c9580f",
    State.DOWN: "#b3232c",
}


def page(board: Board) -> str:
    """The first page."""
    parts = [_hero(board)]
    if board.current:
        parts.append(_section("Now", [_post(each, board, linked=True) for each in board.current]))
    services = "".join(_service(n, each) for n, each in enumerate(board.services))
    if services:
        parts.append(f'<h2>Services</h2>\n<div class="card services">{services}</div>\n')
        parts.append(_table(board))
    if board.planned:
        planned = [_post(each, board, linked=True) for each in board.planned]
        parts.append(_section("Planned maintenance", planned))
    recent = [each for each in board.over if (each.ends_at or each.starts_at) > _since(board)]
    parts.append(_section("Recently", [_post(each, board, linked=True) for each in recent]))
    if not recent:
        parts.append('<p class="quiet">Nothing in the last 14 days.</p>\n')
    parts.append(f'<p><a href="{_at(board, f"/history/{board.months[0]}")}">History</a></p>\n')
    return _document(board, words.overall(board), "".join(parts))


def history(board: Board, month: str) -> str:
    title = f"History of {words.month(month)}"
    found = [_post(each, board, linked=True) for each in board.of_month(month)]
    body = "".join(found) or '<p class="quiet">Nothing happened in this month.</p>\n'
    index = board.months.index(month)
    older, newer = board.months[index + 1 : index + 2], board.months[max(index - 1, 0) : index]
    links = [_link(board, f"/history/{each}", f"← {words.month(each)}") for each in older]
    links += [_link(board, f"/history/{each}", f"{words.month(each)} →") for each in newer]
    nav = f'<nav aria-label="Months">{"".join(links)}</nav>\n' if links else ""
    heading = f'<h1 class="title">{title}</h1>\n<h2 class="sr">What happened</h2>\n'
    return _document(board, title, heading + nav + body + nav.replace("Months", "More months"))


def post(board: Board, shown: ShownPost) -> str:
    """One post with all that was said about it."""
    heading = f"<h1 dir=auto>{escape(shown.title)}</h1>\n"
    body = f'<article class="card">{_about(shown, board)}{_updates(shown, board)}</article>\n'
    back = f"<p>{_link(board, '', f'All of {board.name}')}</p>\n"
    return _document(board, shown.title, heading + "<br>\n" + body + back)


def _document(board: Board, title: str, body: str) -> str:
    icon = quote(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'>"
        f"<circle cx='4' cy='4' r='4' fill='{_COLOURS[board.state]}'/></svg>"
    )
    name, stamp = escape(board.name), words.stamp(board.as_of)
    minutes = RENEWED.seconds // 60
    feed = '<link rel="alternate" type="application/atom+xml" title="{}" href="{}">'
    feed = feed.format(name, _at(board, "/feed.atom"))
    below = {
        "": "Status",
        f"/history/{board.months[0]}": "History",
        "/feed.atom": "Atom feed",
        "/status.json": "JSON",
    }
    links = "".join(f"<li>{_link(board, path, text)}</li>" for path, text in below.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - {name}</title>
{AS_OF.format(stamp)}
<link rel="icon" href="data:image/svg+xml,{icon}">
{feed}
<style>{style()}</style>
</head>
<body>
<a class="skip" href="#main">Skip to what it says</a>
<div class="wrap">
<header><p dir=auto>{_link(board, "", board.name)}</p></header>
<main id="main">
{LATE_MARK}{body}</main>
<footer>
<p>As of {_time(board.as_of, board.as_of)}. This page is renewed every {minutes} minutes, and at
once when there is news; if its time is older than 10 minutes, it is out of date.</p>
<ul>{links}</ul>
</footer>
</div>
</body>
</html>
"""


def _hero(board: Board) -> str:
    said = " ".join(each.title for each in board.current[:1])
    more = f"<p dir=auto>{escape(said)}</p>" if said else ""
    mark = f'<span class="mark" aria-hidden="true"><span>{words.MARKS[board.state]}</span></span>'
    return (
        f'<div class="hero {board.state}">{mark}'
        f"<div><h1>{words.overall(board)}</h1>{more}</div></div>\n"
    )


def _section(title: str, parts: Iterable[str]) -> str:
    return f"<h2>{title}</h2>\n{''.join(parts)}"


def _service(number: int, service: ShownService) -> str:
    name, word = escape(service.name), words.STATES[service.state]
    bars = "".join(
        f'<input class="sr" type="radio" name="s{number}" id="s{number}-{n}">'
        f'<label class="b-{day.state}" for="s{number}-{n}"><i></i><span>{_said(day)}</span></label>'
        for n, day in enumerate(service.days)
    )
    trouble = f"{words.lasting(service.minutes)} of trouble" if service.minutes else "no trouble"
    scale = f"<span>90 days ago</span><span>{trouble}</span><span>today</span>"
    return (
        f'<div class="service"><div class="service-head"><h3 dir=auto>{name}</h3>'
        f'<p class="{service.state}"><span aria-hidden="true">{words.MARKS[service.state]}</span> '
        f"{word}</p></div>\n"
        f'<fieldset class="bars"><legend>{name}, day by day</legend>{bars}</fieldset>\n'
        f'<p class="scale">{scale}</p></div>\n'
    )


def _said(day: Day) -> str:
    if day.state is State.NONE:
        return f"{words.on(day.day)}: no trouble"
    lasted = f", {words.lasting(day.minutes)}" if day.minutes else ""
    return f"{words.on(day.day)}: {words.STATES[day.state].lower()}{lasted}"


def _table(board: Board) -> str:
    rows = [
        (day.day, service.name, day)
        for service in board.services
        for day in service.days
        if day.state is not State.NONE
    ]
    summary = "<details><summary>The last 90 days as a table</summary>\n"
    if not rows:
        return f'{summary}<p class="quiet">No day with trouble or maintenance.</p></details>\n'
    cells = "".join(
        f'<tr><th scope="row"><time datetime="{at}">{words.on(at)} {at.year}</time></th>'
        f"<td dir=auto>{escape(name)}</td><td>{words.STATES[day.state]}</td>"
        f"<td>{words.lasting(day.minutes) if day.minutes else '-'}</td></tr>\n"
        for at, name, day in sorted(rows, key=lambda row: (row[0], row[1]), reverse=True)
    )
    return (
        f"{summary}<table><caption>Days with trouble or maintenance, in UTC</caption><thead><tr>"
        '<th scope="col">Day</th><th scope="col">Service</th><th scope="col">At worst</th>'
        f'<th scope="col">Trouble</th></tr></thead><tbody>{cells}</tbody></table></details>\n'
    )


def _post(shown: ShownPost, board: Board, *, linked: bool) -> str:
    title = escape(shown.title)
    if linked:
        title = f'<a href="{_at(board, f"/incidents/{shown.id}")}">{title}</a>'
    return (
        f'<article class="card"><h3 dir=auto>{title}</h3>'
        f"{_about(shown, board)}{_updates(shown, board)}</article>\n"
    )


def _about(shown: ShownPost, board: Board) -> str:
    state = State.NONE if shown.is_over else shown.state
    badge = f'<span class="badge {state}">{words.phase(shown, board)}</span>'
    names = ", ".join(f"<bdi>{escape(each)}</bdi>" for each in shown.service_names)
    about = f" · {names}: {words.STATES[shown.state].lower()}" if names else ""
    return f'<p class="meta">{badge}{about} · {_when(shown, board)}</p>\n'


def _when(shown: ShownPost, board: Board) -> str:
    start, end = shown.starts_at, shown.ends_at
    begins = _time(start, board.as_of)
    if end is None:
        return f"since {begins}"
    if shown.is_over:
        return f"{begins}, {words.lasting(max(1, -(-int((end - start).total_seconds()) // 60)))}"
    if shown.kind is PostKind.MAINTENANCE:
        return f"{begins} to {_time(end, board.as_of)}"
    return f"since {begins}"


def _updates(shown: ShownPost, board: Board) -> str:
    rows = []
    for each in shown.updates:
        text = "<br>".join(escape(line) for line in each.text.splitlines())
        # Maintenance has times in place of phases.
        named = each.phase if shown.kind is PostKind.INCIDENT else None
        phase = f"{words.PHASES[named]} · " if named else ""
        when = f'<p class="meta">{phase}{_time(each.at, board.as_of)}</p>'
        rows.append(f"<li><p dir=auto>{text}</p>{when}</li>\n")
    return f'<ul class="updates">{"".join(rows)}</ul>\n' if rows else ""


def _since(board: Board) -> datetime:
    return board.as_of - RECENT


def _time(when: datetime, now: datetime) -> str:
    return f'<time datetime="{words.stamp(when)}">{words.at(when, now)}</time>'


def _link(board: Board, below: str, text: str) -> str:
    return f'<a href="{_at(board, below)}">{escape(text)}</a>'


def _at(board: Board, below: str) -> str:
    return f"/status/{board.path}{below}"
