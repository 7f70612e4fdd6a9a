/** One incident: what broke, who knows, what happens next, and what can be done. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { type Act, OutcomeNote, useActs } from "../acts";
import { answered, api, type Details, type Me } from "../api/client";
import { refused, useLoad } from "../api/load";
import type { Live } from "../api/pulse";
import { isStale } from "../live";
import { Foreign, href, Problem, StatusTag, UrgencyTag, useNow, When } from "../parts";
import { Link, ROOT } from "../router";
import { clock, span } from "../times";
import { Alerts } from "./alerts";
import { Export, Rollouts } from "./beside";
import { Publish } from "./publish";
import { Receipt } from "./receipt";
import { Timeline } from "./timeline";

export function IncidentPage({ id, live, me }: { id: string; live: Live; me: Me }): JSX.Element {
  const { data, error, again } = useLoad(
    () => answered(api.GET("/api/incidents/{incidentId}", { params: { path: { incidentId: id } } })),
    id,
    // Whenever the pulse has something new, this may be part of it.
    live.pulse,
  );
  const now = useNow();
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && again(), 10_000);
    return () => clearInterval(timer);
  }, [again]);
  const incident = data?.incident;
  return (
    <main class="one">
      <p class="back">
        <Link to={`${ROOT}incidents`}>Incidents</Link>
      </p>
      {error && <Problem error={error} again={again} />}
      {!incident && !error && <div class="skeleton" aria-hidden="true" />}
      {incident && <Whole incident={incident} now={now} me={me} off={isStale(live)} again={again} />}
    </main>
  );
}

interface WholeProps {
  incident: Details;
  now: number;
  me: Me;
  off: boolean;
  again: () => void;
}

type Had = Pick<Details, "status" | "assigneeId" | "assigneeName" | "assigneeHasIt">;

/** Who has it. To be its assignee is not enough: that is also whoever it paged first. */
export function having(incident: Had, me: string): string {
  const who = incident.assigneeId === me ? "you" : incident.assigneeName;
  if (incident.assigneeHasIt && who && incident.status !== "OPEN") return who === "you" ? "You" : who;
  const nobody = incident.status === "OPEN" ? "Nobody yet" : "Nobody";
  return who ? `${nobody}; assigned to ${who}` : nobody;
}

function Whole({ incident, now, me, off, again }: WholeProps): JSX.Element {
  const zone = me.zone;
  return (
    <>
      <p class="tags">
        <UrgencyTag of={incident.urgency} /> <StatusTag of={incident.status} />{" "}
        <span class="dim">{incident.id.slice(4, 12)}</span>
      </p>
      <h1>
        <bdi>{incident.title}</bdi>
      </h1>
      <dl class="facts">
        <dt>Service</dt>
        <dd>{incident.serviceName ?? incident.serviceId}</dd>
        <dt>Since</dt>
        <dd>
          <When at={incident.createdAt} now={now} zone={zone} />
        </dd>
        <dt>{incident.status === "RESOLVED" ? "Had it" : "Has it"}</dt>
        <dd>{having(incident, me.id)}</dd>
        {incident.alertCount > 1 && (
          <>
            <dt>Alerts</dt>
            <dd>
              {incident.alertCount}, the last <When at={incident.lastAlertAt} now={now} zone={zone} />
            </dd>
          </>
        )}
        {incident.resolvedAt && (
          <>
            <dt>Resolved</dt>
            <dd>
              <When at={incident.resolvedAt} now={now} zone={zone} />
            </dd>
          </>
        )}
        <dt>Next</dt>
        <dd>{next(incident, now, zone)}</dd>
      </dl>
      <Actions incident={incident} off={off} again={again} />
      <Links incident={incident} />
      <Publish incident={incident} now={now} zone={zone} off={off} />
      <Rollouts incident={incident} now={now} zone={zone} />
      {(incident.details ?? incident.description) && (
        <section>
          <h2>Details</h2>
          <pre class="details" tabIndex={0}>
            <Foreign text={incident.details ?? incident.description ?? ""} />
          </pre>
        </section>
      )}
      <Receipt incident={incident} now={now} zone={zone} />
      <Timeline incident={incident} now={now} zone={zone} />
      <Alerts incident={incident} now={now} zone={zone} />
      <Export incident={incident} now={now} zone={zone} />
    </>
  );
}

