/** What an apply would change, by the harm that it can do; and the button that does it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import type { ConfigurationPlan } from "../api/client";
import { Empty } from "../parts";

type Change = ConfigurationPlan["changes"][number];

const WORDS: Record<string, [sign: string, word: string]> = {
  create: ["+", "new"],
  update: ["~", "changed"],
  remove: ["−", "removed"],
};

interface Props {
  plan: ConfigurationPlan;
  busy: boolean;
  apply: (force: boolean, takeOver: boolean) => void;
}

export function PlanView({ plan, busy, apply }: Props): JSX.Element {
  const [force, setForce] = useState(false);
  const [takeOver, setTakeOver] = useState(false);
  const elsewhere = plan.owner !== undefined && plan.owner.by !== "console";
  const empty = plan.changes.length === 0;
  const ready = (!plan.needsForce || force) && (!elsewhere || takeOver) && (!empty || takeOver);
  return (
    <section class="plan" aria-labelledby="plan-title">
      <h2 id="plan-title">The plan, from revision {plan.revision}</h2>
      {plan.dangers.length > 0 && (
        <ul class="problem dangers" aria-label="Dangers">
          {plan.dangers.map((each) => (
            <li>
              <bdi>{each}</bdi>
            </li>
          ))}
        </ul>
      )}
      {empty && <Empty>Nothing would change.</Empty>}
      <ul class="changes" aria-label="Changes">
        {plan.changes.map((each) => (
          <One change={each} />
        ))}
      </ul>
      {plan.left.length > 0 && (
        <details>
          <summary>{plan.left.length} stay, though the text does not name them</summary>
          <ul>
            {plan.left.map((each) => (
              <li>
                <code>{each.path}</code>
                {each.incidentId && <span class="dim"> needed by an active incident</span>}
              </li>
            ))}
          </ul>
        </details>
      )}
      {plan.needsForce && (
        <label class="check">
          <input type="checkbox" checked={force} onChange={(event) => setForce(event.currentTarget.checked)} />
          <span>Apply it nevertheless: I have read the dangers</span>
        </label>
      )}
      {elsewhere && (
        <label class="check">
          <input type="checkbox" checked={takeOver} onChange={(event) => setTakeOver(event.currentTarget.checked)} />
          <span>Take over: from now on the console owns the configuration, and the file is refused</span>
        </label>
      )}
      <div class="buttons">
        <button class="first" disabled={busy || !ready} onClick={() => apply(force, takeOver)}>
          {elsewhere ? "Take over and apply" : "Apply"}
        </button>
      </div>
    </section>
  );
}

function One({ change }: { change: Change }): JSX.Element {
  const [sign, word] = WORDS[change.action] ?? ["?", change.action];
  return (
    <li class={change.action}>
      <p>
        <b aria-hidden="true">{sign}</b> <code>{change.path}</code> <span class="tag">{word}</span>
        {change.endsKeys > 0 && <b class="harm"> {change.endsKeys === 1 ? "a live key ends" : `${change.endsKeys} live keys end`}</b>}
      </p>
      {change.text !== undefined && <pre>{change.text}</pre>}
      {(change.differences ?? []).map((each) => (
        <div class="difference">
          <code class="dim">{each.path}</code>
          {each.before !== undefined && <del>{each.before}</del>}
          {each.after !== undefined && <ins>{each.after}</ins>}
        </div>
      ))}
    </li>
  );
}
