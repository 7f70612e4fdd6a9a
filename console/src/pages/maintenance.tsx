/** Maintenance windows of a service: those in force and to come, and a form for another one. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me, type ServiceDetails } from "../api/client";
import { refused, useLoad } from "../api/load";
import { Empty, Problem } from "../parts";
import { clock, instant, local } from "../times";

interface Props {
  service: ServiceDetails;
  me: Me;
  now: number;
  again: () => void;
}

export function Maintenance({ service, me, now, again }: Props): JSX.Element {
  const zone = me.zone ?? "UTC";
  const params = { path: { serviceId: service.id } };
  const windows = useLoad(() => answered(api.GET("/api/services/{serviceId}/maintenance", { params })));
  const [start, setStart] = useState(local(new Date().toISOString(), zone));
  const [end, setEnd] = useState(local(new Date(Date.now() + 3_600_000).toISOString(), zone));
  const [days, setDays] = useState(0);
  const [reason, setReason] = useState("");
  const [keeps, setKeeps] = useState(false);
  const [said, setSaid] = useState("");

  async function act(doing: string, ask: () => Promise<string>): Promise<void> {
    setSaid(doing);
    try {
      setSaid(await ask());
      windows.again();
      again();
    } catch (error) {
      setSaid(refused(error).message);
    }
  }
  const plan = (event: SubmitEvent): void => {
    event.preventDefault();
    const body = {
      // The minute that the form shows has begun: it means now.
      ...(Date.parse(instant(start, zone)) > Date.now() ? { start: instant(start, zone) } : {}),
      end: instant(end, zone),
      reason,
      keepSuppressed: keeps,
      ...(days ? { repeat: { days, zone } } : {}),
    };
    void act("Planning...", async () => {
      await answered(api.POST("/api/services/{serviceId}/maintenance", { params, body }));
      setReason("");
      return "Planned: incidents that open in it page nobody.";
    });
  };
  const finish = (windowId: string, only: boolean): void =>
    void act("Ending...", async () => {
      const path = { serviceId: service.id, windowId };
      const query = only ? { only: "current" as const } : {};
      const { incidents } = await answered(
        api.DELETE("/api/services/{serviceId}/maintenance/{windowId}", { params: { path, query } }),
      );
      return incidents ? `It is over: ${incidents} suppressed incidents open now, and page.` : "It is over.";
    });
  return (
    <section>
      {windows.error && <Problem error={windows.error} again={windows.again} />}
      {windows.data?.maintenance.length === 0 && <Empty>No maintenance is planned.</Empty>}
      <ul class="cards">
        {(windows.data?.maintenance ?? []).map((each) => {
          const on = Date.parse(each.start) <= now;
          return (
            <li>
              <b>
                <bdi>{each.reason}</bdi>
              </b>
              {on && <span class="tag now"> now</span>}
              <p class="dim">
                {clock(each.start, now, zone)} to {clock(each.end, now, zone)}
                {each.repeat && `, every ${each.repeat.days === 1 ? "day" : `${each.repeat.days} days`} (${each.repeat.zone})`}
                {each.by && `, by ${each.by}`}
              </p>
              <p class="buttons">
                {each.repeat && on && <button onClick={() => finish(each.id, true)}>End this time only</button>}
                <button onClick={() => finish(each.id, false)}>{on ? "End it now" : "Remove"}</button>
              </p>
            </li>
          );
        })}
      </ul>
      <form class="card" onSubmit={plan}>
        <h2>Plan maintenance</h2>
        <div class="two">
          <label>
            From
            <input type="datetime-local" required value={start} onInput={(event) => setStart(event.currentTarget.value)} />
          </label>
          <label>
            Until
            <input type="datetime-local" required value={end} onInput={(event) => setEnd(event.currentTarget.value)} />
          </label>
        </div>
        <label>
          Again
          <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            <option value={0}>no</option>
            <option value={1}>every day</option>
            <option value={7}>every week</option>
            <option value={14}>every two weeks</option>
            <option value={28}>every four weeks</option>
          </select>
        </label>
        <label>
          Reason
          <input required maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <label class="check">
          <input type="checkbox" checked={keeps} onChange={(event) => setKeeps(event.currentTarget.checked)} />
          <span>What opens in it stays suppressed when it ends</span>
        </label>
        <button class="first">Plan</button>
        <p class="dim">Times in {zone}.</p>
        <p role="status">{said}</p>
      </form>
    </section>
  );
}
