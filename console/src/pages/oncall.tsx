/** Who is on call now and next, my own shifts, and how to hand one over. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me, type OnCall as Schedule } from "../api/client";
import { refused, useLoad } from "../api/load";
import { Empty, Problem, useNow } from "../parts";
import { clock, span } from "../times";

type Shift = Schedule["shifts"][number];

/** Stretches of the next seven days in which nobody is on call. */
export function gaps(shifts: readonly Shift[], from: string, days = 7): { start: string; end: string }[] {
  const found: { start: string; end: string }[] = [];
  const end = new Date(Date.parse(from) + days * 86_400_000).toISOString();
  let until = from;
  for (const each of shifts) {
    if (Date.parse(each.start) > Date.parse(until)) found.push({ start: until, end: each.start });
    if (Date.parse(each.end) > Date.parse(until)) until = each.end;
  }
  if (Date.parse(until) < Date.parse(end)) found.push({ start: until, end });
  return found;
}

export function OnCallPage({ me }: { me: Me }): JSX.Element {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/oncall", {})));
  const now = useNow(30_000);
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
          {mine.length === 0 && <Empty>You have no shift in the next seven days.</Empty>}
          <ul class="shifts">
            {mine.map(({ schedule, shift }) => (
              <li>
                <b>{schedule.name}</b> {range(shift, now, zone)}
                {Date.parse(shift.start) <= now && <span class="tag now"> now</span>}
              </li>
            ))}
          </ul>
        </section>
      )}
      {(data?.onCall ?? []).map((schedule) => (
        <One key={schedule.scheduleId} schedule={schedule} me={me} now={now} again={again} />
      ))}
      {data && data.onCall.length === 0 && <Empty>There are no schedules yet. The configuration file makes them.</Empty>}
      <p class="dim">Times in {zone ?? "UTC"}.</p>
    </main>
  );
}

function range(shift: { start: string; end: string }, now: number, zone: string | undefined): string {
  const began = Date.parse(shift.start) <= now;
  return began ? `until ${clock(shift.end, now, zone)}` : `${clock(shift.start, now, zone)} to ${clock(shift.end, now, zone)}`;
}

function One({ schedule, me, now, again }: { schedule: Schedule; me: Me; now: number; again: () => void }): JSX.Element {
  const zone = me.zone;
  const [current, ...later] = schedule.shifts;
  const following = later.find((each) => each.userId !== current?.userId);
  const holes = gaps(schedule.shifts, schedule.at);
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
          {schedule.shifts.map((each) => (
            <li class={each.override ? "override" : ""}>
              <b>{each.userName ?? each.userId}</b> {clock(each.start, now, zone)} to {clock(each.end, now, zone)}
              {each.override && <span class="tag"> override</span>}
            </li>
          ))}
        </ol>
      </details>
      <Override schedule={schedule} me={me} again={again} />
    </section>
  );
}

/** What a form's local time means in the browser's zone. */
function instant(local: string): string {
  return new Date(local).toISOString();
}

function Override({ schedule, me, again }: { schedule: Schedule; me: Me; again: () => void }): JSX.Element {
  const users = useLoad(() => answered(api.GET("/api/users", {})));
  const [who, setWho] = useState("");
  const [instead, setInstead] = useState("");
  const [start, setStart] = useState("");
  const [end, setEnd] = useState("");
  const [said, setSaid] = useState("");
  const people = (users.data?.users ?? []).filter((each) => !each.disabled);
  const affected = schedule.shifts.filter(
    (each) =>
      start && end && Date.parse(each.start) < Date.parse(end) && Date.parse(each.end) > Date.parse(start) &&
      (!instead || each.userId === instead),
  );
  const name = (id: string): string => people.find((each) => each.id === id)?.name ?? id;

  async function put(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setSaid("Putting them on call...");
    try {
      const body = { userId: who, start: instant(start), end: instant(end), ...(instead ? { replaces: instead } : {}) };
      const params = { path: { scheduleId: schedule.scheduleId } };
      await answered(api.POST("/api/schedules/{scheduleId}/overrides", { params, body }));
      setSaid(`${name(who)} is on call then.`);
      again();
    } catch (error) {
      setSaid(refused(error).message);
    }
  }
  return (
    <details>
      <summary>Put somebody else on call</summary>
      <form class="override-form" onSubmit={(event) => void put(event)}>
        <label>
          Who
          <select required value={who} onChange={(event) => setWho(event.currentTarget.value)}>
            <option value="" disabled>
              Choose
            </option>
            {people.map((each) => (
              <option value={each.id}>{each.id === me.id ? `${each.name} (you)` : each.name}</option>
            ))}
          </select>
        </label>
        <label>
          Instead of
          <select value={instead} onChange={(event) => setInstead(event.currentTarget.value)}>
            <option value="">whoever it is</option>
            {people.map((each) => (
              <option value={each.id}>{each.id === me.id ? `${each.name} (you)` : each.name}</option>
            ))}
          </select>
        </label>
        <label>
          From
          <input type="datetime-local" required value={start} onInput={(event) => setStart(event.currentTarget.value)} />
        </label>
        <label>
          Until
          <input type="datetime-local" required value={end} onInput={(event) => setEnd(event.currentTarget.value)} />
        </label>
        {who && start && end && (
          <p class="dim">
            {affected.length
              ? `Takes over from ${[...new Set(affected.map((each) => each.userName ?? each.userId))].join(", ")}.`
              : "Takes over from nobody: no shift is then."}
          </p>
        )}
        <button>Put on call</button>
        <p role="status">{said}</p>
      </form>
    </details>
  );
}
