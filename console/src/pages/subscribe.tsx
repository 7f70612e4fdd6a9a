/** The address of a calendar, to be read by the calendar of a telephone or a desk. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api } from "../api/client";
import { refused } from "../api/load";

export function Subscribe({ scheduleId }: { scheduleId?: string }): JSX.Element {
  const [address, setAddress] = useState("");
  const [said, setSaid] = useState("");

  async function show(): Promise<void> {
    setSaid("");
    try {
      const { calendars } = await answered(api.GET("/api/calendar", {}));
      const found = scheduleId ? calendars.schedules.find((each) => each.scheduleId === scheduleId)?.path : calendars.mine;
      setAddress(found ? new URL(found, location.origin).href : "");
    } catch (error) {
      setSaid(refused(error).message);
    }
  }
  async function end(): Promise<void> {
    try {
      const query = scheduleId ? { schedule: scheduleId } : {};
      await answered(api.DELETE("/api/calendar", { params: { query } }));
      setAddress("");
      setSaid("The address works no more, for anybody. Subscribe again for a new one.");
    } catch (error) {
      setSaid(refused(error).message);
    }
  }
  return (
    <div class="subscribe">
      {address ? (
        <>
          <input readOnly aria-label="Address of the calendar" value={address} onFocus={(event) => event.currentTarget.select()} />
          <p class="buttons">
            <button onClick={() => void navigator.clipboard.writeText(address).then(() => setSaid("Copied."))}>Copy</button>
            <a class="button" href={address.replace(/^https?:/, "webcal:")}>
              Open in the calendar
            </a>
            <button onClick={() => void end()}>End this address</button>
          </p>
          <p class="dim">Whoever has the address reads the shifts, without logging in.</p>
        </>
      ) : (
        <button class="plain" onClick={() => void show()}>
          {scheduleId ? "Subscribe to this schedule" : "Subscribe to your shifts"}
        </button>
      )}
      <p role="status">{said}</p>
    </div>
  );
}
