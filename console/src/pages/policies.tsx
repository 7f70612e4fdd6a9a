/** Escalation policies, and the night as it would go. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me, type Policy, type Simulated, type Urgency } from "../api/client";
import { refused, useLoad } from "../api/load";
import { Empty, Problem } from "../parts";
import { clock, instant, local, span } from "../times";
import { InFile, slug } from "./infile";

export function PoliciesPage({ me }: { me: Me }): JSX.Element {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/policies", {})));
  return (
    <main>
      <h1 class="quiet">Policies</h1>
      <Simulation me={me} />
      {error && <Problem error={error} again={again} />}
      {data?.policies.length === 0 && <Empty>No policy yet: whoever takes pages in a team is paged at once.</Empty>}
      <ul class="cards">
        {(data?.policies ?? []).map((each) => (
          <One key={each.id} policy={each} me={me} />
        ))}
      </ul>
    </main>
  );
}

function One({ policy, me }: { policy: Policy; me: Me }): JSX.Element {
  return (
    <li>
      <b>{policy.name}</b> <span class="dim">version {policy.version}</span>
      <ol class="steps">
        {policy.steps.map((step, number) => (
          <li>
            <span class="dim">
              {number + 1}. {step.delaySeconds ? `after ${span(step.delaySeconds * 1000)}` : "at once"}
            </span>{" "}
            {step.targets.map((each) => `${each.name ?? each.id} (${each.kind.replace("_", " ")})`).join(", ")}
          </li>
        ))}
      </ol>
      <p class="dim">
        {policy.repeat
          ? `Then ${policy.repeat} more ${policy.repeat === 1 ? "round" : "rounds"}, ${span(policy.pauseSeconds * 1000)} apart.`
          : "One round."}
      </p>
      <InFile path={`policies.${slug(policy.id)}`} me={me} />
    </li>
  );
}

function Simulation({ me }: { me: Me }): JSX.Element {
  const zone = me.zone ?? "UTC";
  const services = useLoad(() => answered(api.GET("/api/services", {})));
  const [serviceId, setServiceId] = useState("");
  const [urgency, setUrgency] = useState<Urgency>("HIGH");
  const [at, setAt] = useState(local(new Date().toISOString(), zone));
  const [found, setFound] = useState<Simulated>();
  const [said, setSaid] = useState("");

  async function play(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setSaid("Playing it...");
    setFound(undefined);
    try {
      const body = { serviceId, urgency, at: instant(at, zone) };
      const { simulation } = await answered(api.POST("/api/simulate", { body }));
      setFound(simulation);
      setSaid("");
    } catch (error) {
      setSaid(refused(error).message);
    }
  }
  return (
    <form class="card" onSubmit={(event) => void play(event)}>
      <h2>Who would be paged?</h2>
      <div class="two">
        <label>
          Service
          <select required value={serviceId} onChange={(event) => setServiceId(event.currentTarget.value)}>
            <option value="" disabled>
              Choose
            </option>
            {(services.data?.services ?? []).map((each) => (
              <option value={each.id}>{each.name}</option>
            ))}
          </select>
        </label>
        <label>
          Urgency
          <select value={urgency} onChange={(event) => setUrgency(event.currentTarget.value as Urgency)}>
            <option>HIGH</option>
            <option>MEDIUM</option>
            <option>LOW</option>
          </select>
        </label>
        <label>
          At
          <input type="datetime-local" required value={at} onInput={(event) => setAt(event.currentTarget.value)} />
        </label>
      </div>
      <button class="first">Simulate</button> <span class="dim">Nothing is written or sent. Times in {zone}.</span>
      <p role="status">{said}</p>
      {found && <Night found={found} zone={zone} />}
    </form>
  );
}

function Night({ found, zone }: { found: Simulated; zone: string }): JSX.Element {
  const from = Date.parse(found.at);
  return (
    <section aria-label="The night">
      {!found.opens && <p class="nobody">It pages nobody at first: maintenance, shadow, or a disabled service.</p>}
      <ol class="night">
        {found.timeline.map((each) => (
          <li class={each.kind}>
            <time dateTime={each.at} class="dim">
              {clock(each.at, from, zone)}
            </time>
            <span>
              <b>{each.who}</b> {each.how.join(", ")} <span class="dim">{each.why}</span>
              {(each.failing ?? []).map((one) => (
                <span class="nobody"> failing: {one}</span>
              ))}
            </span>
          </li>
        ))}
      </ol>
      <p class="dim">{found.ends ? "That is all, if nobody acts." : "It goes on; the rest is not shown."}</p>
    </section>
  );
}
