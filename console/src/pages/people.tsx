/** People: their teams, who of them is on call now, and how they are reached, as far as others may see that. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me, type OnCall, type User } from "../api/client";
import { useLoad } from "../api/load";
import { Empty, Problem, useNow } from "../parts";
import { Link, ROOT } from "../router";
import { clock } from "../times";
import { InFile, slug } from "./infile";

export function PeoplePage({ me }: { me: Me }): JSX.Element {
  const users = useLoad(() => answered(api.GET("/api/users", {})));
  const teams = useLoad(() => answered(api.GET("/api/teams", {})));
  const onCall = useLoad(() => answered(api.GET("/api/oncall", {})));
  const [sought, setSought] = useState("");
  const named = new Map((teams.data?.teams ?? []).map((each) => [each.id, each.name]));
  const leads = new Map(
    (teams.data?.teams ?? []).map((each) => [each.id, each.members.filter((one) => one.lead).map((one) => one.userId)]),
  );
  const shown = (users.data?.users ?? []).filter((each) =>
    matches(each, each.teamIds.map((id) => named.get(id) ?? id), sought),
  );
  const error = users.error ?? teams.error ?? onCall.error;
  return (
    <main>
      <div class="heading">
        <h1>People</h1>
        <Link to={`${ROOT}me`} class="button">
          You
        </Link>
      </div>
      {error && (
        <Problem
          error={error}
          again={() => {
            users.again();
            teams.again();
            onCall.again();
          }}
        />
      )}
      <div class="filters">
        <input
          type="search"
          aria-label="Search by name or team"
          placeholder="Search by name or team"
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
      </div>
      {!users.data && !error && <div class="skeleton" aria-hidden="true" />}
      {users.data && shown.length === 0 && <Empty>Nobody of that name.</Empty>}
      <ul class="people">
        {shown.map((each) => (
          <Person
            key={each.id}
            user={each}
            me={me}
            teams={each.teamIds.map((id) => ({ name: named.get(id) ?? id, lead: leads.get(id)?.includes(each.id) ?? false }))}
            holds={(onCall.data?.onCall ?? []).filter((one) => one.userId === each.id)}
          />
        ))}
      </ul>
      <h2>Teams</h2>
      <ul class="cards" aria-label="Teams">
        {(teams.data?.teams ?? []).map((each) => (
          <li key={each.id}>
            <b>{each.name}</b>{" "}
            <span class="dim">
              {each.members.map((one) => (one.lead ? `${one.userName ?? one.userId} (lead)` : one.userName ?? one.userId)).join(", ")}
            </span>
            <InFile path={`teams.${slug(each.id)}`} me={me} />
          </li>
        ))}
      </ul>
      <p class="dim">The configuration has people and teams. What it leaves out of somebody's contact methods is their own.</p>
    </main>
  );
}

function Person(props: {
  user: User;
  me: Me;
  teams: { name: string; lead: boolean }[];
  holds: OnCall[];
}): JSX.Element {
  const { user, me, teams, holds } = props;
  const [open, setOpen] = useState(false);
  const now = useNow(60_000);
  return (
    <li class="person">
      <p class="name">
        {user.name} {user.id === me.id && <span class="tag">you</span>} {user.disabled && <span class="tag">disabled</span>}{" "}
        {holds.length > 0 && <span class="tag now">on call</span>}
      </p>
      {holds.map((each) => (
        <p>
          <Link to={`${ROOT}oncall/${each.scheduleId}`}>{each.name}</Link> <span class="dim">{until(each, now, me.zone)}</span>
        </p>
      ))}
      <p class="dim">
        {teams.length === 0 ? "In no team" : teams.map((each) => (each.lead ? `${each.name} (lead)` : each.name)).join(", ")}
        , {user.role.toLowerCase()}
        {user.zone && `, ${user.zone}`}
      </p>
      {user.id === me.id ? (
        <Link to={`${ROOT}me`}>How you are reached</Link>
      ) : (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>How they are reached</summary>
          {open && <Reached id={user.id} />}
        </details>
      )}
    </li>
  );
}

function Reached({ id }: { id: string }): JSX.Element {
  const { data, error, again } = useLoad(
    () => answered(api.GET("/api/users/{userId}", { params: { path: { userId: id } } })),
    id,
  );
  if (error) return <Problem error={error} again={again} />;
  if (!data) return <p class="dim">Looking...</p>;
  if (data.user.contactMethods.length === 0) return <p class="dim">By e-mail.</p>;
  return (
    <ul>
      {data.user.contactMethods.map((each) => (
        <li>
          {each.name} <span class="dim">{each.channel}</span> <bdi class="dim">{each.address}</bdi>
        </li>
      ))}
    </ul>
  );
}

export function matches(user: Pick<User, "name" | "id">, teams: string[], sought: string): boolean {
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [user.name, user.id, ...teams].join(" ").toLowerCase();
  return words.every((each) => text.includes(each));
}

function until(held: OnCall, now: number, zone: string | undefined): string {
  const shift = held.shifts.find((each) => each.userId === held.userId);
  return shift ? `until ${clock(shift.end, now, zone)}` : "";
}
