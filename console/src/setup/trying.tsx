/** The fifth and sixth steps: the key, shown this one time; and an event by it, followed until somebody has acted. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { answered, api, type Details, type Me, type NewKey, Refused } from "../api/client";
import { useLoad } from "../api/load";
import { Methods, useTrying } from "../pages/methods";
import { next as happens } from "../pages/incident";
import { Receipt } from "../pages/receipt";
import { Problem, useNow } from "../parts";
import { span } from "../times";
import type { Names } from "./compose";
import { type Draft, KEY, TEST } from "./draft";
import { Frame } from "./fields";

const LOOKS = 2_000;
const EVENT = {
  event_action: "trigger",
  dedup_key: "opsknight/set-up",
  payload: { summary: "Test of the set-up: acknowledge this", source: "OpsKnight console", severity: "critical" },
};

/** What a shell sends. A name with an apostrophe is nowhere in it. */
export function command(origin: string, secret: string): string {
  const body = { ...EVENT, dedup_key: "my-first-event", payload: { ...EVENT.payload, summary: "Hello from a shell", source: "curl" } };
  return [
    `curl -X POST ${origin}/api/events \\`,
    `  -H "Authorization: Token token=${secret}" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '${JSON.stringify(body)}'`,
  ].join("\n");
}

/** A key; in place of another, the other goes on for a day: it may be in use already. */
async function makeKey({ service, integration }: Names, keyId?: string): Promise<NewKey> {
  const serviceId = `svc_${service}`;
  if (keyId) {
    try {
      const params = { path: { serviceId, keyId } };
      return await answered(api.POST("/api/keeping/services/{serviceId}/keys/{keyId}/rotate", { params, body: {} }));
    } catch (cause) {
      // It has ended, or ends already, as after an answer that was lost: a further key does no harm.
      if (!(cause instanceof Refused) || (cause.status !== 404 && cause.status !== 409)) throw cause;
    }
  }
  const params = { path: { serviceId, integrationId: `int_${integration}` } };
  const ask = "/api/keeping/services/{serviceId}/integrations/{integrationId}/keys";
  return answered(api.POST(ask, { params, body: {} }));
}

interface Props {
  me: Me;
  draft: Draft;
  change: (change: Partial<Draft>) => void;
  secret: string;
}

export function KeyStep({ draft, change, secret, show }: Props & { show: (secret: string) => void }): JSX.Element {
  const { busy, error, trying } = useTrying();
  const [said, setSaid] = useState("");
  const { made, keyId, replaced } = draft;
  const make = (): Promise<void> =>
    trying(async () => {
      if (!made) return;
      const found = await makeKey(made.names, keyId);
      show(found.secret);
      change({ keyId: found.key.id, replaced: keyId !== undefined });
    });
  const copy = (what: string, text: string): void =>
    void navigator.clipboard.writeText(text).then(
      () => setSaid(`${what} is copied.`),
      () => setSaid("The browser does not let it be copied: select it."),
    );
  const text = command(location.origin, secret);
  return (
    <Frame
      step={KEY}
      title="The integration key"
      lead={`${draft.answers.integration.trim()} shows it with each event. Whoever has it can open incidents of ${draft.answers.service.trim()}.`}
      back={undefined}
      {...(secret || keyId ? { next: () => change({ step: TEST }) } : {})}
    >
      {secret ? (
        <section class="card fresh" aria-label="The new key">
          <p>
            <b>Copy it now</b>: it is not shown again.
            {replaced && " Wherever you have put the first key, put this one: the first works for one more day at most."}
          </p>
          <p class="secret">
            <code>{secret}</code>
          </p>
          <p class="dim">To try it from a shell:</p>
          <pre class="details" tabIndex={0}>
            {text}
          </pre>
          <div class="form-acts">
            <button type="button" onClick={() => copy("The key", secret)}>
              Copy key
            </button>
            <button type="button" onClick={() => copy("The command", text)}>
              Copy command
            </button>
          </div>
        </section>
      ) : (
        <div class="card">
          <p>
            {keyId
              ? "The key was shown, and is kept nowhere. If you have it, go on. Otherwise make another: the first works for one more day."
              : "A key is shown once, when it is made. Only its hash is kept."}
          </p>
          <div class="form-acts">
            <button type="button" class={keyId ? "" : "first"} onClick={() => void make()} disabled={busy}>
              {keyId ? "Make another" : "Make the key"}
            </button>
          </div>
        </div>
      )}
      <p role="status">{said}</p>
      {error && <Problem error={error} />}
    </Frame>
  );
}

