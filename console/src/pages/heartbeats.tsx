/** What is expected to beat, and whether it does. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Heartbeat } from "../api/client";
import { useLoad } from "../api/load";
import { Empty, Foreign, Problem, useNow, When } from "../parts";
import { Link, ROOT } from "../router";
import { ago, clock, span } from "../times";

const WORDS: Record<Heartbeat["state"], string> = {
  down: "Down",
  late: "Late",
  waiting: "Waiting for the first beat",
  running: "Running",
  beating: "Beating",
  paused: "Paused by maintenance",
};

export function HeartbeatsPage({ zone }: { zone: string | undefined }): JSX.Element {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/heartbeats", {})));
  const now = useNow(15_000);
  const all = data?.heartbeats ?? [];
  const wrong = all.filter((each) => each.state === "down" || each.state === "late").length;
  return (
    <main>
      <div class="heading">
        <h1>Heartbeats</h1>
        <button class="small" onClick={again}>
          Look again
        </button>
      </div>
      {error && <Problem error={error} again={again} />}
      {!data && !error && <div class="skeleton" aria-hidden="true" />}
      {data && all.length > 0 && (
        <p class="dim" role="status">
          {wrong ? `${wrong} of ${all.length} ${wrong === 1 ? "needs" : "need"} somebody.` : `All ${all.length} are as they should be.`}
        </p>
      )}
      {data && all.length === 0 && (
        <Empty>
          Nothing is expected to beat. Give an integration a <code>heartbeat</code> in the configuration: a job, a
          backup or a whole site then pages when it falls silent.
        </Empty>
      )}
      <ul class="cards" aria-label="Heartbeats">
        {all.map((each) => (
          <One key={`${each.serviceId}/${each.integrationId}`} each={each} address={data?.address ?? ""} now={now} zone={zone} />
        ))}
      </ul>
    </main>
  );
}

interface Props {
  each: Heartbeat;
  address: string;
  now: number;
  zone: string | undefined;
}

function One({ each, address, now, zone }: Props): JSX.Element {
  return (
    <li class={`beat is-${each.state}`}>
      <div class="heading">
        <h2>
          <bdi>{each.name}</bdi>
        </h2>
        <span class={`tag ${each.state}`}>{WORDS[each.state]}</span>
      </div>
      <p class="dim">
        <Link to={`${ROOT}services/${each.serviceId}`}>{each.serviceName}</Link> · <code>{each.expected}</code>, and{" "}
        {each.grace} later at most
      </p>
      <dl class="facts">
        <dt>Last beat</dt>
        <dd>{each.lastBeatAt ? <When at={each.lastBeatAt} now={now} zone={zone} /> : "never"}</dd>
        {each.runningSince && (
          <>
            <dt>Running for</dt>
            <dd>{span(now - Date.parse(each.runningSince))}</dd>
          </>
        )}
        {each.downSince && (
          <>
            <dt>Down since</dt>
            <dd>
              <When at={each.downSince} now={now} zone={zone} />
            </dd>
          </>
        )}
        {each.overdueAt && (
          <>
            <dt>Due by</dt>
            <dd>
              <Due at={each.overdueAt} now={now} zone={zone} />
            </dd>
          </>
        )}
        {each.failure && (
          <>
            <dt>It said</dt>
            <dd>
              <Foreign text={each.failure} />
            </dd>
          </>
        )}
      </dl>
      {each.incidentId && (
        <p>
          <Link to={`${ROOT}incidents/${each.incidentId}`}>To its incident</Link>
        </p>
      )}
      <Sender each={each} address={address} />
    </li>
  );
}

function Due({ at, now, zone }: { at: string; now: number; zone: string | undefined }): JSX.Element {
  const left = Date.parse(at) - now;
  if (left <= 0) return <>{ago(at, now)}</>;
  return (
    <time dateTime={at} title={new Date(at).toISOString()}>
      {clock(at, now, zone)} <span class="dim">(in {span(left)})</span>
    </time>
  );
}

/** The key is shown once, where it is made: here is only how a sender uses it. */
function Sender({ each, address }: { each: Heartbeat; address: string }): JSX.Element {
  const [copied, setCopied] = useState("");
  const line = `curl -fsS -m 10 --retry 5 -o /dev/null ${location.origin}${address}`;
  const copy = (): void => {
    navigator.clipboard.writeText(line).then(
      () => setCopied("Copied."),
      () => setCopied("Select the line to copy it."),
    );
  };
  return (
    <details>
      <summary>How its sender beats</summary>
      <p class="dim">
        At the end of each run, with the key of the integration in place of KEY.{" "}
        <Link to={`${ROOT}services/${each.serviceId}?tab=integrations`}>Keys are made there</Link>; each is shown once.
      </p>
      <pre class="details">{line}</pre>
      <button class="small" onClick={copy}>
        Copy
      </button>{" "}
      <span role="status">{copied}</span>
    </details>
  );
}
