/** How I am reached: each contact method can be tested, and shows by a code that it works. Those that are mine I change here. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { answered, api, type Code, type Me, type Refused } from "../api/client";
import { refused } from "../api/load";
import { Empty, Problem, When } from "../parts";
import { AddressForm } from "./address";
import { Locked, methodsAsYaml } from "./locked";

type Method = Me["contactMethods"][number];
type Waiting = Me["waiting"][number];

interface Part {
  me: Me;
  now: number;
  again: () => void;
}

export function Methods({ me, now, again }: Part): JSX.Element {
  const [adding, setAdding] = useState(false);
  const [fresh, setFresh] = useState("");
  const added = me.waiting.filter((each) => !each.replaces);
  return (
    <>
      {me.contactMethods.length === 0 && (
        <Empty>
          Pages go to your e-mail address, <bdi>{me.email}</bdi>. A telephone wakes you better.
        </Empty>
      )}
      <ul class="methods">
        {me.contactMethods.map((each) => (
          <OneMethod key={each.id} of={each} me={me} now={now} again={again} />
        ))}
        {added.map((each) => (
          <li key={each.id} class="method">
            <Asked of={each} again={again} fresh={each.id === fresh} />
          </li>
        ))}
      </ul>
      {!me.ownsContactMethods && <Locked what="Your contact methods" part="contactMethods" me={me} yaml={methodsAsYaml(me)} />}
      {me.ownsContactMethods &&
        (adding ? (
          <AddressForm
            done={(asked) => {
              setAdding(false);
              setFresh(asked);
              again();
            }}
            cancel={() => setAdding(false)}
          />
        ) : (
          <button onClick={() => setAdding(true)}>Add a contact method</button>
        ))}
    </>
  );
}

function OneMethod({ of: method, me, now, again }: Part & { of: Method }): JSX.Element {
  const [changing, setChanging] = useState(false);
  const [fresh, setFresh] = useState("");
  const [proving, setProving] = useState(false);
  const { busy, error, trying } = useTrying();
  const test = useTest(method.id);
  const waiting = me.waiting.find((each) => each.replaces === method.id);
  const path = { methodId: method.id };
  const remove = (): Promise<void> =>
    trying(async () => {
      if (!window.confirm(`Remove ${method.name}? Nothing is sent there any more.`)) return;
      await answered(api.DELETE("/api/keeping/me/contact-methods/{methodId}", { params: { path } }));
      again();
    });
  return (
    <li class="method">
      <div class="reach">
        <div>
          <b>{method.name}</b> <span class="dim">{method.channel}</span> <bdi class="address">{method.address}</bdi>
          <div class={method.confirmedAt ? "works" : "dim"}>
            {method.confirmedAt ? (
              <>
                reached you <When at={method.confirmedAt} now={now} zone={me.zone} />
              </>
            ) : (
              "not confirmed yet"
            )}
          </div>
        </div>
        <div class="method-acts">
          <button class="small" onClick={() => void trying(test.send)} disabled={busy}>
            Test
          </button>
          {!proving && (
            <button class="small" onClick={() => setProving(true)}>
              Send a code
            </button>
          )}
          {me.ownsContactMethods && (
            <>
              <button class="small" onClick={() => setChanging(!changing)} aria-expanded={changing}>
                Change
              </button>
              <button class="small" onClick={() => void remove()} disabled={busy}>
                Remove
              </button>
            </>
          )}
        </div>
      </div>
      {test.said && <p role="status">{test.said}</p>}
      {error && <Problem error={error} />}
      {proving && (
        <Prove
          methodId={method.id}
          name={method.name}
          now
          done={() => {
            setProving(false);
            again();
          }}
        />
      )}
      {changing && (
        <AddressForm
          replaces={method}
          done={(asked) => {
            setChanging(false);
            setFresh(asked);
            again();
          }}
          cancel={() => setChanging(false)}
        />
      )}
      {waiting && <Asked key={waiting.id} of={waiting} again={again} before={method} fresh={waiting.id === fresh} />}
    </li>
  );
}

/** An address that waits for its code. */
function Asked(props: { of: Waiting; again: () => void; before?: Method; fresh: boolean }): JSX.Element {
  const { of: waiting, again, before, fresh } = props;
  const { busy, error, trying } = useTrying();
  const path = { methodId: waiting.id };
  const use = (): Promise<void> =>
    trying(async () => {
      await answered(api.POST("/api/keeping/me/contact-methods/{methodId}/use", { params: { path } }));
      again();
    });
  const forget = (): Promise<void> =>
    trying(async () => {
      await answered(api.DELETE("/api/keeping/me/contact-methods/{methodId}", { params: { path } }));
      again();
    });
  return (
    <div class="asked">
      <p>
        <b>{waiting.name}</b> <span class="dim">{waiting.channel}</span> <bdi class="address">{waiting.address}</bdi>{" "}
        <span class="waiting">waits for its code</span>
      </p>
      <p class="dim">
        {before
          ? `Until then you are paged at ${before.address ?? before.name}, which is told of the change.`
          : "Until then nothing else is sent to it."}
      </p>
      {waiting.confirmedAt ? (
        <button class="first" onClick={() => void use()} disabled={busy}>
          Use it
        </button>
      ) : (
        <Prove methodId={waiting.id} name={waiting.name} now={fresh} done={() => void use()} />
      )}{" "}
      <button class="plain" onClick={() => void forget()} disabled={busy}>
        Forget it
      </button>
      {error && <Problem error={error} again={() => void use()} />}
    </div>
  );
}