export function TestStep(props: Props & { again: () => void; finish: () => void }): JSX.Element {
  const { me, draft, change, secret, again, finish } = props;
  const { incidentId, worked } = draft;
  const sending = useTrying();
  const now = useNow();
  const back = (): void => change({ step: KEY });
  const send = (): Promise<void> =>
    sending.trying(async () => {
      const answer = await fetch("/api/events", {
        method: "POST",
        headers: { Authorization: `Token token=${secret}`, "Content-Type": "application/json" },
        body: JSON.stringify(EVENT),
      });
      if (!answer.ok) throw new Refused(`The event was refused: ${answer.status}.`, answer.status, "");
      const { result } = (await answer.json()) as { result: { incident: { id: string } } };
      change({ incidentId: result.incident.id });
    });
  return (
    <Frame
      step={TEST}
      title="Does it reach you?"
      lead="A test event takes the whole way: it opens an incident, and pages whom you said. Acknowledge it from the message that you get."
      back={incidentId ? undefined : back}
      {...(worked ? { next: finish, label: "Finish" } : {})}
      beside={
        <>
          {!incidentId && (
            <div class="card">
              {secret ? (
                <button type="button" class="first" onClick={() => void send()} disabled={sending.busy}>
                  {sending.busy ? "Sending..." : "Send a test event"}
                </button>
              ) : (
                <p>
                  The key is not here any more. <button type="button" class="plain" onClick={back}>Make another</button>, and the test
                  goes by that. The first works for one more day.
                </p>
              )}
            </div>
          )}
          {sending.error && <Problem error={sending.error} />}
          {incidentId && <Trial key={incidentId} incidentId={incidentId} me={me} draft={draft} now={now} change={change} />}
          {!worked && (
            <>
              <details>
                <summary>Nothing comes? Change how you are reached</summary>
                <Methods me={me} now={now} again={again} />
              </details>
              {incidentId && (
                <button type="button" onClick={finish}>
                  Go on without it
                </button>
              )}
            </>
          )}
        </>
      }
    />
  );
}

/** The way of the test, as far as it has come. */
function Trial(props: { incidentId: string; me: Me; draft: Draft; now: number; change: Props["change"] }): JSX.Element {
  const { incidentId, me, draft, now, change } = props;
  const params = { path: { incidentId } };
  const found = useLoad(() => answered(api.GET("/api/incidents/{incidentId}", { params })));
  const { error, again } = found;
  const data = found.data?.incident;
  const acting = useTrying();
  const taken = data?.acknowledgedAt ?? data?.resolvedAt;
  const { sent, failed } = data ? pages(data) : {};
  const working = data !== undefined && works(data);
  const why = failed ?? (taken && !sent ? "the test was over before one was sent" : undefined);
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && again(), LOOKS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    // A message that comes back later takes its word back.
    if (data) change({ worked: working ? (draft.worked ?? Date.now()) : undefined, sent: sent !== undefined, why });
  }, [data !== undefined, working, sent, why]);
  const acknowledge = (): Promise<void> =>
    acting.trying(async () => {
      await answered(api.POST("/api/incidents/{incidentId}/acknowledge", { params, body: {} }));
      again();
    });
  const anew = (): Promise<void> =>
    acting.trying(async () => {
      // Another event of the same problem would only be counted.
      if (!data?.resolvedAt) await answered(api.POST("/api/incidents/{incidentId}/resolve", { params, body: {} }));
      change({ incidentId: undefined, worked: undefined, sent: undefined, why: undefined });
    });
  if (!data) return error ? <Problem error={error} again={again} /> : <div class="skeleton" aria-hidden="true" />;
  return (
    <>
      <ol class="setup-trial" aria-label="The way of the test">
        <li class="is-done">The event has arrived, and opened an incident</li>
        <li class={sent ? "is-done" : why ? "is-wrong" : "is-next"}>
          {sent ? `A message was ${sent}` : why ? `No message could be sent: ${why}` : "Whoever is on call is being paged..."}
        </li>
        <li class={taken ? "is-done" : "is-next"}>
          {taken ? acknowledged(data) : "Waiting for somebody to acknowledge it..."}
        </li>
      </ol>
      <p role="status" class="only-read">
        {taken ? acknowledged(data) : sent ? `A message was ${sent}.` : ""}
      </p>
      {!taken && (
        <>
          <p class="dim">{happens(data, now, me.zone)}</p>
          <button type="button" onClick={() => void acknowledge()} disabled={acting.busy}>
            Acknowledge it here
          </button>
        </>
      )}
      {taken && !working && (
        <>
          <p>
            {sent
              ? "A message was sent, but nobody has acknowledged the incident: it was resolved."
              : "It is acted on, but no message has reached anybody. Change below how you are reached, and test again."}
          </p>
          <button type="button" onClick={() => void anew()} disabled={acting.busy}>
            Test again
          </button>
        </>
      )}
      {acting.error && <Problem error={acting.error} />}
      <Receipt incident={data} now={now} zone={me.zone} />
    </>
  );
}

/** How far the best message to a person has come; else why the first of them was not sent. */
export function pages(incident: Pick<Details, "deliveries">): { sent: string | undefined; failed: string | undefined } {
  const toPeople = incident.deliveries.filter((each) => each.userId);
  const taken = toPeople.filter((each) => each.state === "SENT");
  const arrived = taken.some((each) => each.reported === "delivered");
  const sent = arrived ? "delivered" : taken.length ? "sent" : undefined;
  const over = ["FAILED", "GIVEN_UP", "BOUNCED"];
  const failed = toPeople.find((each) => over.includes(each.state) || each.attempts.at(-1)?.why);
  return { sent, failed: sent ? undefined : failed && (failed.why ?? failed.attempts.at(-1)?.why ?? "it failed") };
}

/** Whether paging has been seen to work: a provider took a message to a person, and somebody took the incident. */
export function works(incident: Pick<Details, "deliveries" | "acknowledgedAt">): boolean {
  const acted = incident.deliveries.some((each) => each.userId && each.acts?.length);
  return pages(incident).sent !== undefined && (incident.acknowledgedAt !== undefined || acted);
}

export function acknowledged(incident: Details): string {
  if (!incident.acknowledgedAt) return "Somebody has resolved it";
  const after = Date.parse(incident.acknowledgedAt) - Date.parse(incident.createdAt);
  const by = incident.assigneeHasIt && incident.assigneeName ? ` by ${incident.assigneeName}` : "";
  return `Acknowledged${by}, ${span(after)} after the event`;
}
