/** What needs somebody now: the list, live, most pressing first, and one act on many. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { type Acts, OutcomeNote, useActs } from "../acts";
import type { Listed, Me } from "../api/client";
import type { Live } from "../api/pulse";
import { isStale } from "../live";
import { Empty, StatusTag, UrgencyTag, useNow } from "../parts";
import { go, Link, ROOT } from "../router";
import { span } from "../times";

const SNOOZES = [
  [30, "30 min"],
  [60, "1 h"],
  [240, "4 h"],
] as const;

/** Those that the page shows, by its address. */
export function shown(all: readonly Listed[], address: URL, me: string): Listed[] {
  const words = (address.searchParams.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const view = address.searchParams.get("view");
  return all.filter((each) => {
    const text = `${each.title} ${each.serviceName ?? ""} ${each.id}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) return false;
    if (view === "mine") return each.assigneeId === me;
    if (view === "open") return each.status === "OPEN";
    return true;
  });
}

export function Incidents({ live, me, address }: { live: Live; me: Me; address: URL }): JSX.Element {
  const acts = useActs(live.again);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [order, setOrder] = useState<readonly string[]>([]);
  const box = useRef<HTMLInputElement>(null);
  const arrived = live.pulse?.incidents;
  const now = useNow(5000);

  // Rows that are there stay where they are while somebody reads or chooses: new ones wait above.
  const fresh = useMemo(() => (arrived ?? []).filter((each) => !order.includes(each.id)), [arrived, order]);
  const busy = chosen.size > 0;
  useEffect(() => {
    if (arrived && (!busy || order.length === 0)) setOrder(arrived.map((each) => each.id));
  }, [arrived, busy]);
  const byId = useMemo(() => new Map((arrived ?? []).map((each) => [each.id, each])), [arrived]);
  const placed = order.flatMap((id) => byId.get(id) ?? []);
  const rows = shown(placed, address, me.id);
  const off = isStale(live);
  useKeys(rows, acts, chosen, setChosen, box, off);

  const set = (name: string, value: string): void => {
    const next = new URL(address);
    if (value) next.searchParams.set(name, value);
    else next.searchParams.delete(name);
    go(next.pathname + next.search, true);
  };
  const counts = live.pulse?.counts;
  const view = address.searchParams.get("view") ?? "";
  return (
    <main>
      <h1 class="quiet">Incidents</h1>
      <div class="filters">
        <div class="views" role="group" aria-label="Which incidents">
          {(
            [
              ["", "Active", counts?.active],
              ["open", "Open", counts?.open],
              ["mine", "Mine", counts?.mine],
            ] as const
          ).map(([name, label, count]) => (
            <button aria-pressed={view === name} onClick={() => set("view", name)}>
              {label} {count !== undefined && <b>{counts?.complete ? count : `${count}+`}</b>}
            </button>
          ))}
        </div>
        <input
          ref={box}
          type="search"
          aria-label="Search titles and services"
          placeholder="Search"
          value={address.searchParams.get("q") ?? ""}
          onInput={(event) => set("q", event.currentTarget.value)}
        />
      </div>
      <p class="announced" role="status">
        {busy && fresh.length > 0 && (
          <button onClick={() => setOrder((arrived ?? []).map((each) => each.id))}>
            {fresh.length} new {fresh.length === 1 ? "incident" : "incidents"}: show
          </button>
        )}
      </p>
      {live.pulse && rows.length === 0 && (
        <Empty>
          {placed.length ? "No incident matches." : "Nothing is active. Everything that opened is resolved."}
        </Empty>
      )}
      {!live.pulse && !live.loggedOut && <div class="skeleton" aria-hidden="true" />}
      <ul class="rows" aria-label="Incidents">
        {rows.map((each) => (
          <Row
            key={each.id}
            each={each}
            acts={acts}
            now={now}
            off={off}
            chosen={chosen.has(each.id)}
            choose={(on) => setChosen(withOne(chosen, each.id, on))}
          />
        ))}
      </ul>
      {counts && !counts.complete && <p class="dim">There are more than 200 active incidents. Search finds those above.</p>}
      {busy && <Bulk acts={acts} chosen={[...chosen]} all={rows} choose={setChosen} off={off} />}
    </main>
  );
}

function withOne(chosen: ReadonlySet<string>, id: string, on: boolean): ReadonlySet<string> {
  const next = new Set(chosen);
  if (on) next.add(id);
  else next.delete(id);
  return next;
}

interface RowProps {
  each: Listed;
  acts: Acts;
  now: number;
  off: boolean;
  chosen: boolean;
  choose: (on: boolean) => void;
}

function Row({ each, acts, now, off, chosen, choose }: RowProps): JSX.Element {
  const outcome = acts.outcomes.get(each.id);
  const acting = outcome?.state === "pending";
  return (
    <li class={`row ${each.urgency} ${each.status}`} data-id={each.id}>
      <label class="choose">
        <input type="checkbox" checked={chosen} onChange={(event) => choose(event.currentTarget.checked)} />
        <span class="only-read">Choose {each.title}</span>
      </label>
      <div class="what">
        <p class="tags">
          <UrgencyTag of={each.urgency} /> <StatusTag of={each.status} />{" "}
          <span class="dim" title={each.createdAt}>
            {span(now - Date.parse(each.createdAt))}
          </span>
        </p>
        <Link to={`${ROOT}incidents/${each.id}`} class="title">
          <bdi>{each.title}</bdi>
        </Link>
        <p class="dim">
          {each.serviceName ?? each.serviceId}
          {each.assigneeName ? ` · ${each.status === "OPEN" ? "assigned to" : ""} ${each.assigneeName}` : ""}{" "}
          <OutcomeNote of={outcome} />
        </p>
      </div>
      {each.status !== "ACKNOWLEDGED" && (
        <button class="ack" disabled={off || acting} onClick={() => void acts.act([each.id], "acknowledge")}>
          Acknowledge
        </button>
      )}
    </li>
  );
}

interface BulkProps {
  acts: Acts;
  chosen: readonly string[];
  all: readonly Listed[];
  choose: (ids: ReadonlySet<string>) => void;
  off: boolean;
}

function Bulk({ acts, chosen, all, choose, off }: BulkProps): JSX.Element {
  const [note, setNote] = useState("");
  const act = (wanted: "acknowledge" | "resolve" | "snooze", minutes?: number): void => {
    const more = { ...(note.trim() ? { note: note.trim() } : {}), ...(minutes ? { minutes } : {}) };
    void acts.act(chosen, wanted, more).then(() => choose(new Set()));
    setNote("");
  };
  return (
    <section class="bulk" aria-label="Act on those chosen">
      <p>
        <b>{chosen.length} chosen</b>{" "}
        {chosen.length < all.length && (
          <button class="plain" onClick={() => choose(new Set(all.map((each) => each.id)))}>
            choose all {all.length}
          </button>
        )}{" "}
        <button class="plain" onClick={() => choose(new Set())}>
          choose none
        </button>
      </p>
      <input
        aria-label="Note on each"
        placeholder="Note on each (optional)"
        maxLength={5000}
        value={note}
        onInput={(event) => setNote(event.currentTarget.value)}
      />
      <div class="buttons">
        <button class="first" disabled={off} onClick={() => act("acknowledge")}>
          Acknowledge
        </button>
        <button disabled={off} onClick={() => act("resolve")}>
          Resolve
        </button>
        <select
          aria-label="Snooze"
          disabled={off}
          value=""
          onChange={(event) => act("snooze", Number(event.currentTarget.value))}
        >
          <option value="" disabled>
            Snooze...
          </option>
          {SNOOZES.map(([minutes, label]) => (
            <option value={minutes}>{label}</option>
          ))}
        </select>
      </div>
    </section>
  );
}

/** `j k` move, `Enter` opens, `x` chooses, `a` acknowledges, `/` searches. */
function useKeys(
  rows: readonly Listed[],
  acts: Acts,
  chosen: ReadonlySet<string>,
  choose: (ids: ReadonlySet<string>) => void,
  box: { current: HTMLInputElement | null },
  off: boolean,
): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.metaKey || event.ctrlKey || event.altKey || target.closest("input:not([type=checkbox]), select, textarea"))
        return;
      const links = [...document.querySelectorAll<HTMLAnchorElement>(".rows .title")];
      const here = target.closest<HTMLElement>(".row");
      const at = here ? links.findIndex((link) => here.contains(link)) : -1;
      const id = here?.dataset["id"];
      switch (event.key) {
        case "j":
          links[Math.min(at + 1, links.length - 1)]?.focus();
          break;
        case "k":
          links[Math.max(at - 1, 0)]?.focus();
          break;
        case "x":
          if (id) choose(withOne(chosen, id, !chosen.has(id)));
          break;
        case "a":
          // Only with a row in focus: a key pressed by mistake acts on nothing.
          if (id && !off) void acts.act([id], "acknowledge");
          break;
        case "/":
          box.current?.focus();
          break;
        default:
          return;
      }
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [rows, chosen, off]);
}