/** Sends a code, at once if somebody has just asked for it, and takes it. */
function Prove(props: { methodId: string; name: string; now?: boolean; done: () => void }): JSX.Element {
  const { methodId, name, now, done } = props;
  const [code, setCode] = useState<Code>();
  const [typed, setTyped] = useState("");
  const { busy, error, trying } = useTrying();
  const path = { methodId };
  const send = (): Promise<void> =>
    trying(async () => {
      const sent = await answered(api.POST("/api/me/contact-methods/{methodId}/codes", { params: { path } }));
      setCode(sent);
      setTyped("");
      const look = { path: { ...path, codeId: sent.id } };
      void follow(
        sent,
        () => answered(api.GET("/api/me/contact-methods/{methodId}/codes/{codeId}", { params: look })),
        (found) => setCode((was) => (was?.id === sent.id ? found : was)),
      );
    });
  useEffect(() => {
    if (now) void send();
  }, []);
  const confirm = (): Promise<void> =>
    trying(async () => {
      if (!code) return;
      const params = { path: { ...path, codeId: code.id } };
      await answered(
        api.POST("/api/me/contact-methods/{methodId}/codes/{codeId}", { params, body: { code: typed.trim() } }),
      );
      setCode(undefined);
      done();
    });
  return (
    <>
      <form
        class="note"
        onSubmit={(event) => {
          event.preventDefault();
          void (code ? confirm() : send());
        }}
      >
        {code && (
          <input
            aria-label={`The code sent to ${name}`}
            placeholder="1234 5678"
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={12}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        {code ? (
          <>
            <button class="first" disabled={busy || !typed.trim()}>
              Confirm
            </button>
            <button type="button" onClick={() => void send()} disabled={busy}>
              Send another
            </button>
          </>
        ) : (
          <button class="first" disabled={busy}>
            Send a code
          </button>
        )}
      </form>
      {code && <p role="status">{told(code)}</p>}
      {error && <Problem error={error} />}
    </>
  );
}

function useTest(methodId: string): { said: string; send: () => Promise<void> } {
  const [said, setSaid] = useState("");
  const send = async (): Promise<void> => {
    setSaid("Sending a test...");
    const path = { methodId };
    try {
      const sent = await answered(api.POST("/api/me/contact-methods/{methodId}/tests", { params: { path } }));
      setSaid(tested(sent));
      const look = { path: { ...path, testId: sent.id } };
      void follow(
        sent,
        () => answered(api.GET("/api/me/contact-methods/{methodId}/tests/{testId}", { params: look })),
        (found) => setSaid(tested(found)),
      );
    } catch (cause) {
      setSaid("");
      throw cause;
    }
  };
  return { said, send };
}

/** Until a provider took it, or said why not. */
async function follow(sent: Code, ask: () => Promise<Code>, show: (found: Code) => void): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    await new Promise((done) => setTimeout(done, 1500));
    const found = await ask().catch(() => sent);
    show(found);
    if (found.state !== "PENDING") return;
  }
}

export function useTrying(): { busy: boolean; error: Refused | undefined; trying: (act: () => Promise<void>) => Promise<void> } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Refused>();
  const trying = async (act: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await act();
    } catch (cause) {
      setError(refused(cause));
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, trying };
}

/** What became of the message. */
export function told(code: Pick<Code, "state" | "why">): string {
  return outcome(code, "Sent. Type the code when it comes; it counts for ten minutes.");
}

export function tested(test: Pick<Code, "state" | "why">): string {
  return outcome(test, "The provider has taken the test message. Did it arrive?");
}

function outcome(of: Pick<Code, "state" | "why">, sent: string): string {
  switch (of.state) {
    case "SENT":
      return sent;
    case "PENDING":
      return of.why ? `Not sent yet: ${of.why}. It is tried again.` : "On its way.";
    default:
      return `It was not sent${of.why ? `: ${of.why}` : ""}.`;
  }
}
