/** What happened to an incident, newest first. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Details, type TimelineEntry } from "../api/client";
import { refused } from "../api/load";
import { Foreign } from "../parts";
import { clock } from "../times";

const KINDS = { all: "Everything", people: "People", messages: "Messages" } as const;

export function Timeline({ incident, now, zone }: { incident: Details; now: number; zone: string | undefined }): JSX.Element {
  const [kind, setKind] = useState<keyof typeof KINDS>("all");
  const [older, setOlder] = useState<{ rows: TimelineEntry[]; cursor?: string | undefined }>();
  const [said, setSaid] = useState("");
  const first = incident.timeline[0];
  const rows = [...incident.timeline].reverse();
  // Its beginning is missing when there are very many entries.
  const begins = (older?.rows.at(-1) ?? first)?.what === "opened";
  const before = (older?.rows ?? []).filter((each) => !first || each.at < first.at);
  const all = [...rows, ...before].filter((each) => {
    if (kind === "people") return each.by !== undefined;
    if (kind === "messages") return each.channel !== undefined;
    return true;
  });

  async function more(): Promise<void> {
    setSaid("Reading...");
    try {
      const path = { incidentId: incident.id };
      const query = older?.cursor ? { cursor: older.cursor, limit: 100 } : { limit: 100 };
      const found = await answered(api.GET("/api/incidents/{incidentId}/timeline", { params: { path, query } }));
      setOlder({ rows: [...(older?.rows ?? []), ...found.timeline], cursor: found.cursor });
      setSaid("");
    } catch (error) {
      setSaid(refused(error).message);
    }
  }
  return (
    <section>
      <h2>Timeline</h2>
      <div class="views" role="group" aria-label="Which rows">
        {(Object.keys(KINDS) as (keyof typeof KINDS)[]).map((each) => (
          <button aria-pressed={kind === each} onClick={() => setKind(each)}>
            {KINDS[each]}
          </button>
        ))}
      </div>
      <ol class="timeline">
        {all.map((each) => (
          <li>
            <time dateTime={each.at} class="dim">
              {clock(each.at, now, zone)}
            </time>{" "}
            <Foreign text={each.text} />
            {each.detail?.["public"] && <span class="tag"> on status pages</span>}
          </li>
        ))}
      </ol>
      {!begins && (!older || older.cursor) && <button onClick={() => void more()}>Older entries</button>}
      <p role="status">{said}</p>
    </section>
  );
}
