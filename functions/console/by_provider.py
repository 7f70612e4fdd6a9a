"""Logging in at the identity provider, again and anew: there with a state, back with a code."""

import re
from dataclasses import field
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlencode

from console.attempts import Attempt, Kind, crowd, destination, of, over
from console.fetching import Fetching, ProviderFailed
from console.id_token import Untrusted
from console.pages import Link, page
from console.provider import Known, Provider
from console.visits import LOGIN, Beginning, Visit
from opsknight.classes import dataclass
from opsknight.directory.entries import User
from opsknight.directory.sessions import Way
from opsknight.http.gateway import RETRY_UNAVAILABLE, Answer
from opsknight.runtime.identity_provider import read_provider
from opsknight.runtime.ssm_secrets import SecretReader, SecretsUnavailable
from opsknight.store.audit_log import AuditLog
from opsknight.store.sessions import Sessions
from opsknight.views import audited

BEGIN: Final = "/auth/oidc"
_PLAIN: Final = re.compile(r"[0-9A-Za-z_.-]{1,60}")
_NOBODY: Final = "Nobody is logged in"
_NOT_OURS: Final = (
    "This login is over",
    "It was not begun in this browser, or more than ten minutes ago.",
)
_STATE: Final = re.compile(r"[0-9A-Za-z_-]{43}")


@dataclass(slots=True)
class ByProvider:
    sessions: Sessions
    secrets: SecretReader
    settings_name: str
    """Name of the SSM parameter with the provider; empty where the deployment has none."""
    fetching: Fetching = field(default_factory=Fetching)
    _provider: Provider | None = None

    def provider(self, visit: Visit) -> Provider | None:
        """None where people log in otherwise. Raises SecretsUnavailable."""
        if not self.settings_name:
            return None
        text = self.secrets.read(self.settings_name, visit.now)
        settings = read_provider(text or "")
        if settings is None:
            raise SecretsUnavailable("NoProvider")
        if self._provider is None or self._provider.settings != settings:
            self._provider = Provider(settings, self.secrets, self.fetching)
        return self._provider

    def begin(self, provider: Provider, kind: Kind, visit: Visit) -> Answer:
        """Sends the browser there."""
        then = destination(visit.request.query.get("next", ""))
        attempt = Attempt(token_urlsafe(32), kind, visit.now, then)
        try:
            where = provider.authorization(attempt, visit.now)
        except ProviderFailed as cause:
            return _failed(provider, cause, visit)
        cookies = (*crowd(visit.request.cookies), attempt.cookie)
        return Answer(302, "", {"Location": where}, cookies=cookies)

    def finish(self, provider: Provider, visit: Visit) -> Answer:
        """Somebody came back."""
        query = visit.request.query
        state = query.get("state", "")
        attempt = of(visit.request.cookies, state, visit.now) if _STATE.fullmatch(state) else None
        issuer = query.get("iss", provider.settings.issuer)
        if attempt is None or issuer != provider.settings.issuer:
            # RFC 9207: an answer of another provider is none to this question.
            return self._refused("no login of this browser", 400, *_NOT_OURS, visit, provider)
        spent = over(state)
        if "code" not in query:
            return self._unanswered(attempt, spent, visit, provider)
        try:
            known = provider.redeem(query["code"][:4096], attempt, visit.now)
        except ProviderFailed as cause:
            return _failed(provider, cause, visit, spent)
        except Untrusted as why:
            text = f"What {provider.host} said does not hold: it is {why}."
            return self._refused(f"token: {why}", 403, "You are not logged in", text, visit)
        return self._enter(provider, known, attempt, spent, visit)

    def _enter(
        self, provider: Provider, known: Known, attempt: Attempt, spent: str, visit: Visit
    ) -> Answer:
        visit.log_fields["subject"] = known.identity.subject[:100]
        if known.email is None:
            text = f"{provider.host} gives no e-mail address of yours that it has verified."
            return self._refused("no verified address", 403, _NOBODY, text, visit)
        found = self.sessions.table.users_called(known.email, visit.deadline)
        if len(found) != 1:
            why = "no user has" if not found else "more than one user has"
            text = f"In the configuration of OpsKnight, {why} the address {known.email}."
            reason = "unknown address" if not found else "ambiguous address"
            return self._refused(reason, 403, _NOBODY, text, visit)
        [user] = found
        visit.log_fields["user_id"] = user.id
        if user.disabled:
            self._note_failure(user, "the user is disabled", visit)
            text = f"{known.email} is disabled in the configuration of OpsKnight."
            return self._refused("disabled user", 403, _NOBODY, text, visit)
        begun = Beginning.of(user, Way.OIDC, visit, known.authenticated_at)
        session, replaced = begun.session, visit.session_hash
        entry = visit.audit(audited.session_begun(user, session), user)
        if not self.sessions.begin_as(
            known.identity, begun.hashed, session, replaced, session.id, visit.deadline, audit=entry
        ):
            self._note_failure(user, "another identity of the provider", visit)
            mend = f"opsknight login --user {user.id.partition('_')[2]} --forget-provider"
            text = (
                f"{user.name} has logged in here as somebody else of {provider.host} before."
                f" If that was you: `{mend}`."
            )
            return self._refused("another identity", 403, _NOBODY, text, visit)
        return begun.answer(attempt.then, spent)

    def _note_failure(self, user: User, why: str, visit: Visit) -> None:
        entry = visit.audit(audited.login_failed(user, why))
        AuditLog(self.sessions.table).note(entry, visit.deadline)

    def _unanswered(self, attempt: Attempt, spent: str, visit: Visit, provider: Provider) -> Answer:
        """It came back with an error (RFC 6749, 4.1.2.1)."""
        error = visit.request.query.get("error", "")
        error = error if _PLAIN.fullmatch(error) else "no code"
        visit.log_fields["refused"] = f"provider: {error}"
        if attempt.kind is Kind.RENEWAL:
            # It would ask something, so the person has to go there.
            where = f"{LOGIN}?{urlencode({'next': attempt.then})}"
            return Answer(302, "", {"Location": where}, cookies=(spent,))
        text = f"{provider.host} answered `{error}`."
        links = [Link("Try again", f"{BEGIN}?{urlencode({'next': attempt.then})}", first=True)]
        return page(403, "You are not logged in", text, links=links, cookies=(spent,))

    @staticmethod
    def _refused(
        reason: str,
        status: int,
        title: str,
        text: str,
        visit: Visit,
        provider: Provider | None = None,
    ) -> Answer:
        visit.log_fields["refused"] = reason
        # Behind another address of the console than the provider leads back to, no cookie comes.
        where = f"{provider.settings.url}{LOGIN}" if provider else LOGIN
        return page(status, title, text, links=[Link("Log in", where, first=True)])


def _failed(provider: Provider, cause: ProviderFailed, visit: Visit, *cookies: str) -> Answer:
    visit.log_fields["cause"] = f"provider: {cause}"
    text = (
        f"{provider.host} does not answer as it should: {cause}."
        "\n\nThe link in your page works without login, and whoever runs OpsKnight can make another"
        " one: `opsknight login --user YOU`."
    )
    links = [Link("Try again", LOGIN, first=True)]
    # Nothing of ours is broken.
    return page(
        503,
        "Not right now",
        text,
        links=links,
        cookies=cookies,
        expected=True,
        headers=RETRY_UNAVAILABLE,
    )
