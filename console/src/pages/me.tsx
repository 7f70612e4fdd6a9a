/** How I am reached, where I am logged in, and how to leave. */
import type { JSX } from "preact";

import { answered, api, type Me } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, useNow, When } from "../parts";
import { browser } from "../times";
import { forget } from "../setup/draft";
import { forgetDraft } from "./configuration";
import { Methods, useTrying } from "./methods";
import { Rules } from "./rules";
import { Subscribe } from "./subscribe";

/** What they have written in this browser names other people, and whoever comes next may not know them. */
function forgetAll(me: Me): void {
  forgetDraft();
  forget(me);
}

export function MePage({ me, again }: { me: Me; again: () => void }): JSX.Element {
  const keys = useLoad(() => answered(api.GET("/api/me/keys", {})));
  const sessions = useLoad(() => answered(api.GET("/api/me/sessions", {})));
  const now = useNow(30_000);
  const end = async (sessionId: string): Promise<void> => {
    await answered(api.DELETE("/api/me/sessions/{sessionId}", { params: { path: { sessionId } } }));
    sessions.again();
  };
  const revoking = useTrying();
  const revoke = (keyId: string, name: string): Promise<void> =>
    revoking.trying(async () => {
      if (!window.confirm(`Revoke ${name}? Whatever uses it is refused within 30 seconds.`)) return;
      await answered(api.DELETE("/api/keeping/me/keys/{keyId}", { params: { path: { keyId } } }));
      keys.again();
    });
  return (
    <main>
      <h1>{me.name}</h1>
      <p class="dim">
        {me.email}, {me.role.toLowerCase()}
        {me.teams.length > 0 && `, ${me.teams.map((each) => each.name).join(", ")}`}
      </p>
      <section>
        <h2>How you are reached</h2>
        <Methods me={me} now={now} again={again} />
      </section>
      <section>
        <h2>How each urgency reaches you</h2>
        <Rules me={me} again={again} />
      </section>
      <section>
        <h2>Your API keys</h2>
        {keys.error && <Problem error={keys.error} again={keys.again} />}
        {revoking.error && <Problem error={revoking.error} />}
        {keys.data?.keys.length === 0 && <p class="dim">None. An operator makes one: opsknight keys create.</p>}
        <ul class="sessions">
          {(keys.data?.keys ?? []).map((each) => (
            <li>
              <b>{each.name}</b> <span class="dim">{each.id}</span> {each.current && <span class="tag now">this one</span>}{" "}
              <button class="small" onClick={() => void revoke(each.id, each.name)}>
                Revoke
              </button>
              <div class="dim">
                {each.scopes.join(", ")}; {each.usedOn ? `last used on ${each.usedOn}` : "never used"}
                {each.endsAt && (
                  <>
                    ; until <When at={each.endsAt} now={now} zone={me.zone} />
                  </>
                )}
              </div>
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h2>Where you are logged in</h2>
        {sessions.error && <Problem error={sessions.error} again={sessions.again} />}
        <ul class="sessions">
          {(sessions.data?.sessions ?? []).map((each) => (
            <li>
              <span title={each.agent}>{browser(each.agent)}</span>{" "}
              <span class="dim">
                since <When at={each.createdAt} now={now} zone={me.zone} />
              </span>{" "}
              {each.current ? <span class="tag now">this one</span> : <button onClick={() => void end(each.id)}>End</button>}
            </li>
          ))}
        </ul>
        <form method="post" action="/auth/logout" onSubmit={() => forgetAll(me)}>
          <button>Log out</button>
        </form>
      </section>
      <section>
        <h2>Your calendar</h2>
        <Subscribe />
      </section>
    </main>
  );
}
