/** The calendar of a schedule: lanes of shifts over two weeks, and a list by day on phones. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me, type ScheduleShifts, type Shift } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, useNow } from "../parts";
import { go, Link, ROOT } from "../router";
import { clock, day, midnights } from "../times";
import { InFile, slug } from "./infile";
import { OverrideDialog, type Wished } from "./override";
import { Subscribe } from "./subscribe";

// Percent of two weeks: less holds no name.
const NARROW = 6;
const DAYS = 14;
const DAY = 86_400_000;

interface Props {
  id: string;
  me: Me;
  address: URL;
}

export function SchedulePage({ id, me, address }: Props): JSX.Element {
  const zone = me.zone ?? "UTC";
  const now = useNow(60_000);
  const asked = Date.parse(address.searchParams.get("from") ?? "");
  const edges = midnights(Number.isNaN(asked) ? now : asked, DAYS + 1, zone);
  const [from, until] = [edges[0] ?? now, edges[DAYS] ?? now];
  const { data, error, again } = useLoad(
    () =>
      answered(
        api.GET("/api/schedules/{scheduleId}/shifts", {
          params: {
            path: { scheduleId: id },
            query: { from: new Date(from).toISOString(), until: new Date(until).toISOString() },
          },
        }),
      ),
    id,
    from,
  );
  const [wished, setWished] = useState<Wished>();
  const move = (days: number): void => go(`${ROOT}oncall/${id}?from=${new Date(from + days * DAY + DAY / 2).toISOString()}`);
  const wish = (shift: Shift): void => {
    const start = Date.parse(shift.start) < Date.now() ? new Date().toISOString() : shift.start;
    const take = shift.userId === me.id ? {} : { who: me.id };
    const override = shift.override ? { override: shift.override } : {};
    setWished({ scheduleId: id, name: data?.name ?? id, instead: shift.userId, start, end: shift.end, ...take, ...override });
  };
  return (
    <main class="wide">
      <p class="back">
        <Link to={`${ROOT}oncall`}>On call</Link>
      </p>
      <div class="heading">
        <h1>{data?.name ?? "Schedule"}</h1>
        <button onClick={() => setWished({ scheduleId: id, name: data?.name ?? id })}>Put somebody on call</button>
      </div>
      {error && <Problem error={error} again={again} />}
      <p class="views">
        <button onClick={() => move(-DAYS)}>Earlier</button>
        <button onClick={() => go(`${ROOT}oncall/${id}`)}>Today</button>
        <button onClick={() => move(DAYS)}>Later</button>
      </p>
      {data && (
        <>
          <Lanes found={data} edges={edges} zone={zone} now={now} wish={wish} />
          <Days found={data} edges={edges} zone={zone} now={now} wish={wish} me={me} />
          {data.overrides.length > 0 && (
            <section>
              <h2>Overrides</h2>
              <ul class="shifts">
                {data.overrides.map((each) => (
                  <li class="override">
                    <b>{each.userName ?? each.userId}</b> for {each.replacesName ?? each.replaces ?? "whoever it is"},{" "}
                    {clock(each.start, now, zone)} to {clock(each.end, now, zone)}
                    {each.by && <span class="dim">, by {each.by}</span>}
                  </li>
                ))}
              </ul>
            </section>
          )}
          <Subscribe scheduleId={id} />
          <InFile path={`schedules.${slug(id)}`} me={me} />
          <p class="dim">
            Times in {zone}
            {data.zone !== zone && `; it is handed over by the clock of ${data.zone}`}.
          </p>
        </>
      )}
      <OverrideDialog wished={wished} me={me} close={() => setWished(undefined)} done={again} />
    </main>
  );
}

interface Shown {
  found: ScheduleShifts;
  edges: readonly number[];
  zone: string;
  now: number;
  wish: (shift: Shift) => void;
}

/** One colour a person, the same in every lane. */
function hue(userId: string): string {
  let sum = 0;
  for (const letter of userId) sum = (sum * 31 + letter.charCodeAt(0)) % 6;
  return `person-${sum}`;
}

