/** Who is on call now and next, my own shifts, and how to hand one over. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me, type OnCall as Schedule } from "../api/client";
import { useLoad } from "../api/load";
import { Empty, Problem, useNow } from "../parts";
import { Link, ROOT } from "../router";
import { clock, span } from "../times";
import { OverrideDialog, type Wished } from "./override";
import { Subscribe } from "./subscribe";

type Shift = Schedule["shifts"][number];

const DAY = 86_400_000;
// Of my own shifts; the rest is a step away.
const SHOWN = 5;
/** How far ahead people see their own shifts. */
const MINE_DAYS = 28;

/** Stretches of the next seven days in which nobody is on call. */
export function gaps(shifts: readonly Shift[], from: string, days = 7): { start: string; end: string }[] {
  const found: { start: string; end: string }[] = [];
  const end = new Date(Date.parse(from) + days * DAY).toISOString();
  let until = from;
  for (const each of shifts) {
    if (Date.parse(each.start) > Date.parse(until)) found.push({ start: until, end: each.start });
    if (Date.parse(each.end) > Date.parse(until)) until = each.end;
  }
  if (Date.parse(until) < Date.parse(end)) found.push({ start: until, end });
  return found;
}

export function OnCallPage({ me }: { me: Me }): JSX.Element {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/oncall", { params: { query: { days: MINE_DAYS } } })));
  const now = useNow(30_000);
  const [wished, setWished] = useState<Wished>();
  const zone = me.zone;
  const mine = (data?.onCall ?? [])
    .flatMap((schedule) => schedule.shifts.map((shift) => ({ schedule, shift })))
    .filter(({ shift }) => shift.userId === me.id)
    .sort((one, other) => one.shift.start.localeCompare(other.shift.start));
  return (
    <main>
      <h1 class="quiet">On call</h1>
      {error && <Problem error={error} again={again} />}
      {data && (
        <section class="mine">
          <h2>You</h2>
          {mine.length === 0 && <Empty>You have no shift in the next four weeks.</Empty>}
          <Mine of={mine.slice(0, SHOWN)} now={now} zone={zone} />
          {mine.length > SHOWN && (
            <details>
              <summary>{mine.length - SHOWN} more in the next four weeks</summary>
              <Mine of={mine.slice(SHOWN)} now={now} zone={zone} />
            </details>
          )}
          <Subscribe />
        </section>
      )}
      {(data?.onCall ?? []).map((schedule) => (
        <One key={schedule.scheduleId} schedule={schedule} me={me} now={now} wish={setWished} />
      ))}
      {data && data.onCall.length === 0 && <Empty>There are no schedules yet. The configuration file makes them.</Empty>}
      <p class="dim">Times in {zone ?? "UTC"}.</p>
      <OverrideDialog wished={wished} me={me} close={() => setWished(undefined)} done={again} />
    </main>
  );
}

interface MineProps {
  of: { schedule: Schedule; shift: Shift }[];
  now: number;
  zone: string | undefined;
}

function Mine({ of, now, zone }: MineProps): JSX.Element {
  return (
    <ul class="shifts">
      {of.map(({ schedule, shift }) => (
        <li>
          <b>{schedule.name}</b> {range(shift, asOf(schedule, now), zone)}{" "}
          {Date.parse(shift.start) <= asOf(schedule, now) && <span class="tag now">now</span>}
        </li>
      ))}
    </ul>
  );
}

/** Shifts are cut at the instant of the answer, which the page's clock may not have reached yet. */
export function asOf(schedule: { at: string }, now: number): number {
  return Math.max(now, Date.parse(schedule.at));
}

/** "until 16:00", "Sat 08:00 to 16:00", "Sat 22:00 to Sun 06:00". */
export function range(shift: { start: string; end: string }, now: number, zone: string | undefined): string {
  const end = clock(shift.end, now, zone);
  if (Date.parse(shift.start) <= now) return `until ${end}`;
  // By the day of its start, an end on the same day is an hour alone.
  const near = clock(shift.end, Date.parse(shift.start), zone);
  return `${clock(shift.start, now, zone)} to ${near.length === 5 ? near : end}`;
}

function One({ schedule, me, now, wish }: { schedule: Schedule; me: Me; now: number; wish: (wished: Wished) => void }): JSX.Element {
  const zone = me.zone;
  const [current, ...later] = schedule.shifts;
  const following = later.find((each) => each.userId !== current?.userId);
  const week = schedule.shifts.filter((each) => Date.parse(each.start) < Date.parse(schedule.at) + 7 * DAY);
  const holes = gaps(week, schedule.at);
  return (
    <section class="schedule">
      <h2>{schedule.name}</h2>
      <p class="holder">
        {schedule.userId ? (
          <>
            <b>{schedule.userName ?? schedule.userId}</b>
            {schedule.userId === me.id && " (you)"} {current && `until ${clock(current.end, now, zone)}`}
            {following && (
              <span class="dim">
                , then {following.userName ?? following.userId} from {clock(following.start, now, zone)}
              </span>
            )}
          </>
        ) : (
          <b class="nobody">Nobody is on call</b>
        )}
      </p>
      {holes.map((each) => (
        <p class="gap">
          Nobody for {span(Date.parse(each.end) - Date.parse(each.start))}: {clock(each.start, now, zone)} to{" "}
          {clock(each.end, now, zone)}
        </p>
      ))}
      <details>
        <summary>The next seven days</summary>
        <ol class="shifts">
          {week.map((each) => (
            <li class={each.override ? "override" : ""}>
              <b>{each.userName ?? each.userId}</b> {range(each, asOf(schedule, now), zone)}
              {each.override && <span class="tag"> override</span>}
            </li>
          ))}
        </ol>
      </details>
      <div class="buttons">
        {current && current.userId !== me.id && (
          <button onClick={() => wish(taken(schedule, current, me))}>Take this shift</button>
        )}
        <Link to={`${ROOT}oncall/${schedule.scheduleId}`} class="button">
          Calendar
        </Link>
        <button onClick={() => wish({ scheduleId: schedule.scheduleId, name: schedule.name })}>Put somebody else on call</button>
      </div>
    </section>
  );
}

/** The rest of a shift, for whoever looks. */
export function taken(schedule: Schedule, shift: Shift, me: Me): Wished {
  const start = Date.parse(shift.start) < Date.now() ? new Date().toISOString() : shift.start;
  return { scheduleId: schedule.scheduleId, name: schedule.name, who: me.id, instead: shift.userId, start, end: shift.end };
}
