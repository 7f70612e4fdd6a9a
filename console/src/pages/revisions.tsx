/** What was applied: by whom, when, and what it changed. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type ConfigurationRevision, type Refused } from "../api/client";
import { refused, useLoad } from "../api/load";
import { Empty, Problem, When } from "../parts";

interface Props {
  /** Which the configuration has now: another one asks again. */
  of: number;
  now: number;
  zone: string | undefined;
}

const VERBS: Record<string, string> = { create: "new", update: "changed", remove: "removed" };

export function Revisions({ of, now, zone }: Props): JSX.Element {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/configuration/revisions", {})), of);
  const [older, setOlder] = useState<{ of: number; all: readonly ConfigurationRevision[]; next: number | undefined }>();
  const [failed, setFailed] = useState<Refused>();
  const more = older?.of === of ? older : undefined;
  const all = [...(data?.revisions ?? []), ...(more?.all ?? [])];
  const next = more ? more.next : data?.next;
  const load = async (before: number): Promise<void> => {
    try {
      const found = await answered(api.GET("/api/configuration/revisions", { params: { query: { before } } }));
      setOlder({ of, all: [...(more?.all ?? []), ...found.revisions], next: found.next });
      setFailed(undefined);
    } catch (problem) {
      setFailed(refused(problem));
    }
  };
  return (
    <section aria-labelledby="revisions-title">
      <h2 id="revisions-title">What was applied</h2>
      {error && <Problem error={error} again={again} />}
      {data && all.length === 0 && <Empty>Nothing that this version knows of.</Empty>}
      <ul class="revisions">
        {all.map((each) => (
          <li key={each.revision}>
            <details>
              <summary>
                Revision {each.revision}, <When at={each.at} now={now} zone={zone} />, by <bdi>{each.who}</bdi>
                {each.by === "console" ? " in the console" : each.source ? ` from ${each.source}` : " from a file"}
                {each.tookOver && <b> who took it over</b>}
              </summary>
              {each.changes.length === 0 && <p class="dim">Nothing but the owner changed.</p>}
              <ul>
                {each.changes.map((one) => (
                  <li>
                    <code>{one.path}</code> {VERBS[one.action] ?? one.action}
                  </li>
                ))}
              </ul>
            </details>
          </li>
        ))}
      </ul>
      {failed && <Problem error={failed} />}
      {next !== undefined && (
        <p class="more">
          <button onClick={() => void load(next)}>Older ones</button>
        </p>
      )}
    </section>
  );
}