/** One tab stop; arrows go along a lane and between lanes, Enter opens. */
function Lanes({ found, edges, zone, now, wish }: Shown): JSX.Element {
  const [from, until] = [edges[0] ?? 0, edges.at(-1) ?? 1];
  const place = (at: string | number): number =>
    Math.min(100, Math.max(0, ((Number(new Date(at)) - from) / (until - from)) * 100));
  const lanes = [
    { name: "On call", shifts: found.final, gaps: found.gaps },
    ...found.layers.map((each) => ({ name: each.name, shifts: each.shifts, gaps: [] })),
  ];
  const [focus, setFocus] = useState<readonly [number, number]>([0, 0]);
  const press = (event: KeyboardEvent, lane: number, number: number): void => {
    const steps: Record<string, readonly [number, number]> = {
      ArrowRight: [lane, number + 1],
      ArrowLeft: [lane, number - 1],
      ArrowDown: [lane + 1, 0],
      ArrowUp: [lane - 1, 0],
    };
    const wanted = steps[event.key];
    if (!wanted || !lanes[wanted[0]]?.shifts[wanted[1]]) return;
    event.preventDefault();
    setFocus(wanted);
    document.querySelector<HTMLElement>(`[data-place="${wanted[0]}-${wanted[1]}"]`)?.focus();
  };
  const isNarrow = (shift: Shift): boolean => place(shift.end) - place(shift.start) < NARROW;
  return (
    <div class="lanes" role="group" aria-label="Shifts of two weeks. Arrow keys go from shift to shift.">
      <div class="lane days" aria-hidden="true">
        <span class="lane-name" />
        <span class="track">
          {edges.slice(0, -1).map((at) => (
            <span class="edge" style={{ left: `${place(at)}%` }}>
              {day(at, zone)}
            </span>
          ))}
        </span>
      </div>
      {lanes.map((lane, row) => (
        <div class="lane">
          <span class="lane-name">{lane.name}</span>
          <span class="track">
            {edges.slice(0, -1).map((at) => (
              <span class="line" style={{ left: `${place(at)}%` }} />
            ))}
            {lane.shifts.map((shift, number) => (
              <button
                class={`shift ${hue(shift.userId)}${shift.override ? " override" : ""}${isNarrow(shift) ? " narrow" : ""}`}
                data-place={`${row}-${number}`}
                tabIndex={focus[0] === row && focus[1] === number ? 0 : -1}
                style={{ left: `${place(shift.start)}%`, width: `${place(shift.end) - place(shift.start)}%` }}
                title={words(shift, now, zone)}
                aria-label={words(shift, now, zone)}
                onFocus={() => setFocus([row, number])}
                onKeyDown={(event) => press(event, row, number)}
                onClick={() => wish(shift)}
              >
                {isNarrow(shift) ? initials(shift.userName ?? shift.userId) : (shift.userName ?? shift.userId)}
              </button>
            ))}
            {lane.gaps.map((each) => (
              <span
                class="hole"
                style={{ left: `${place(each.start)}%`, width: `${place(each.end) - place(each.start)}%` }}
                title={`Nobody, ${clock(each.start, now, zone)} to ${clock(each.end, now, zone)}`}
              >
                nobody
              </span>
            ))}
            {now > from && now < until && row === 0 && <span class="now-line" style={{ left: `${place(now)}%` }} />}
          </span>
        </div>
      ))}
    </div>
  );
}

/** Of a name that does not fit: "AL" for Ada Lovelace. */
export function initials(name: string): string {
  const found = name.split(/\s+/).filter(Boolean);
  const last = found.length > 1 ? found[found.length - 1] : "";
  return [found[0], last].map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase();
}

function words(shift: Shift, now: number, zone: string): string {
  const who = shift.userName ?? shift.userId;
  return `${who}${shift.override ? " (override)" : ""}, ${clock(shift.start, now, zone)} to ${clock(shift.end, now, zone)}`;
}

/** The same for a phone. */
function Days({ found, edges, zone, now, wish, me }: Shown & { me: Me }): JSX.Element {
  const rows = [
    ...found.final.map((shift) => ({ start: shift.start, end: shift.end, shift })),
    ...found.gaps.map((gap) => ({ start: gap.start, end: gap.end, shift: undefined })),
  ].sort((one, other) => one.start.localeCompare(other.start));
  return (
    <ol class="by-day">
      {edges.slice(0, -1).map((at, number) => {
        const end = edges[number + 1] ?? at + DAY;
        const here = rows.filter((each) => Date.parse(each.start) < end && Date.parse(each.end) > at);
        return (
          <li>
            <h3>{day(at, zone, true)}</h3>
            <ul>
              {here.map((each) => (
                <li class={each.shift ? (each.shift.override ? "override" : "") : "gap"}>
                  <span>
                    <b>{each.shift ? (each.shift.userName ?? each.shift.userId) : "Nobody"}</b>{" "}
                    {each.shift?.override && <span class="tag">override</span>}{" "}
                    <span class="dim">
                      {Date.parse(each.start) > at ? `from ${clock(each.start, Date.parse(each.start), zone)} ` : ""}
                      {Date.parse(each.end) < end ? `until ${clock(each.end, Date.parse(each.end), zone)}` : ""}
                    </span>
                  </span>
                  {each.shift && Date.parse(each.end) > now && (
                    <button class="small" onClick={() => each.shift && wish(each.shift)}>
                      {each.shift.userId === me.id ? "Hand over" : "Take it"}
                    </button>
                  )}
                </li>
              ))}
            </ul>
          </li>
        );
      })}
    </ol>
  );
}
