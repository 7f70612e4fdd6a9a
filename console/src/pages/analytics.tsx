/** How soon incidents were acknowledged and resolved, and whom they paged when. One calm table. */
import type { JSX } from "preact";

import { answered, api, type FigureRow, type Figures } from "../api/client";
import { useLoad } from "../api/load";
import { Empty, Problem } from "../parts";
import { go, Link, ROOT } from "../router";
import { span } from "../times";

const BY = [
  ["service", "Services"],
  ["team", "Teams"],
  ["person", "People"],
  ["key", "Keys"],
  ["day", "Days"],
] as const;
type By = (typeof BY)[number][0];
const PERIODS = [
  [7, "7 days"],
  [28, "4 weeks"],
  [91, "13 weeks"],
  [364, "A year"],
] as const;
const DAY = 86_400_000;

/** Whole days, up to yesterday: today's figures are there tomorrow. */
export function period(days: number, now: number): { from: string; to: string } {
  const date = (at: number): string => new Date(at).toISOString().slice(0, 10);
  return { from: date(now - days * DAY), to: date(now - DAY) };
}

/** The same list in the console, from the query of the API. */
export function listed(query: string | undefined): string | undefined {
  if (!query) return undefined;
  const given = new URLSearchParams(query);
  given.delete("status");
  return `${ROOT}incidents?view=resolved&${given}`;
}

export function AnalyticsPage({ address }: { address: URL }): JSX.Element {
  const of = (name: string): string => address.searchParams.get(name) ?? "";
  const by = (BY.find(([name]) => name === of("by"))?.[0] ?? "service") as By;
  const days = PERIODS.find(([number]) => String(number) === of("days"))?.[0] ?? 28;
  const team = of("team");
  const query = { by, ...period(days, Date.now()), ...(team ? { team } : {}) };
  const { data, error, again } = useLoad(
    () => answered(api.GET("/api/analytics", { params: { query } })),
    by,
    days,
    team,
  );
  const teams = useLoad(() => answered(api.GET("/api/teams", {})));
  const set = (name: string, value: string): void => {
    const next = new URL(address);
    if (value) next.searchParams.set(name, value);
    else next.searchParams.delete(name);
    go(next.pathname + next.search, true);
  };
  const csv = `/api/analytics?${new URLSearchParams({ ...query, format: "csv" })}`;
  return (
    <main class="wide">
      <div class="heading">
        <h1>Analytics</h1>
        <a class="button" href={csv} download>
          CSV
        </a>
      </div>
      <div class="filters">
        <div class="views many" role="group" aria-label="A row for each">
          {BY.map(([name, label]) => (
            <button aria-pressed={by === name} onClick={() => set("by", name)}>
              {label}
            </button>
          ))}
        </div>
        <select aria-label="Period" value={String(days)} onChange={(event) => set("days", event.currentTarget.value)}>
          {PERIODS.map(([number, label]) => (
            <option value={String(number)}>{label}</option>
          ))}
        </select>
        <select aria-label="Team" value={team} onChange={(event) => set("team", event.currentTarget.value)}>
          <option value="">All teams</option>
          {(teams.data?.teams ?? []).map((each) => (
            <option value={each.id}>{each.name}</option>
          ))}
        </select>
      </div>
      {error && <Problem error={error} again={again} />}
      {!data && !error && <div class="skeleton" aria-hidden="true" />}
      {data && <Found found={data} by={data.by as By} />}
    </main>
  );
}

function Found({ found, by }: { found: Figures; by: By }): JSX.Element {
  const { total } = found;
  if (!found.rows.length)
    return (
      <Empty>
        {found.madeUntil
          ? "Nothing was resolved in this time."
          : "There are no figures yet: those of a day come half an hour after its end, by UTC."}
      </Empty>
    );
  return (
    <>
      <dl class="tiles">
        <Tile name="Incidents" of={String(total.incidents)} to={listed(total.query)} />
        <Tile name="Acknowledged in" of={length(total.timeToAcknowledge?.median)} also={p90(total.timeToAcknowledge)} />
        <Tile name="Resolved in" of={length(total.timeToResolve?.median)} also={p90(total.timeToResolve)} />
        <Tile name="In time" of={share(total)} also="of those that paged" />
        <Tile name="Pages" of={String(total.pages)} also={`${total.nightPages} at night`} />
      </dl>
      <Hours of={total.hours} name="Pages by the hour of whoever was paged" tall />
      <Table found={found} by={by} />
      <p class="dim">
        Incidents that were resolved from {found.firstDay} to {found.lastDay}, days of UTC. Times are medians.
        {found.madeUntil && found.madeUntil < found.lastDay && ` Figures are made until ${found.madeUntil}.`}
      </p>
    </>
  );
}

