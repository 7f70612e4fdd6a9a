"""The routes about public status pages; as in `routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import STATUS_READ, STATUS_WRITE
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Reply, Route
from opsknight.views import status_models as models
from opsknight.views.roster_models import Removed
from respond import status_pages
from respond.status_contract import NewPost, PostUpdate

_POSTS: Final = "/api/status-pages/{pageId}/posts"
_POST: Final = f"{_POSTS}/{{postId}}"

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="GET",
        path="/api/status-pages",
        name="listStatusPages",
        scope=STATUS_READ,
        handler=status_pages.list_pages,
        summary="List public status pages, and how their services are.",
        replies=(Reply(200, "All of them, by id.", models.StatusPages, LIMITS),),
        errors=(400,),
    ),
    Route(
        method="GET",
        path=_POSTS,
        name="listPosts",
        scope=STATUS_READ,
        handler=status_pages.list_posts,
        summary="List what was posted on a status page.",
        replies=(Reply(200, "The newest 100.", models.Posts, LIMITS),),
        errors=(400, 404),
    ),
    Route(
        method="POST",
        path=_POSTS,
        name="addPost",
        scope=STATUS_WRITE,
        handler=status_pages.add_post,
        summary="Post trouble or planned maintenance: everybody sees it within seconds.",
        body=NewPost,
        example={
            "title": "Payments fail for some",
            "text": "We are looking into it.",
            "services": {"svc_checkout": "degraded"},
        },
        replies=(Reply(201, "It is posted.", models.ShownPost, LIMITS),),
        errors=(400, 403, 404, 413),
    ),
    Route(
        method="POST",
        path=f"{_POST}/updates",
        name="updatePost",
        scope=STATUS_WRITE,
        handler=status_pages.update_post,
        summary="Say more about it, change how services are, or end it.",
        body=PostUpdate,
        example={"text": "It works again.", "phase": "resolved"},
        replies=(Reply(200, "It is said.", models.ShownPost, LIMITS),),
        errors=(400, 403, 404, 409, 413),
    ),
    Route(
        method="DELETE",
        path=_POST,
        name="withdrawPost",
        scope=STATUS_WRITE,
        handler=status_pages.withdraw_post,
        summary="Withdraw a post that was a mistake: nothing of it stays.",
        replies=(Reply(200, "It is gone.", Removed, LIMITS),),
        errors=(400, 403, 404),
    ),
)
