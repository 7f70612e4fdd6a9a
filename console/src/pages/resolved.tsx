/** What was resolved, across services, a batch at a time. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { answered, api, type Listed, type Refused, type Urgency } from "../api/client";
import { refused } from "../api/load";
import { Empty, Problem, UrgencyTag } from "../parts";
import { Link, ROOT } from "../router";
import { clock, span } from "../times";

interface Found {
  rows: Listed[];
  cursor: string | undefined;
  reading: boolean;
  error: Refused | undefined;
}

const NOTHING: Found = { rows: [], cursor: undefined, reading: true, error: undefined };
/** What a link, such as that of a figure, may ask for besides. */
const NARROWED = ["resolvedSince", "resolvedUntil", "service", "team", "assignee", "dedupKey"] as const;
// An answer looks at the next 500: a word that few have is looked for this often before somebody says so.
const BATCHES = 4;

interface Props {
  address: URL;
  zone: string | undefined;
  now: number;
  /** Only of this one. */
  service?: string;
}

export function ResolvedList({ address, zone, now, service }: Props): JSX.Element {
  const words = address.searchParams.get("q") ?? "";
  const oldest = address.searchParams.get("sort") === "oldest";
  const urgency = address.searchParams.get("urgency") as Urgency | null;
  const narrowed = NARROWED.filter((name) => address.searchParams.has(name));
  const wanted = Object.fromEntries(narrowed.map((name) => [name, address.searchParams.get(name) ?? ""]));
  const [found, setFound] = useState<Found>(NOTHING);

  async function read(from: Found, isOver: () => boolean): Promise<void> {
    let { rows, cursor } = from;
    for (let batch = 0; batch < BATCHES; batch++) {
      const query = {
        status: "RESOLVED",
        limit: 50,
        ...(words ? { q: words } : {}),
        ...wanted,
        ...(oldest || service || narrowed.length ? { sort: oldest ? ("oldest" as const) : ("newest" as const) } : {}),
        ...(service ? { service } : {}),
        ...(urgency ? { urgency } : {}),
        ...(cursor ? { cursor } : {}),
      };
      const answer = await answered(api.GET("/api/incidents", { params: { query } }));
      if (isOver()) return;
      rows = [...rows, ...answer.incidents];
      cursor = answer.cursor;
      if (!cursor || rows.length - from.rows.length >= 25) break;
    }
    setFound({ rows, cursor, reading: false, error: undefined });
  }
  useEffect(() => {
    let over = false;
    setFound(NOTHING);
    // Not at every key that is pressed.
    const timer = setTimeout(() => {
      read(NOTHING, () => over).catch((error: unknown) => {
        if (!over) setFound((was) => ({ ...was, reading: false, error: refused(error) }));
      });
    }, 250);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [words, oldest, urgency, JSON.stringify(wanted)]);
  const more = (): void => {
    setFound((was) => ({ ...was, reading: true }));
    read(found, () => false).catch((error: unknown) => setFound((was) => ({ ...was, reading: false, error: refused(error) })));
  };
  return (
    <>
      {narrowed.length > 0 && <Narrowed address={address} wanted={wanted} />}
      {found.error && <Problem error={found.error} again={more} />}
      {found.reading && !found.rows.length && <div class="skeleton" aria-hidden="true" />}
      <ul class="rows" aria-label="Resolved incidents">
        {found.rows.map((each) => (
          <li class={`row old ${each.urgency}`}>
            <div class="what">
              <p class="tags">
                <UrgencyTag of={each.urgency} />
                <span class="dim">{each.resolvedAt && `resolved ${clock(each.resolvedAt, now, zone)}`}</span>
              </p>
              <Link to={`${ROOT}incidents/${each.id}`} class="title">
                <bdi>{each.title}</bdi>
              </Link>
              <p class="dim">
                {each.serviceName ?? each.serviceId}
                {each.resolvedAt && `, lasted ${span(Date.parse(each.resolvedAt) - Date.parse(each.createdAt))}`}
                {each.assigneeName && `, assigned to ${each.assigneeName}`}
                {(each.alertCount ?? 1) > 1 && `, ${each.alertCount} alerts`}
              </p>
            </div>
          </li>
        ))}
      </ul>
      {!found.reading && !found.error && found.rows.length === 0 && (
        <Empty>
          {found.cursor ? "None among those looked at so far." : words ? "No resolved incident matches." : "Nothing was resolved yet."}
        </Empty>
      )}
      {found.cursor && (
        <p class="more">
          <button disabled={found.reading} onClick={more}>
            {found.reading ? "Looking..." : found.rows.length ? "Show more" : "Look further"}
          </button>
        </p>
      )}
    </>
  );
}

/** Says what a link left out, and shows all again. */
function Narrowed({ address, wanted }: { address: URL; wanted: Record<string, string> }): JSX.Element {
  const all = new URL(address);
  NARROWED.forEach((name) => all.searchParams.delete(name));
  const { resolvedSince: since, resolvedUntil: until, ...others } = wanted;
  const last = until && new Date(Date.parse(until) - 1).toISOString();
  return (
    <p class="narrowed">
      <span>
        Only {since && `from ${since.slice(0, 10)} `}
        {last && `to ${last.slice(0, 10)} (UTC) `}
        {Object.values(others).map((each) => (
          <code>{each}</code>
        ))}
      </span>
      <Link to={all.pathname + all.search}>Show all</Link>
    </p>
  );
}