function Tile({ name, of, also, to }: { name: string; of: string; also?: string; to?: string | undefined }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <b>{to ? <Link to={to}>{of}</Link> : of}</b>
        {also && <span class="dim">{also}</span>}
      </dd>
    </div>
  );
}

const HEADS: Record<By, string> = {
  service: "Service",
  team: "Team",
  person: "Person",
  key: "What it says",
  day: "Day",
};

function Table({ found, by }: { found: Figures; by: By }): JSX.Element {
  const most = Math.max(1, ...found.rows.map((each) => (by === "person" ? each.pages : each.incidents)));
  const person = by === "person";
  const key = by === "key";
  return (
    <table class="figures">
      <thead>
        <tr>
          <th scope="col">{HEADS[by]}</th>
          <th scope="col">{person ? "Acknowledged" : "Incidents"}</th>
          {key && <th scope="col">Alerts</th>}
          {!key && <th scope="col">To acknowledge</th>}
          {!key && !person && <th scope="col">To resolve</th>}
          {!key && !person && <th scope="col">In time</th>}
          {!key && <th scope="col">Pages</th>}
          {!key && <th scope="col">At night</th>}
          {person && <th scope="col">By hour</th>}
        </tr>
      </thead>
      <tbody>
        {found.rows.map((each) => (
          <tr key={each.id}>
            <th scope="row">
              <bdi>{each.name ?? (each.id || "No team")}</bdi>
              {key && <span class="dim">{each.serviceName ?? each.serviceId}</span>}
            </th>
            <td data-name={person ? "Acknowledged" : "Incidents"}>
              <Number of={each.incidents} to={listed(each.query)} most={person ? 0 : most} />
            </td>
            {key && <td data-name="Alerts">{each.alerts}</td>}
            {!key && (
              <td data-name="To acknowledge">
                {length(each.timeToAcknowledge?.median)} <span class="dim">{p90(each.timeToAcknowledge)}</span>
              </td>
            )}
            {!key && !person && (
              <td data-name="To resolve">
                {length(each.timeToResolve?.median)} <span class="dim">{p90(each.timeToResolve)}</span>
              </td>
            )}
            {!key && !person && <td data-name="In time">{share(each)}</td>}
            {!key && (
              <td data-name="Pages">
                <Number of={each.pages} most={person ? most : 0} />
              </td>
            )}
            {!key && <td data-name="At night">{each.nightPages}</td>}
            {person && (
              <td data-name="By hour">
                <Hours of={each.hours} name={`Pages of ${each.name ?? each.id} by their hour`} />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A figure, with a bar behind it where rows are compared. */
function Number({ of, to, most }: { of: number; to?: string | undefined; most: number }): JSX.Element {
  return (
    <span class="bar">
      {most > 0 && (
        <svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
          <rect width={(100 * of) / most} height="1" />
        </svg>
      )}
      {to && of > 0 ? <Link to={to}>{of}</Link> : of}
    </span>
  );
}

/** A day as bars from midnight on; nights are darker. What a reader hears is the sentence. */
function Hours({ of, name, tall = false }: { of: readonly number[]; name: string; tall?: boolean }): JSX.Element {
  const most = Math.max(1, ...of);
  const worst = of.indexOf(Math.max(...of));
  const said = of.some(Boolean) ? `${name}: most, ${of[worst]}, from ${worst}:00 to ${worst + 1}:00` : `${name}: none`;
  return (
    <figure class={tall ? "hours tall" : "hours"}>
      <svg viewBox="0 0 96 24" preserveAspectRatio="none" role="img" aria-label={said}>
        {of.map((number, hour) => (
          <rect
            class={hour < 7 || hour >= 22 ? "night" : "day"}
            x={hour * 4 + 0.4}
            width={3.2}
            y={24 - Math.max(number ? 1.5 : 0.4, (23 * number) / most)}
            height={Math.max(number ? 1.5 : 0.4, (23 * number) / most)}
          >
            <title>{`${hour}:00: ${number}`}</title>
          </rect>
        ))}
      </svg>
      {tall && (
        <figcaption class="dim">
          <span>0:00</span>
          <span>6:00</span>
          <span>12:00</span>
          <span>18:00</span>
          <span>24:00</span>
        </figcaption>
      )}
    </figure>
  );
}

export function length(seconds: number | undefined): string {
  return seconds === undefined ? "–" : span(seconds * 1000);
}

function p90(found: FigureRow["timeToResolve"]): string {
  return found ? `90% in ${length(found.p90)}` : "";
}

function share(of: FigureRow): string {
  return of.paging ? `${Math.round((100 * of.inTime) / of.paging)}%` : "–";
}