/** What happens by itself, and when. */
export function next(incident: Details, now: number, zone: string | undefined): string {
  if (incident.status === "RESOLVED") return "Nothing: it is resolved.";
  if (incident.snoozedUntil)
    return `Snoozed until ${clock(incident.snoozedUntil, now, zone)}; then it is open again and pages.`;
  if (incident.status === "SUPPRESSED" && incident.shadow)
    return "Its service is in shadow: another system pages for it, and nobody is paged from here.";
  if (incident.status === "SUPPRESSED") return "It pages nobody while it is suppressed.";
  if (incident.status === "ACKNOWLEDGED" && incident.reopensAt)
    return `Nobody else is paged until ${clock(incident.reopensAt, now, zone)}; then it opens again and pages, unless it is resolved.`;
  if (incident.status === "ACKNOWLEDGED") return "Nobody else is paged while it is acknowledged.";
  const { nextAt, policyName, step } = incident.escalation;
  if (!nextAt) return "All steps are over; the fallback address is reminded of it.";
  const left = Date.parse(nextAt) - now;
  const where = `${step ? `after step ${step}` : "the first step"}${policyName ? ` of ${policyName}` : ""}`;
  return left > 0
    ? `The next people are paged in ${span(left)}, at ${clock(nextAt, now, zone)} (${where}).`
    : `The next people are being paged (${where}).`;
}

function Actions({ incident, off, again }: { incident: Details; off: boolean; again: () => void }): JSX.Element | null {
  const acts = useActs(again);
  const [note, setNote] = useState("");
  const [isPublic, setPublic] = useState(false);
  const [said, setSaid] = useState("");
  const outcome = acts.outcomes.get(incident.id);
  const busy = off || outcome?.state === "pending";
  const act = (wanted: Act, more?: { minutes?: number; note?: string }): void =>
    void acts.act([incident.id], wanted, more);
  const over = incident.status === "RESOLVED";
  // What was written stays in its box until the server has it.
  const write = async (): Promise<void> => {
    if (!note.trim()) return;
    setSaid("noting...");
    try {
      const params = { path: { incidentId: incident.id } };
      const body = { text: note.trim(), public: isPublic };
      await answered(api.POST("/api/incidents/{incidentId}/notes", { params, body }));
      setNote("");
      setPublic(false);
      setSaid("noted");
      again();
    } catch (error) {
      setSaid(refused(error).message);
    }
  };
  return (
    <section class="acts" aria-label="Act">
      {!over && (
        <div class="buttons">
          {incident.status !== "ACKNOWLEDGED" && (
            <button class="first" disabled={busy} onClick={() => act("acknowledge")}>
              Acknowledge
            </button>
          )}
          <button
            class={incident.status === "ACKNOWLEDGED" ? "last" : ""}
            disabled={busy}
            onClick={() => act("resolve")}
          >
            Resolve
          </button>
          <select
            aria-label="Snooze"
            disabled={busy}
            value=""
            onChange={(event) => act("snooze", { minutes: Number(event.currentTarget.value) })}
          >
            <option value="" disabled>
              Snooze...
            </option>
            <option value="30">30 min</option>
            <option value="60">1 h</option>
            <option value="240">4 h</option>
          </select>
          {incident.status === "OPEN" && (
            <button disabled={busy} onClick={() => act("escalate")}>
              Escalate now
            </button>
          )}
        </div>
      )}
      <form
        class="note"
        onSubmit={(event) => {
          event.preventDefault();
          void write();
        }}
      >
        <input
          aria-label="Note"
          placeholder="Add a note"
          maxLength={2000}
          value={note}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
        <button disabled={busy || !note.trim()}>Add</button>
        <label class="check">
          <input type="checkbox" checked={isPublic} onChange={(event) => setPublic(event.currentTarget.checked)} />
          <span>Status pages show it, too</span>
        </label>
      </form>
      <p role="status">
        <OutcomeNote of={outcome} /> {said}
      </p>
    </section>
  );
}

function Links({ incident }: { incident: Details }): JSX.Element | null {
  const links = (incident.links ?? []).filter((each) => href(each.href));
  if (!links.length) return null;
  return (
    <ul class="links" aria-label="Links">
      {links.map((each) => (
        <li>
          <a href={each.href} rel="noopener noreferrer">
            <bdi>{each.text}</bdi>
          </a>
        </li>
      ))}
    </ul>
  );
}
