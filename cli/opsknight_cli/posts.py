"""`posts`: what people read on public status pages."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from opsknight.config.configuration import Configuration, Kind, id_of, slug_of
from opsknight.directory.audit_log import Act, Thing, ThingKind, thing
from opsknight.directory.status_pages import StatusPage
from opsknight.publishing.posts import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST_UPDATES,
    Phase,
    Post,
    PostKind,
    State,
    Update,
    opened,
    updated,
    withdrawn,
)
from opsknight.store.posts import Posts
from opsknight.views import audited
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal.audited import entry
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration, incident_id, operator, unknown
from opsknight_cli.terminal.times import UTC_ZONE, moment, shown, span, stamp

MOST_LISTED: Final = 20
app = typer.Typer(
    help="Tell the readers of public status pages what is wrong, and what is planned.",
    no_args_is_help=True,
)
PageArgument = Annotated[str, typer.Argument(help="The status page's name.")]
PostArgument = Annotated[str, typer.Argument(help="The post's id, as `posts list` shows it.")]
Text = Annotated[str, typer.Option("--text", help="What readers see.")]
Services = Annotated[
    list[str],
    typer.Option(
        "--service",
        help='How a service is: "checkout=degraded", "=partial", "=down" or "=none"; or several.',
    ),
]


@app.command("add")
@common_options()
def add_command(
    invocation: Invocation,
    page: PageArgument,
    title: Annotated[str, typer.Argument(help="What readers notice of it.")],
    text: Text,
    service: Services,
    incident: Annotated[
        str | None, typer.Option("--incident", help="The incident whose public notes are added.")
    ] = None,
    start: Annotated[
        str, typer.Option("--from", help='With --for: when it begins, in UTC, or "+2h".')
    ] = "+0s",
    lasts: Annotated[
        str | None, typer.Option("--for", help='Planned maintenance that lasts so long: "2h".')
    ] = None,
) -> None:
    """Post trouble, or with --for planned maintenance. Everybody sees it within a minute."""
    session, screen = invocation.session, invocation.screen
    now, known = session.now(), configuration(invocation)
    found = _page(page, known)
    states = _states(service, found, known)
    if all(each is State.NONE for each in states.values()):
        raise UsageError("Name a service that is not fine: --service checkout=degraded.")
    begins = moment(start, now, UTC_ZONE) if lasts else now
    kind = PostKind.MAINTENANCE if lasts else PostKind.INCIDENT
    if lasts:
        states = dict.fromkeys(states, State.MAINTENANCE)
    phase = None if lasts else Phase.INVESTIGATING
    post = Post(
        id=session.id("post"),
        page_id=found.id,
        kind=kind,
        title=_within(title, LONGEST_TITLE),
        phase=phase,
        starts_at=begins,
        ends_at=begins + span(lasts) if lasts else None,
        updates=(Update(at=now, text=_within(text, LONGEST_TEXT), phase=phase),),
        incident_id=None if incident is None else incident_id(invocation, incident),
        by=operator(invocation),
        changed_at=now,
    )
    if post.is_over(now):
        raise CommandError("Maintenance must end in the future.")
    post = opened(post, states)
    added = entry(invocation, audited.post_added(_thing(found), post))
    Posts(invocation.deployment.table).publish(post, session.deadline(), audit=added)
    if screen.as_json:
        screen.data({"post": _data(post, now)})
        return
    screen.say(f"Posted on {found.name}: it is on the page within a minute. To end it:", "green")
    screen.command(f'opsknight posts update {page} {post.id} --text "It is over." --phase resolved')


@app.command("update")
@common_options()
def update_command(
    invocation: Invocation,
    page: PageArgument,
    post: PostArgument,
    text: Text,
    phase: Annotated[
        Phase | None, typer.Option("--phase", help="How far you are; `resolved` ends it.")
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option("--service", help="How a service is from now on.")
    ] = None,
) -> None:
    """Say more, change how services are, or end a post."""
    session, screen = invocation.session, invocation.screen
    now, known = session.now(), configuration(invocation)
    found = _page(page, known)
    states = _states(service or [], found, known)
    update = Update(at=now, text=_within(text, LONGEST_TEXT), phase=phase)

    def said(before: Post) -> Post:
        if len(before.updates) >= MOST_UPDATES:
            raise CommandError(f"A post has {MOST_UPDATES} updates at most: begin another one.")
        if before.is_over(now) and (phase is not None or states):
            raise CommandError("The post is over: only a text can be added.")
        return updated(before, update, states)

    changed = _change(invocation, found, post, said, audited.post_updated)
    if screen.as_json:
        screen.data({"post": _data(changed, now)})
    elif changed.is_over(now):
        screen.say(f"It is over on {found.name} within a minute.", "green")
    else:
        screen.say(f"It is on {found.name} within a minute.", "green")


@app.command("withdraw")
@common_options()
def withdraw_command(invocation: Invocation, page: PageArgument, post: PostArgument) -> None:
    """Withdraw a post that was a mistake: nothing of it stays on the page."""
    now, known = invocation.session.now(), configuration(invocation)
    found = _page(page, known)
    gone = audited.post_withdrawn
    changed = _change(invocation, found, post, lambda before: withdrawn(before, now), gone)
    if invocation.screen.as_json:
        invocation.screen.data({"withdrawn": changed.id})
    else:
        invocation.screen.say(f"Nothing of it is on {found.name} within a minute.", "green")


@app.command("list")
@common_options()
def list_command(invocation: Invocation, page: PageArgument) -> None:
    """List what was posted on a page, newest first."""
    session, screen = invocation.session, invocation.screen
    now, found = session.now(), _page(page, configuration(invocation))
    stored = Posts(invocation.deployment.table).newest(found.id, session.deadline(), MOST_LISTED)
    posts = [each for each in stored if each.withdrawn_at is None]
    if screen.as_json:
        screen.data({"posts": [_data(each, now) for each in posts]})
    elif not posts:
        screen.say(f"Nothing was posted on {found.name}.")
    else:
        header = ("POST", "FROM", "STATE", "SERVICES", "TITLE")
        screen.table(header, [_row(each, now) for each in posts], split=3)


def _row(post: Post, now: datetime) -> tuple[str, ...]:
    if post.is_over(now):
        state = "over"
    elif post.starts_at > now:
        state = "planned"
    else:
        state = str(post.phase or post.kind)
    services = ", ".join(dict.fromkeys(slug_of(each.service_id) for each in post.effects))
    return post.id, shown(post.starts_at, UTC_ZONE), state, services, post.title


def _data(post: Post, now: datetime) -> dict[str, Any]:
    return {
        "id": post.id,
        "kind": str(post.kind),
        "title": post.title,
        "phase": None if post.phase is None else str(post.phase),
        "services": {
            slug_of(each.service_id): str(post.state_of(each.service_id, now))
            for each in post.effects
        },
        "from": stamp(post.starts_at),
        "until": None if post.ends_at is None else stamp(post.ends_at),
        "over": post.is_over(now),
        "by": post.by.name,
        "updates": [{"at": stamp(each.at), "text": each.text} for each in post.updates],
    }


def _page(name: str, known: Configuration) -> StatusPage:
    found = known.status_pages.get(id_of(Kind.STATUS_PAGE, name))
    if found is None:
        raise unknown(Kind.STATUS_PAGE, name, known.status_pages)
    if found.public is None:
        raise CommandError(f"{found.name} is not public: give it `public` in the configuration.")
    return found


def _states(given: list[str], page: StatusPage, known: Configuration) -> Mapping[str, State]:
    found: dict[str, State] = {}
    for each in given:
        name, _, word = each.partition("=")
        service_id = id_of(Kind.SERVICE, name.strip())
        if service_id not in known.services:
            raise unknown(Kind.SERVICE, name.strip(), known.services)
        if service_id not in page.service_ids:
            raise CommandError(f"{page.name} does not show {name.strip()}.")
        try:
            found[service_id] = State(word.strip() or State.DEGRADED)
        except ValueError:
            words = ", ".join(State)
            raise UsageError(f'"{word.strip()}" is no state: give one of {words}.') from None
    return found


def _within(text: str, most: int) -> str:
    trimmed = text.strip()
    if not 0 < len(trimmed) <= most:
        raise UsageError(f"A text for readers has 1 to {most} characters.")
    return trimmed


def _thing(page: StatusPage) -> Thing:
    return thing(ThingKind.STATUS_PAGE, page.id, page.name)


def _change(
    invocation: Invocation,
    page: StatusPage,
    post_id: str,
    decide: Callable[[Post], Post],
    act: Callable[[Thing, Post], Act],
) -> Post:
    def known(post: Post) -> Post:
        if post.withdrawn_at is not None:
            raise CommandError("This post was withdrawn.")
        return decide(post)

    posts, deadline = Posts(invocation.deployment.table), invocation.session.deadline()
    changed = posts.change(
        page.id,
        post_id,
        known,
        deadline,
        audit=lambda after: entry(invocation, act(_thing(page), after)),
    )
    if changed is None:
        raise CommandError(f"{page.name} has no post {post_id}: `opsknight posts list` shows them.")
    return changed
