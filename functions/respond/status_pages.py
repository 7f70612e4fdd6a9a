"""Handlers of the HTTP API for what people post on public status pages. Each post asks for its page
to be rendered; a page that was not asked for is rendered within the minute.
"""

from collections.abc import Callable, Mapping, Set

from opsknight.directory.audit_log import Act, Thing, ThingKind, thing
from opsknight.directory.entries import Service
from opsknight.directory.status_pages import StatusPage
from opsknight.http.body import invalid
from opsknight.http.gateway import Answer, HttpError, Issue
from opsknight.publishing.board import worst
from opsknight.publishing.posts import (
    MOST_UPDATES,
    Post,
    PostKind,
    State,
    Update,
    opened,
    updated,
    withdrawn,
)
from opsknight.store import items
from opsknight.store.posts import Posts
from opsknight.views import audited
from opsknight.views import status_models as models
from opsknight.views.models import NotPossible
from opsknight.views.roster_models import Removed
from respond.request import ApiCall
from respond.status_contract import NewPost, PostUpdate

MOST_SHOWN = 100


def list_pages(call: ApiCall) -> Answer:
    table = call.table
    stored = table.readable(StatusPage, table.status_pages(call.deadline))
    pages = [each for each in stored if each.public is not None]
    rendered = Posts(table).rendered([each.id for each in pages], call.deadline)
    wanted = {service_id for each in pages for service_id in each.service_ids}
    services = _services(wanted, call)
    shown = []
    for page in pages:
        posts = Posts(table).newest(page.id, call.deadline, MOST_SHOWN)
        after = page.public.automatic_after if page.public else None
        known = [services[each] for each in page.service_ids if each in services]
        shown.append(
            models.StatusPageAnswer(
                id=page.id,
                name=page.name,
                path=f"/status/{page.path}",
                services=[_service(page, each, posts, call) for each in known],
                automatic_minutes=None if after is None else int(after.total_seconds() // 60),
                rendered_at=rendered.get(page.id),
            )
        )
    return Answer(200, models.StatusPages(status_pages=shown))


def list_posts(call: ApiCall) -> Answer:
    [page_id] = call.ids
    _page(page_id, call)
    found = Posts(call.table).newest(page_id, call.deadline, MOST_SHOWN)
    shown = [_shown(each, call) for each in found if each.withdrawn_at is None]
    return Answer(200, models.Posts(posts=shown))


def add_post(call: ApiCall, wanted: NewPost) -> Answer:
    [page_id] = call.ids
    page = _page(page_id, call)
    _check_states(page, wanted.services, call)
    is_planned = wanted.ends_at is not None
    start = wanted.starts_at or call.now
    issues = []
    if wanted.ends_at is not None and wanted.ends_at <= max(start, call.now):
        issues.append(Issue(path="endsAt", message="must be after its start, and not over yet"))
    if not is_planned and start > call.now:
        issues.append(Issue(path="startsAt", message="must not be to come, but of maintenance"))
    if all(each is State.NONE for each in wanted.services.values()):
        issues.append(Issue(path="services", message="must name a service that is not fine"))
    if wanted.incident_id is not None:
        _check_incident(wanted.incident_id, call)
    if issues:
        raise invalid(*issues)
    states = dict(wanted.services)
    if is_planned:
        states = {each: State.MAINTENANCE for each, state in states.items() if state != State.NONE}
    post = Post(
        id=call.new_id("post"),
        page_id=page_id,
        kind=PostKind.MAINTENANCE if is_planned else PostKind.INCIDENT,
        title=wanted.title,
        phase=None if is_planned else wanted.phase,
        starts_at=start,
        ends_at=wanted.ends_at,
        updates=(
            Update(at=call.now, text=wanted.text, phase=None if is_planned else wanted.phase),
        ),
        incident_id=wanted.incident_id,
        by=call.caller.actor,
        changed_at=call.now,
    )
    post = opened(post, states)
    answer = Answer(201, models.ShownPost(post=_shown(post, call)))
    beside = call.once.beside(answer) if call.once else ()
    entry = call.audit(audited.post_added(_thing(page), post))
    Posts(call.table).publish(post, call.deadline, audit=entry, beside=beside)
    _render(post, call)
    return answer


def update_post(call: ApiCall, wanted: PostUpdate) -> Answer:
    page_id, post_id = call.ids
    page = _page(page_id, call)
    update = Update(at=call.now, text=wanted.text, phase=wanted.phase)

    def changed(post: Post) -> Post:
        _check_post(post, call)
        if wanted.services:
            _check_states(page, wanted.services, call)
        if update in post.updates:
            # An attempt whose answer was lost has written it.
            return post
        if len(post.updates) >= MOST_UPDATES:
            raise HttpError(409, NotPossible(error="Too many updates", maximum=MOST_UPDATES))
        if post.is_over(call.now) and (wanted.phase is not None or wanted.services):
            raise HttpError(409, NotPossible(error="The post is over"))
        return updated(post, update, wanted.services)

    return _change(page, post_id, changed, call, audited.post_updated)


def withdraw_post(call: ApiCall) -> Answer:
    page_id, post_id = call.ids
    page = _page(page_id, call)

    def gone(post: Post) -> Post:
        _check_post(post, call)
        return withdrawn(post, call.now)

    _change(page, post_id, gone, call, audited.post_withdrawn)
    return Answer(200, Removed(status="success"))


def _change(
    page: StatusPage,
    post_id: str,
    decide: Callable[[Post], Post],
    call: ApiCall,
    act: Callable[[Thing, Post], Act],
) -> Answer:
    def known(post: Post) -> Post:
        if post.withdrawn_at is not None:
            raise HttpError(404, "Post not found")
        return decide(post)

    post = Posts(call.table).change(
        page.id,
        post_id,
        known,
        call.deadline,
        audit=lambda after: call.audit(act(_thing(page), after)),
    )
    if post is None:
        raise HttpError(404, "Post not found")
    _render(post, call)
    return Answer(200, models.ShownPost(post=_shown(post, call)))


def _thing(page: StatusPage) -> Thing:
    return thing(ThingKind.STATUS_PAGE, page.id, page.name)


def _render(post: Post, call: ApiCall) -> None:
    if call.renders is not None:
        call.renders.ask([post.page_id])


def _page(page_id: str, call: ApiCall) -> StatusPage:
    page = call.table.get(StatusPage, items.status_page_key(page_id), call.deadline)
    if page is None or page.public is None:
        raise HttpError(404, "Status page not found")
    return page


def _check_states(page: StatusPage, states: Mapping[str, State], call: ApiCall) -> None:
    """Whoever speaks for a service may say that it is down. Raises HttpError."""
    unknown = [each for each in states if each not in page.service_ids]
    if unknown:
        message = "must be a service that the page lists"
        raise invalid(*(Issue(path=f"services.{each}", message=message) for each in unknown))
    _check_services(states.keys(), call)


def _check_post(post: Post, call: ApiCall) -> None:
    """Whether or not the page lists its services any more. Raises HttpError."""
    _check_services({each.service_id for each in post.effects}, call)


def _check_services(service_ids: Set[str], call: ApiCall) -> None:
    """Raises HttpError. What is about no service any more is nobody's in particular."""
    if call.caller.sees_all:
        return
    services = _services(service_ids, call)
    for each in service_ids or {""}:
        call.caller.require(services.get(each), "Service")


def _check_incident(incident_id: str, call: ApiCall) -> None:
    incident = call.table.incident(incident_id, call.deadline)
    if incident is None:
        raise HttpError(404, "Incident not found")
    service = call.table.service(incident.service_id, call.deadline)
    call.caller.require(service, "Incident")


def _services(wanted: Set[str], call: ApiCall) -> dict[str, Service]:
    keys = [items.service_key(each) for each in sorted(wanted)]
    found = call.table.readable(Service, call.table.batch(keys, call.deadline))
    return {each.id: each for each in found}


def _service(
    page: StatusPage, service: Service, posts: list[Post], call: ApiCall
) -> models.ShownServiceAnswer:
    own = page.public.names if page.public else {}
    state = worst(each.state_of(service.id, call.now) for each in posts)
    return models.ShownServiceAnswer(
        id=service.id, name=own.get(service.id, service.name), state=state
    )


def _shown(post: Post, call: ApiCall) -> models.PostAnswer:
    over = post.is_over(call.now)
    last = {each.service_id: each for each in sorted(post.effects, key=lambda it: it.start)}
    kept = (it for it in last.values() if over or it.end is None or it.end > call.now)
    return models.PostAnswer(
        id=post.id,
        kind=post.kind,
        title=post.title,
        phase=post.phase,
        services=[
            models.PostServiceAnswer(service_id=each.service_id, state=each.state) for each in kept
        ],
        starts_at=post.starts_at,
        ends_at=post.ends_at,
        over=over,
        automatic=post.automatic,
        incident_id=post.incident_id,
        by=post.by.name,
        updates=[
            models.PostUpdateAnswer(at=each.at, text=each.text, phase=each.phase)
            for each in post.updates
        ],
    )
