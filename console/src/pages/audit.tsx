/** Who changed what, when, and from where: the audit log, a batch at a time. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { answered, api, type AuditEntry, type Refused } from "../api/client";
import { refused, useLoad } from "../api/load";
import { Empty, Problem, useNow, When } from "../parts";
import { go, Link } from "../router";
import { clock, instant } from "../times";

interface Found {
  entries: AuditEntry[];
  cursor: string | undefined;
  reading: boolean;
  error: Refused | undefined;
}

const NOTHING: Found = { entries: [], cursor: undefined, reading: true, error: undefined };
// An answer looks at so much of the log: what is rare is looked for this often before somebody says so.
const BATCHES = 4;
const KINDS = [
  ["Who is on call", "override_added,override_removed,calendar_ended"],
  ["Maintenance and holds", "maintenance_planned,maintenance_ended,hold_begun,hold_ended"],
  ["Configuration", "configuration_applied,restored"],
  ["Keys", "integration_added,key_made,key_rotated,key_revoked"],
  ["Logins", "login_link_made,login_failed,session_begun,session_ended"],
  ["Contact methods", "method_asked_for,methods_changed,rules_changed"],
  ["Status pages", "post_added,post_updated,post_withdrawn"],
] as const;
const VIA: Record<string, string> = { console: "in the console", api: "by the API", command_line: "by the command line" };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

export function AuditPage({ address, zone }: { address: URL; zone: string | undefined }): JSX.Element {
  const of = (name: string): string => address.searchParams.get(name) ?? "";
  const kind = of("kind");
  const actor = of("actor");
  const entity = of("entity");
  const from = of("from");
  const to = of("to");
  const [found, setFound] = useState<Found>(NOTHING);
  const users = useLoad(() => answered(api.GET("/api/users", {})));
  const now = useNow(30_000);

  async function read(before: Found, isOver: () => boolean): Promise<void> {
    let { entries, cursor } = before;
    for (let batch = 0; batch < BATCHES; batch++) {
      const query = {
        ...(kind ? { kind } : {}),
        ...(actor ? { actor } : {}),
        ...(entity ? { entity } : {}),
        ...(from ? { from: midnight(from, zone) } : {}),
        ...(to ? { until: midnight(dayAfter(to), zone) } : {}),
        ...(cursor ? { cursor } : {}),
      };
      const answer = await answered(api.GET("/api/audit", { params: { query } }));
      if (isOver()) return;
      entries = [...entries, ...answer.entries];
      cursor = answer.cursor;
      if (!cursor || entries.length - before.entries.length >= 25) break;
    }
    setFound({ entries, cursor, reading: false, error: undefined });
  }
  useEffect(() => {
    let over = false;
    setFound(NOTHING);
    read(NOTHING, () => over).catch((error: unknown) => {
      if (!over) setFound((was) => ({ ...was, reading: false, error: refused(error) }));
    });
    return () => {
      over = true;
    };
  }, [kind, actor, entity, from, to]);
  const more = (): void => {
    setFound((was) => ({ ...was, reading: true }));
    read(found, () => false).catch((error: unknown) => setFound((was) => ({ ...was, reading: false, error: refused(error) })));
  };
  const set = (name: string, value: string): void => {
    const next = new URL(address);
    if (value) next.searchParams.set(name, value);
    else next.searchParams.delete(name);
    go(next.pathname + next.search, true);
  };
  const all = new URL(address);
  all.searchParams.delete("entity");
  return (
    <main>
      <h1>Audit log</h1>
      <div class="filters log">
        <select aria-label="What was done" value={kind} onChange={(event) => set("kind", event.currentTarget.value)}>
          <option value="">Everything</option>
          {KINDS.map(([label, kinds]) => (
            <option value={kinds}>{label}</option>
          ))}
        </select>
        <select aria-label="Who did it" value={actor} onChange={(event) => set("actor", event.currentTarget.value)}>
          <option value="">Anybody</option>
          {(users.data?.users ?? []).map((each) => (
            <option value={each.id}>{each.name}</option>
          ))}
        </select>
        <label>
          From{" "}
          <input type="date" value={from} max={to || undefined} onChange={(event) => set("from", event.currentTarget.value)} />
        </label>
        <label>
          To <input type="date" value={to} min={from || undefined} onChange={(event) => set("to", event.currentTarget.value)} />
        </label>
      </div>
      {entity && (
        <p class="narrowed">
          <span>
            Only about <code>{entity}</code>
          </span>
          <Link to={all.pathname + all.search}>Show all</Link>
        </p>
      )}
      {found.error?.status === 403 && <Empty>This page is for the roles ADMIN and RESPONDER.</Empty>}
      {found.error && found.error.status !== 403 && <Problem error={found.error} again={more} />}
      {found.reading && !found.entries.length && <div class="skeleton" aria-hidden="true" />}
      <ol class="cards audit" aria-label="What was done">
        {found.entries.map((each) => (
          <One key={each.id} each={each} address={address} now={now} zone={zone} />
        ))}
      </ol>
      {!found.reading && !found.error && found.entries.length === 0 && (
        <Empty>{found.cursor ? "None among those looked at so far." : "Nothing of it is in the log."}</Empty>
      )}
      {found.cursor && (
        <p class="more">
          <button disabled={found.reading} onClick={more}>
            {found.reading ? "Looking..." : found.entries.length ? "Show more" : "Look further"}
          </button>
        </p>
      )}
    </main>
  );
}

interface Props {
  each: AuditEntry;
  address: URL;
  now: number;
  zone: string | undefined;
}

function One({ each, address, now, zone }: Props): JSX.Element {
  const about = (id: string): string => {
    const next = new URL(address);
    next.searchParams.set("entity", id);
    return next.pathname + next.search;
  };
  return (
    <li>
      <h2>
        {each.title}: {" "}
        {each.things.slice(0, 1).map((thing) => (
          <Link to={about(thing.id)}>
            <bdi>{thing.name ?? thing.id}</bdi>
          </Link>
        ))}
      </h2>
      <p class="dim">
        <When at={each.at} now={now} zone={zone} /> by <bdi>{each.actor.name}</bdi> {VIA[each.via] ?? each.via}
        {each.source && ` from ${each.source}`}
      </p>
      {each.things.length > 1 && (
        <p class="dim">
          Of{" "}
          {each.things.slice(1).map((thing, number) => (
            <>
              {number > 0 && ", "}
              <Link to={about(thing.id)}>
                <bdi>{thing.name ?? thing.id}</bdi>
              </Link>
            </>
          ))}
        </p>
      )}
      {each.facts.length > 0 && (
        <dl class="facts">
          {each.facts.map((fact) => (
            <>
              <dt>{fact.name.replaceAll("_", " ")}</dt>
              <dd>
                {fact.before !== undefined && (
                  <>
                    <del>
                      <Said text={fact.before} now={now} zone={zone} />
                    </del>{" "}
                  </>
                )}
                {fact.after !== undefined && <Said text={fact.after} now={now} zone={zone} />}
              </dd>
            </>
          ))}
        </dl>
      )}
    </li>
  );
}

/** A time is read by the reader's clock. */
function Said({ text, now, zone }: { text: string; now: number; zone: string | undefined }): JSX.Element {
  return TIME.test(text) ? <time dateTime={text}>{clock(text, now, zone)}</time> : <bdi>{text}</bdi>;
}

function midnight(day: string, zone: string | undefined): string {
  return instant(`${day}T00:00`, zone ?? "UTC");
}

/** By the calendar: a day need not have 24 hours. */
function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}
