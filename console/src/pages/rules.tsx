/** How each urgency reaches me: by which of my contact methods, and when. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me, type Urgency } from "../api/client";
import { Problem, UrgencyTag } from "../parts";
import { span } from "../times";
import { Locked, rulesAsYaml } from "./locked";
import { useTrying } from "./methods";

type Rule = Me["rules"][number];

const URGENCIES: Urgency[] = ["HIGH", "MEDIUM", "LOW"];
const MINUTES = [0, 1, 2, 3, 5, 10, 15, 30, 60];
const DEFAULTS: Record<Urgency, string> = {
  HIGH: "By all of them at once, and again after 3 minutes.",
  MEDIUM: "At once by e-mail, chat and push; by text message and call after 5 minutes.",
  LOW: "By e-mail.",
};

export function Rules({ me, again }: { me: Me; again: () => void }): JSX.Element {
  const [drafted, setDrafted] = useState<Rule[]>();
  const { busy, error, trying } = useTrying();
  const rules = drafted ?? me.rules;
  const mine = me.ownsRules && me.contactMethods.length > 0;
  const save = (): Promise<void> =>
    trying(async () => {
      await answered(api.POST("/api/keeping/me/rules", { body: { rules } }));
      setDrafted(undefined);
      again();
    });
  const change = (at: number, to: Partial<Rule>): void =>
    setDrafted(rules.map((each, number) => (number === at ? { ...each, ...to } : each)));
  return (
    <>
      <ul class="rules">
        {URGENCIES.map((urgency) => {
          const found = rules.flatMap((each, at) => (each.urgency === urgency ? [{ each, at }] : []));
          return (
            <li>
              <div class="rule-head">
                <UrgencyTag of={urgency} />
                {found.length === 0 && <span class="dim">{DEFAULTS[urgency]}</span>}
              </div>
              {found.map(({ each, at }) =>
                mine ? (
                  <div class="rule">
                    <select
                      aria-label={`When, for ${urgency}`}
                      value={each.afterSeconds}
                      onChange={(event) => change(at, { afterSeconds: Number(event.currentTarget.value) })}
                    >
                      {minutes(each.afterSeconds).map((after) => (
                        <option value={after * 60}>{after ? `after ${after} min` : "at once"}</option>
                      ))}
                    </select>
                    <select
                      aria-label={`By what, for ${urgency}`}
                      value={each.methodId}
                      onChange={(event) => change(at, { methodId: event.currentTarget.value })}
                    >
                      {me.contactMethods.map((one) => (
                        <option value={one.id}>{one.name}</option>
                      ))}
                    </select>
                    <button
                      class="small"
                      aria-label={`Remove this rule for ${urgency}`}
                      onClick={() => setDrafted(rules.filter((_, number) => number !== at))}
                    >
                      &times;
                    </button>
                  </div>
                ) : (
                  <div class="rule">
                    {name(me, each.methodId)}{" "}
                    <span class="dim">{each.afterSeconds ? `after ${span(each.afterSeconds * 1000)}` : "at once"}</span>
                  </div>
                ),
              )}
              {mine && (
                <button
                  class="plain"
                  onClick={() => setDrafted([...rules, { urgency, methodId: me.contactMethods[0]!.id, afterSeconds: next(found) }])}
                >
                  Add a rule for {urgency}
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {!me.ownsRules && <Locked what="Your rules" part="rules" me={me} yaml={rulesAsYaml(me)} />}
      {drafted && (
        <div class="form-acts">
          <button class="first" onClick={() => void save()} disabled={busy}>
            Save the rules
          </button>
          <button onClick={() => setDrafted(undefined)}>Discard</button>
        </div>
      )}
      {error && <Problem error={error} />}
    </>
  );
}

function name(me: Me, id: string): string {
  return me.contactMethods.find((each) => each.id === id)?.name ?? id;
}

/** The choices, with what is chosen already. */
export function minutes(afterSeconds: number): number[] {
  const own = afterSeconds / 60;
  return MINUTES.includes(own) ? MINUTES : [...MINUTES, own].sort((one, other) => one - other);
}

function next(found: { each: Rule }[]): number {
  const last = found.at(-1)?.each.afterSeconds;
  return last === undefined ? 0 : last + 300;
}
