/** How I am reached, where I am logged in, and how to leave. */
import type { JSX } from "preact";

import { answered, api, type Me } from "../api/client";
import { useLoad } from "../api/load";
import { Empty, Problem, useNow, When } from "../parts";
import { span } from "../times";

export function MePage({ me }: { me: Me }): JSX.Element {
  const sessions = useLoad(() => answered(api.GET("/api/me/sessions", {})));
  const now = useNow(30_000);
  const end = async (sessionId: string): Promise<void> => {
    await answered(api.DELETE("/api/me/sessions/{sessionId}", { params: { path: { sessionId } } }));
    sessions.again();
  };
  const name = (id: string): string => me.contactMethods.find((each) => each.id === id)?.name ?? id;
  return (
    <main>
      <h1>{me.name}</h1>
      <p class="dim">
        {me.email}, {me.role.toLowerCase()}
        {me.teams.length > 0 && `, ${me.teams.map((each) => each.name).join(", ")}`}
      </p>
      <section>
        <h2>How you are reached</h2>
        {me.contactMethods.length === 0 && <Empty>No contact method of yours: pages go to your e-mail address.</Empty>}
        <ul class="methods">
          {me.contactMethods.map((each) => (
            <li>
              <b>{each.name}</b> <span class="dim">{each.channel}</span> {each.address}
            </li>
          ))}
        </ul>
        {me.rules.length > 0 && (
          <ul class="rules">
            {me.rules.map((each) => (
              <li>
                {each.urgency}: {name(each.methodId)}{" "}
                {each.afterSeconds ? `after ${span(each.afterSeconds * 1000)}` : "at once"}
              </li>
            ))}
          </ul>
        )}
        <p class="dim">The configuration file has them, and changes them.</p>
      </section>
      <section>
        <h2>Where you are logged in</h2>
        {sessions.error && <Problem error={sessions.error} again={sessions.again} />}
        <ul class="sessions">
          {(sessions.data?.sessions ?? []).map((each) => (
            <li>
              <bdi>{each.agent || "An unknown browser"}</bdi>{" "}
              <span class="dim">
                since <When at={each.createdAt} now={now} zone={me.zone} />
              </span>{" "}
              {each.current ? <span class="tag now">this one</span> : <button onClick={() => void end(each.id)}>End</button>}
            </li>
          ))}
        </ul>
        <form method="post" action="/auth/logout">
          <button>Log out</button>
        </form>
      </section>
    </main>
  );
}
