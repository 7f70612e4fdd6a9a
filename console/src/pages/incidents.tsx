/** What needs somebody now: the list, live, most pressing first, and one act on many. */
import type { JSX } from "preact";
import { useCallback, useRef, useState } from "preact/hooks";

import { type Acts, type Outcome, OutcomeNote, useActs } from "../acts";
import type { Listed, Me } from "../api/client";
import type { Live } from "../api/pulse";
import { isStale } from "../live";
import { Empty, still, StatusTag, UrgencyTag, useNow } from "../parts";
import { go, Link, ROOT } from "../router";
import { span } from "../times";
import { Bulk } from "./bulk";
import { KeysHelp, useKeys, withOne } from "./keys";
import { OpenOne } from "./open";
import { allThatMatch, PRESSING, shown, usePlaces, useWide } from "./places";
import { ResolvedList } from "./resolved";
import { ShadowBanner } from "./shadows";

export function Incidents({ live, me, address }: { live: Live; me: Me; address: URL }): JSX.Element {
  const acts = useActs(live.again);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const choose = useCallback((id: string, on: boolean): void => setChosen((was) => withOne(was, id, on)), []);
  const box = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const counts = live.pulse?.counts;
  const many = (counts?.active ?? 0) > PRESSING;
  const wide = useWide(address, me.id, many, live.pulse);
  const now = useNow(5000);
  const isBusy = (): boolean => {
    const element = list.current;
    return chosen.size > 0 || element?.matches(":hover") === true || element?.contains(document.activeElement) === true;
  };
  const places = usePlaces(wide.rows ?? live.pulse?.incidents, live.at, isBusy);
  const rows = shown(places.rows, address, me.id);
  const fresh = shown(places.fresh, address, me.id);
  const off = isStale(live);
  const resolved = address.searchParams.get("view") === "resolved";
  useKeys({ acts, chosen, all: rows.map((each) => each.id), choose: setChosen, box, off });
  return (
    <main>
      <div class="heading">
        <h1 class="quiet">Incidents</h1>
        <OpenOne off={off} />
      </div>
      <ShadowBanner now={now} zone={me.zone} />
      <Filters address={address} live={live} box={box} />
      <p class="announced" role="status">
        {!resolved && fresh.length > 0 && (
          <button onClick={places.settle}>
            {fresh.length} new {fresh.length === 1 ? "incident" : "incidents"}: show
          </button>
        )}
        {!resolved && fresh.length === 0 && places.gone.size > 0 && (
          <button onClick={places.settle}>{places.gone.size} no longer in this list: tidy up</button>
        )}
      </p>
      {resolved ? (
        <ResolvedList address={address} zone={me.zone} now={now} />
      ) : (
        <>
          {live.pulse && !wide.reading && rows.length === 0 && (
            <Empty>
              {places.rows.length ? "No incident matches." : "Nothing is active. Everything that opened is resolved."}
            </Empty>
          )}
          {!live.pulse && !live.loggedOut && <div class="skeleton" aria-hidden="true" />}
          <ul class="rows" aria-label="Incidents" ref={list}>
            {rows.map((each) => (
              <Row
                key={each.id}
                each={each}
                outcome={acts.outcomes.get(each.id)}
                act={acts.act}
                age={span(now - Date.parse(each.createdAt))}
                off={off}
                gone={places.gone.has(each.id)}
                chosen={chosen.has(each.id)}
                choose={choose}
              />
            ))}
          </ul>
          {wide.error && <p class="problem">{wide.error}</p>}
          {many && !wide.rows && (
            <p class="dim">
              These are the {PRESSING} most pressing of {counts?.complete ? counts.active : "more than 200"}.{" "}
              <button class="plain" onClick={wide.ask}>
                Show all
              </button>
            </p>
          )}
          <KeysHelp />
        </>
      )}
      {chosen.size > 0 && !resolved && (
        <Bulk
          acts={acts}
          chosen={[...chosen]}
          all={rows}
          choose={setChosen}
          off={off}
          everything={() => allThatMatch(address, me.id)}
        />
      )}
    </main>
  );
}

interface FiltersProps {
  address: URL;
  live: Live;
  box: { current: HTMLInputElement | null };
}

/** All of them are in the address, so that a list can be sent to somebody. */
function Filters({ address, live, box }: FiltersProps): JSX.Element {
  const counts = live.pulse?.counts;
  const of = (name: string): string => address.searchParams.get(name) ?? "";
  const set = (name: string, value: string): void => {
    const next = new URL(address);
    if (value) next.searchParams.set(name, value);
    else next.searchParams.delete(name);
    go(next.pathname + next.search, true);
  };
  const views = [
    ["", "Active", counts?.active],
    ["open", "Open", counts?.open],
    ["mine", "Mine", counts?.mine],
    ["resolved", "Resolved", undefined],
  ] as const;
  return (
    <div class="filters">
      <div class="views" role="group" aria-label="Which incidents">
        {views.map(([name, label, count]) => (
          <button aria-pressed={of("view") === name} onClick={() => set("view", name)}>
            {label} {count !== undefined && <b>{counts?.complete ? count : `${count}+`}</b>}
          </button>
        ))}
      </div>
      <select aria-label="Urgency" value={of("urgency")} onChange={(event) => set("urgency", event.currentTarget.value)}>
        <option value="">Any urgency</option>
        <option>HIGH</option>
        <option>MEDIUM</option>
        <option>LOW</option>
      </select>
      {of("view") === "resolved" && (
        <select aria-label="Order" value={of("sort")} onChange={(event) => set("sort", event.currentTarget.value)}>
          <option value="">Newest first</option>
          <option value="oldest">Oldest first</option>
        </select>
      )}
      <input
        ref={box}
        type="search"
        aria-label="Search titles and services"
        placeholder="Search"
        value={of("q")}
        onInput={(event) => set("q", event.currentTarget.value)}
      />
    </div>
  );
}

interface RowProps {
  each: Listed;
  outcome: Outcome | undefined;
  act: Acts["act"];
  age: string;
  off: boolean;
  gone: boolean;
  chosen: boolean;
  choose: (id: string, on: boolean) => void;
}

const Row = still(function Row({ each, outcome, act, age, off, gone, chosen, choose }: RowProps): JSX.Element {
  const acting = outcome?.state === "pending";
  return (
    <li class={`row ${each.urgency} ${each.status}`} data-id={each.id}>
      <label class="choose">
        <input type="checkbox" checked={chosen} onChange={(event) => choose(each.id, event.currentTarget.checked)} />
        <span class="only-read">Choose {each.title}</span>
      </label>
      <div class="what">
        <p class="tags">
          <UrgencyTag of={each.urgency} />{" "}
          {gone ? <span class="tag">no longer in this list</span> : <StatusTag of={each.status} />}
        </p>
        <Link to={`${ROOT}incidents/${each.id}`} class="title">
          <bdi>{each.title}</bdi>
        </Link>
        <p class="dim">
          <span title={each.createdAt}>{age}</span> · {each.serviceName ?? each.serviceId}
          {each.assigneeName ? ` · assigned to ${each.assigneeName}` : ""}{" "}
          <OutcomeNote of={outcome} />
        </p>
      </div>
      {each.status !== "ACKNOWLEDGED" && !gone && (
        <button class="ack" disabled={off || acting} onClick={() => void act([each.id], "acknowledge")}>
          Acknowledge
        </button>
      )}
    </li>
  );
});
