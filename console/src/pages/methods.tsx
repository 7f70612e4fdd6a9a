/** How I am reached: each method can show that it works, by a code that is typed here. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Code, type Me } from "../api/client";
import { refused } from "../api/load";
import { Empty, Problem, When } from "../parts";
import type { Refused } from "../api/client";

type Method = Me["contactMethods"][number];

export function Methods({ me, now, again }: { me: Me; now: number; again: () => void }): JSX.Element {
  if (me.contactMethods.length === 0) return <Empty>No contact method of yours: pages go to your e-mail address.</Empty>;
  return (
    <ul class="methods">
      {me.contactMethods.map((each) => (
        <OneMethod key={each.id} of={each} me={me} now={now} again={again} />
      ))}
    </ul>
  );
}

function OneMethod(props: { of: Method; me: Me; now: number; again: () => void }): JSX.Element {
  const { of: method, me, now, again } = props;
  const [code, setCode] = useState<Code>();
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Refused>();
  const path = { methodId: method.id };
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
  const send = (): Promise<void> =>
    trying(async () => {
      const sent = await answered(api.POST("/api/me/contact-methods/{methodId}/codes", { params: { path } }));
      setCode(sent);
      setTyped("");
      void follow(sent);
    });
  // Until a provider took it, or said why not.
  const follow = async (sent: Code): Promise<void> => {
    const params = { path: { ...path, codeId: sent.id } };
    for (let tries = 0; tries < 20; tries++) {
      await new Promise((done) => setTimeout(done, 1500));
      const found = await answered(api.GET("/api/me/contact-methods/{methodId}/codes/{codeId}", { params })).catch(() => sent);
      setCode((was) => (was?.id === sent.id ? found : was));
      if (found.state !== "PENDING") return;
    }
  };
  const confirm = (): Promise<void> =>
    trying(async () => {
      if (!code) return;
      const params = { path: { ...path, codeId: code.id } };
      await answered(
        api.POST("/api/me/contact-methods/{methodId}/codes/{codeId}", { params, body: { code: typed.trim() } }),
      );
      setCode(undefined);
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
              "not yet shown to reach you"
            )}
          </div>
        </div>
        <button onClick={() => void send()} disabled={busy}>
          {code ? "Send another" : "Send a code"}
        </button>
      </div>
      {code && (
        <form
          class="note"
          onSubmit={(event) => {
            event.preventDefault();
            void confirm();
          }}
        >
          <input
            aria-label={`The code sent to ${method.name}`}
            placeholder="1234 5678"
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={12}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <button class="first" disabled={busy || !typed.trim()}>
            Confirm
          </button>
        </form>
      )}
      {code && <p role="status">{told(code)}</p>}
      {error && <Problem error={error} />}
    </li>
  );
}

/** What became of the message. */
export function told(code: Pick<Code, "state" | "why">): string {
  switch (code.state) {
    case "SENT":
      return "Sent. Type the code when it comes; it counts for ten minutes.";
    case "PENDING":
      return code.why ? `Not sent yet: ${code.why}. It is tried again.` : "On its way.";
    default:
      return `It was not sent${code.why ? `: ${code.why}` : ""}.`;
  }
}
