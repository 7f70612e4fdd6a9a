/** The alerts of an incident: the newest at once, all others and each event as it was received on demand. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { type Alert, answered, api, type Details } from "../api/client";
import { refused } from "../api/load";
import { Foreign } from "../parts";
import { clock } from "../times";

interface Props {
  incident: Details;
  now: number;
  zone: string | undefined;
}

export function Alerts({ incident, now, zone }: Props): JSX.Element {
  const [older, setOlder] = useState<{ rows: Alert[]; cursor?: string | undefined }>();
  const [said, setSaid] = useState("");
  const path = { incidentId: incident.id };
  const shown = new Set(incident.alerts.map((each) => each.id));
  const rows = [...incident.alerts, ...(older?.rows ?? []).filter((each) => !shown.has(each.id))];

  async function more(): Promise<void> {
    setSaid("Reading...");
    try {
      const query = older?.cursor ? { cursor: older.cursor, limit: 100 } : { limit: 100 };
      const found = await answered(api.GET("/api/incidents/{incidentId}/alerts", { params: { path, query } }));
      setOlder({ rows: [...(older?.rows ?? []), ...found.alerts], cursor: found.cursor });
      setSaid("");
    } catch (error) {
      setSaid(refused(error).message);
    }
  }
  const left = older ? older.cursor !== undefined : incident.alertCount > incident.alerts.length;
  return (
    <section>
      <h2>Alerts</h2>
      {rows.map((each) => (
        <One key={each.id} each={each} incidentId={incident.id} now={now} zone={zone} />
      ))}
      {left && (
        <p>
          <button onClick={() => void more()}>Older alerts</button>{" "}
          <span class="dim">
            {rows.length} of {incident.alertCount} are here.
          </span>
        </p>
      )}
      <p role="status">{said}</p>
    </section>
  );
}

function One({ each, incidentId, now, zone }: { each: Alert; incidentId: string; now: number; zone: string | undefined }): JSX.Element {
  const [event, setEvent] = useState("");
  async function read(): Promise<void> {
    try {
      const params = { path: { incidentId, alertId: each.id } };
      const found = await answered(api.GET("/api/incidents/{incidentId}/alerts/{alertId}", { params }));
      setEvent(indented(found.event));
    } catch (error) {
      setEvent(refused(error).message);
    }
  }
  return (
    <details class="alert">
      <summary>
        <span class="dim">{clock(each.at, now, zone)}</span> <bdi>{each.summary}</bdi>
      </summary>
      <dl class="facts">
        <dt>Source</dt>
        <dd>
          <bdi>{each.source}</bdi>
        </dd>
        <dt>Severity</dt>
        <dd>{each.severity}</dd>
        <dt>Sent by</dt>
        <dd>{each.by.name}</dd>
      </dl>
      {each.details && (
        <pre class="details" tabIndex={0}>
          <Foreign text={each.details} />
        </pre>
      )}
      {event ? (
        <pre class="details" tabIndex={0} aria-label="As it was received">
          {event}
        </pre>
      ) : (
        <button class="plain" onClick={() => void read()}>
          The event as it was received
        </button>
      )}
    </details>
  );
}

/** With line breaks, if it is JSON that can be read; numbers that JavaScript would change stay as they are sent. */
export function indented(text: string): string {
  try {
    const found: unknown = JSON.parse(text);
    const laid = JSON.stringify(found, null, 2);
    return JSON.stringify(found) === text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1") ? laid : text;
  } catch {
    return text;
  }
}
