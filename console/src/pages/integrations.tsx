/** Integrations of a service: add one, copy its key, wait for the first event; rotate and revoke keys. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { answered, api, type IntegrationKey, type Me, type NewKey, type Refused, type ServiceDetails } from "../api/client";
import { refused } from "../api/load";
import { Empty, Problem } from "../parts";
import { clock } from "../times";

interface Props {
  service: ServiceDetails;
  me: Me;
  now: number;
  again: () => void;
}

export function Integrations({ service, me, now, again }: Props): JSX.Element {
  const [adding, setAdding] = useState(false);
  const [name, setName] = useState("");
  const [made, setMade] = useState<NewKey>();
  const [error, setError] = useState<Refused>();
  const [said, setSaid] = useState("");

  async function act(doing: string, ask: () => Promise<NewKey | undefined>): Promise<void> {
    setSaid(doing);
    setError(undefined);
    setMade(undefined);
    try {
      const found = await ask();
      setSaid("");
      if (found) setMade(found);
      setAdding(false);
      setName("");
      again();
    } catch (cause) {
      setSaid("");
      setError(refused(cause));
    }
  }
  const path = { serviceId: service.id };
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    void act("Adding...", () =>
      answered(api.POST("/api/keeping/services/{serviceId}/integrations", { params: { path }, body: { name } })),
    );
  };
  const another = (integrationId: string): void =>
    void act("Making a key...", () =>
      answered(
        api.POST("/api/keeping/services/{serviceId}/integrations/{integrationId}/keys", {
          params: { path: { ...path, integrationId } },
          body: {},
        }),
      ),
    );
  const rotate = (keyId: string): void =>
    void act("Rotating...", () =>
      answered(
        api.POST("/api/keeping/services/{serviceId}/keys/{keyId}/rotate", { params: { path: { ...path, keyId } }, body: {} }),
      ),
    );
  const revoke = (keyId: string): void => {
    if (!confirm("Revoke this key? Within 30 seconds no event comes in by it.")) return;
    void act("Revoking...", async () => {
      await answered(api.DELETE("/api/keeping/services/{serviceId}/keys/{keyId}", { params: { path: { ...path, keyId } } }));
      return undefined;
    });
  };
  return (
    <section>
      {adding ? (
        <form class="card" onSubmit={add}>
          <label>
            Name
            <input
              required
              maxLength={100}
              placeholder="Prometheus Alerts"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          </label>
          <div class="buttons">
            <button type="button" onClick={() => setAdding(false)}>
              Not now
            </button>
            <button class="first">Add</button>
          </div>
        </form>
      ) : (
        <button class="first" onClick={() => setAdding(true)}>
          Add Integration
        </button>
      )}
      <p role="status">{said}</p>
      {error && <Problem error={error} />}
      {made && <Fresh made={made} service={service} again={again} close={() => setMade(undefined)} />}
      {service.integrations.length === 0 && <Empty>No integration yet: no monitor can send events to this service.</Empty>}
      <ul class="cards">
        {service.integrations.map((each) => (
          <li>
            <div class="heading">
              <b>{each.name}</b>
              <button class="small" onClick={() => another(each.id)}>
                New key
              </button>
            </div>
            <p class="dim">{each.madeBy ? `Added by ${each.madeBy}` : "From the configuration file"}</p>
            <ul>
              {each.keys
                .filter((key) => key.live)
                .map((key) => (
                  <Key key={key.id} of={key} me={me} now={now} rotate={rotate} revoke={revoke} />
                ))}
            </ul>
            {!each.keys.some((key) => key.live) && <p class="dim">No live key.</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}

interface KeyProps {
  of: IntegrationKey;
  me: Me;
  now: number;
  rotate: (id: string) => void;
  revoke: (id: string) => void;
}

function Key({ of, me, now, rotate, revoke }: KeyProps): JSX.Element {
  return (
    <li class="key">
      <span>
        <code>{of.id.slice(-8)}</code>{" "}
        <span class="dim">
          made {clock(of.createdAt, now, me.zone)}, {of.usedOn ? `used ${of.usedOn}` : "never used"}
          {of.endsAt && `, ends ${clock(of.endsAt, now, me.zone)}`}
        </span>
      </span>
      <span class="key-acts">
        {!of.endsAt && (
          <button class="small" onClick={() => rotate(of.id)}>
            Rotate
          </button>
        )}
        <button class="small" onClick={() => revoke(of.id)}>
          Revoke
        </button>
      </span>
    </li>
  );
}

/** The key, this one time; then whether a first event has come by it. */
function Fresh(props: { made: NewKey; service: ServiceDetails; again: () => void; close: () => void }): JSX.Element {
  const { made, service, again, close } = props;
  const [copied, setCopied] = useState("");
  const [said, setSaid] = useState("");
  const arrived = service.integrations.flatMap((each) => each.keys).some((each) => each.id === made.key.id && each.usedOn);
  useEffect(() => {
    if (arrived) return;
    const timer = setInterval(() => !document.hidden && again(), 3000);
    return () => clearInterval(timer);
  }, [arrived]);
  const body = {
    event_action: "trigger",
    dedup_key: "opsknight/test",
    payload: { summary: "A test event", source: "console", severity: "info" },
  };
  const curl = [
    `curl -X POST ${location.origin}/api/events \\`,
    `  -H "Authorization: Token token=${made.secret}" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '${JSON.stringify(body)}'`,
  ].join("\n");
  const copy = (what: string, text: string): void =>
    void navigator.clipboard.writeText(text).then(
      () => setCopied(`${what} copied.`),
      () => setCopied("The browser does not let it be copied: select it."),
    );
  const test = async (): Promise<void> => {
    setSaid("Sending...");
    const send = (action: string): Promise<Response> =>
      fetch("/api/events", {
        method: "POST",
        headers: { Authorization: `Token token=${made.secret}`, "Content-Type": "application/json" },
        body: JSON.stringify({ ...body, event_action: action }),
      });
    try {
      const opened = await send("trigger");
      const closed = opened.ok ? await send("resolve") : opened;
      setSaid(closed.ok ? "Sent: it opened an incident of urgency LOW, and resolved it." : `Refused: ${closed.status}.`);
      again();
    } catch {
      setSaid("There is no connection to the server.");
    }
  };
  return (
    <section class="card fresh" aria-label="The new key">
      <p>
        <b>Integration Key</b>: copy it now, it is not shown again.
      </p>
      <p class="secret">
        <code>{made.secret}</code>
      </p>
      <pre class="details" tabIndex={0}>
        {curl}
      </pre>
      <div class="buttons">
        <button class="first" onClick={() => copy("The key is", made.secret)}>
          Copy key
        </button>
        <button onClick={() => copy("The command is", curl)}>Copy command</button>
        <button onClick={() => void test()}>Send a test event</button>
        <button onClick={close}>Done</button>
      </div>
      <p role="status">
        {copied} {said}
      </p>
      <p class={arrived ? "arrived" : "waiting"} role="status">
        {arrived ? "The first event has arrived." : "Waiting for the first event..."}
      </p>
    </section>
  );
}
