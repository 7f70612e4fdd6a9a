"""Sessions and one-time logins in the table, by the hash of their secret.

A row for each session lies under its user too, so that a person can see and end their own.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING

from opsknight.classes import dataclass
from opsknight.directory.audit_log import AuditEntry
from opsknight.directory.entries import User
from opsknight.directory.sessions import (
    LOGIN_LIFE,
    RENEWABLE,
    CodeLogin,
    Identity,
    Login,
    Session,
    Way,
)
from opsknight.notification.delivery import Delivery
from opsknight.store import items, message_items, transactions
from opsknight.store.audit_log import AuditLog
from opsknight.store.callers import CallerRows
from opsknight.store.calls import Conflict, Contended, Deadline, Unavailable, once, retrying
from opsknight.store.wire import Item, attributes, expiry, wire

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write


@dataclass(frozen=True, slots=True)
class Sessions:
    table: CallerRows

    def offer(self, hashed: str, login: Login, deadline: Deadline) -> None:
        """Stores a one-time login."""
        item = self._login_item(hashed, login)
        retrying(deadline, self.table.client.put_item, TableName=self.table.name, Item=item)

    @staticmethod
    def _login_item(hashed: str, login: Login) -> Item:
        item = items.login_key(hashed) | {"kind": {"S": "login"}} | attributes(login)
        return item | {"expires_at": expiry(login.ends_at, timedelta(0))}

    def hand_out(
        self,
        hashed: str,
        login: Login,
        deadline: Deadline,
        *,
        forgets_identities: bool,
        audit: AuditEntry,
    ) -> None:
        """Stores a one-time login that an operator made. If it `forgets_identities`, the user's
        next login by a provider is a first one.
        """
        writes: list[Write] = [transactions.put(self.table.name, self._login_item(hashed, login))]
        if forgets_identities:
            pk = items.session_row_key(login.user_id, "")["pk"]
            for row in self.table.under(pk, "identity#", deadline):
                writes.append(self._gone({"pk": row["pk"], "sk": row["sk"]}))
        writes.append(AuditLog(self.table).writing(audit))
        retrying(
            deadline,
            self.table.client.transact_write_items,
            TransactItems=writes,
            ClientRequestToken=once(audit.id),
        )

    def login(self, hashed: str, now: datetime, deadline: Deadline) -> Login | None:
        found = self.table.get(Login, items.login_key(hashed), deadline)
        return found if found and now < found.ends_at else None

    def is_of(self, login: Login, user: User, deadline: Deadline) -> bool:
        """Whether the login is this user's. An operator's link by an older command line names no
        revision: it is of whoever was there when it was made.
        """
        by_mail = login.code is not None
        if login.user_since is not None or user.since is None or by_mail:
            return login.is_of(user)
        # Seldom asked for, and the models of a configuration are slow to make.
        revision_key: Callable[[int], Item]
        revision_key = import_module("opsknight.store.configuration_writes").revision_key
        row = self.table.item(revision_key(user.since), deadline)
        # Gone where they were made before all that is kept.
        made_at = login.ends_at - LOGIN_LIFE
        return row is None or datetime.fromisoformat(row["at"]["S"]) < made_at

    def begin(
        self,
        login_hash: str,
        hashed: str,
        session: Session,
        token: str,
        deadline: Deadline,
        code: str | None = None,
        *,
        audit: AuditEntry,
    ) -> bool:
        """Spends the login and stores its session, unless somebody was faster. Whether it did.
        `code`: the hash of the code beside it, which is spent as well.
        """
        writes = [self._spent(items.login_key(login_hash), session)]
        writes += [self._gone(items.code_login_key(code))] if code else []
        return self._write([*writes, *self._new(hashed, session)], audit, token, deadline)

    def offer_code(self, hashed: str, asked: CodeLogin, deadline: Deadline) -> None:
        """Stores a login by a code."""
        item = self._code_item(hashed, asked)
        retrying(deadline, self.table.client.put_item, TableName=self.table.name, Item=item)

    def code_login(self, hashed: str, now: datetime, deadline: Deadline) -> CodeLogin | None:
        """One that is not over, and has tries left."""
        found = self.table.get(CodeLogin, items.code_login_key(hashed), deadline)
        return found if found and now < found.ends_at and found.tries_left > 0 else None

    def try_code(self, hashed: str, seen: CodeLogin, deadline: Deadline) -> bool:
        """Uses up one try. False when somebody else has done so since it was seen."""
        tried = seen.model_copy(update={"tries_left": seen.tries_left - 1})
        try:
            retrying(
                deadline,
                self.table.client.put_item,
                TableName=self.table.name,
                Item=self._code_item(hashed, tried),
                ConditionExpression="tries_left = :seen",
                ExpressionAttributeValues={":seen": wire(seen.tries_left)},
            )
        except Conflict:
            return False
        return True

    def begin_by_code(
        self,
        code_hash: str,
        asked: CodeLogin,
        hashed: str,
        session: Session,
        replaced: str | None,
        deadline: Deadline,
        *,
        audit: AuditEntry,
    ) -> bool:
        """Spends the code, and the link beside it, and stores a session. Whether it did. `replaced`
        as for `begin_as`.
        """
        writes = [
            self._spent(items.code_login_key(code_hash), session),
            self._gone(items.login_key(asked.link)),
            *self._ended(replaced, deadline),
            *self._new(hashed, session),
        ]
        return self._write(writes, audit, session.id, deadline)

    def plan(self, delivery: Delivery, deadline: Deadline) -> None:
        """Stores a delivery that brings a code."""
        item = message_items.delivery_item(delivery, self.table.retention)
        put = transactions.put_new(self.table.name, item)["Put"]
        retrying(deadline, self.table.client.put_item, **put)

    def begin_as(
        self,
        identity: Identity,
        hashed: str,
        session: Session,
        replaced: str | None,
        token: str,
        deadline: Deadline,
        *,
        audit: AuditEntry,
    ) -> bool:
        """Stores a session of somebody whom a provider knows. Whether it did: a user stays whoever
        they were at the provider the first time; somebody who had the same id before them was
        somebody else. `replaced` is the hash of the browser's session
        before, which ends.
        """
        key = items.identity_key(session.user_id, identity.issuer)
        item = key | {"kind": {"S": "identity"}} | attributes(identity)
        new_or_same = "attribute_not_exists(pk) OR subject = :subject"
        another, values = "attribute_exists(user_since)", {":subject": wire(identity.subject)}
        if session.user_since is not None:
            item["user_since"] = values[":since"] = wire(session.user_since)
            # An older version puts the row without: it counts as theirs. Where it is not,
            # `login --forget-provider` unties them.
            another = "attribute_exists(user_since) AND user_since <> :since"
        same: Write = {
            "Put": {
                "TableName": self.table.name,
                "Item": item,
                "ConditionExpression": f"{new_or_same} OR ({another})",
                "ExpressionAttributeValues": values,
            }
        }
        writes = [same, *self._ended(replaced, deadline), *self._new(hashed, session)]
        return self._write(writes, audit, token, deadline)

    def _ended(self, replaced: str | None, deadline: Deadline) -> "list[Write]":
        before = self.find(replaced, deadline) if replaced else None
        if before is None or replaced is None:
            return []
        row = items.session_row_key(before.user_id, before.id)
        return [self._gone(items.session_key(replaced)), self._gone(row)]

    def _gone(self, key: Item) -> "Write":
        return {"Delete": {"TableName": self.table.name, "Key": key}}

    def _spent(self, key: Item, session: Session) -> "Write":
        return {
            "Delete": {
                "TableName": self.table.name,
                "Key": key,
                "ConditionExpression": "user_id = :user AND ends_at > :now",
                "ExpressionAttributeValues": {
                    ":user": {"S": session.user_id},
                    ":now": wire(session.created_at),
                },
            }
        }

    @staticmethod
    def _code_item(hashed: str, asked: CodeLogin) -> Item:
        item = items.code_login_key(hashed) | {"kind": {"S": "code_login"}} | attributes(asked)
        return item | {"expires_at": expiry(asked.ends_at, timedelta(0))}

    def _write(
        self, writes: "list[Write]", audit: AuditEntry, token: str, deadline: Deadline
    ) -> bool:
        try:
            retrying(
                deadline,
                self.table.client.transact_write_items,
                TransactItems=[*writes, AuditLog(self.table).writing(audit)],
                ClientRequestToken=once(token),
            )
        except Contended:
            # It says nothing about who somebody is.
            raise Unavailable("the same login is being written") from None
        except Conflict:
            return False
        return True

    def find(self, hashed: str, deadline: Deadline) -> Session | None:
        return self.table.get(Session, items.session_key(hashed), deadline)

    def of(self, user_id: str, deadline: Deadline) -> list[Session]:
        """A user's sessions, oldest first; the ones that are over may be among them."""
        rows = self.table.under(items.session_row_key(user_id, "")["pk"], "session#", deadline)
        return list(self.table.readable(Session, rows))

    def end(self, user_id: str, session_id: str, deadline: Deadline, *, audit: AuditEntry) -> bool:
        """Whether there was such a session of the user."""
        row_key = items.session_row_key(user_id, session_id)
        row = self.table.item(row_key, deadline)
        if row is None:
            return False
        writes = [self._gone(items.session_key(row["hashed"]["S"])), self._gone(row_key)]
        # Whoever is faster has ended it.
        writes[1]["Delete"]["ConditionExpression"] = "attribute_exists(pk)"
        return self._write(writes, audit, audit.id, deadline)

    def _new(self, hashed: str, session: Session) -> "list[Write]":
        known = attributes(session)
        kept = RENEWABLE if session.way is Way.OIDC else timedelta(0)
        known["expires_at"] = expiry(session.ends_at, kept)
        item = items.session_key(hashed) | {"kind": {"S": "session"}} | known
        row = items.session_row_key(session.user_id, session.id)
        row = row | {"kind": {"S": "session_row"}, "hashed": {"S": hashed}} | known
        return [transactions.put_new(self.table.name, each) for each in (item, row)]
