/** The third step: who is paged, and then whom; and what that means, in words. */
import type { JSX } from "preact";

import type { StepProps } from "./asking";
import { type Answers, LONGEST_WAIT, MOST_REPEATS, MOST_STEPS, type Step, type Whom } from "./compose";
import { PAGING } from "./draft";
import { Field, Frame, TextField, useTried } from "./fields";

/** Whom a step pages, in words. */
export function called(whom: Whom, answers: Answers): string {
  if (whom === "me") return answers.name.trim() || "you";
  if (whom === "team") return answers.team.trim() ? `all of ${answers.team.trim()}` : "the whole team";
  const found = answers.colleagues.find((each) => each.id === whom);
  return found?.name.trim() || found?.email.trim() || "a colleague";
}

/** The night as it goes while nobody acts: each line a time since the alert, and whom it pages. */
export function night(answers: Answers): string[] {
  const lines: string[] = [];
  let at = 0;
  answers.steps.forEach((step, number) => {
    at += number ? step.after || 0 : 0;
    lines.push(`${at ? `After ${at} min` : "At once"}: ${called(step.whom, answers)}`);
  });
  const pause = answers.pause || 0;
  if (answers.repeat === 1) lines.push(`${pause} min later: the same once more`);
  if (answers.repeat > 1) lines.push(`${pause} min later: the same again, ${answers.repeat} more times`);
  lines.push("Then, if nobody has acted: the fallback address");
  return lines;
}

export function PagingStep(props: StepProps): JSX.Element {
  const { answers, change, next, back, refusals } = props;
  const { said, clear } = useTried(props, (field) => /^(step|repeat|pause)/.test(field));
  const { steps } = answers;
  const set = (number: number, field: Partial<Step>): void =>
    change({ steps: steps.map((each, at) => (at === number ? { ...each, ...field } : each)) });
  const choices: [Whom, string][] = [
    ["me", `${answers.name.trim() || "You"} (you)`],
    ...answers.colleagues.map((each): [Whom, string] => [each.id, called(each.id, answers)]),
    ["team", "The whole team"],
  ];
  const add = (): void => {
    const others = choices.map(([whom]) => whom).filter((whom) => !steps.some((each) => each.whom === whom));
    const whom = others.find((each) => each !== "team" || answers.colleagues.length > 0) ?? "me";
    change({ steps: [...steps, { after: 10, whom }] });
    setTimeout(() => document.getElementById(`step-${steps.length}-after`)?.focus());
  };
  return (
    <Frame
      step={PAGING}
      title="Who is paged"
      lead="One after the other, until somebody acknowledges. This is the escalation policy."
      next={() => clear() && next()}
      back={back}
      refusals={refusals}
    >
      <ol class="setup-policy">
        {steps.map((step, number) => (
          <li>
            {number === 0 ? (
              <p class="when">At once</p>
            ) : (
              <TextField
                id={`step-${number}-after`}
                label="Minutes later"
                said={said[`step-${number}-after`]}
                value={shown(step.after)}
                write={(text) => set(number, { after: typed(text) })}
                more={{ type: "number", inputMode: "numeric", min: 0, max: LONGEST_WAIT }}
              />
            )}
            <Field id={`step-${number}-whom`} label={number ? "Then page" : "Page"} said={said[`step-${number}-whom`]}>
              {(given) => (
                <select
                  {...given}
                  value={String(step.whom)}
                  onChange={(event) => {
                    const found = choices.find(([whom]) => String(whom) === event.currentTarget.value);
                    if (found) set(number, { whom: found[0] });
                  }}
                >
                  {choices.map(([whom, label]) => (
                    <option value={String(whom)}>{label}</option>
                  ))}
                </select>
              )}
            </Field>
            {steps.length > 1 && (
              <button
                type="button"
                class="plain"
                aria-label={`Remove step ${number + 1}`}
                onClick={() => change({ steps: steps.filter((_, at) => at !== number) })}
              >
                Remove
              </button>
            )}
          </li>
        ))}
      </ol>
      {steps.length < MOST_STEPS && (
        <button type="button" class="small" onClick={add}>
          Then somebody else
        </button>
      )}
      <div class="two setup-again">
        <TextField
          id="repeat"
          label="How many more times"
          said={said["repeat"]}
          value={shown(answers.repeat)}
          write={(text) => change({ repeat: typed(text) })}
          more={{ type: "number", inputMode: "numeric", min: 0, max: MOST_REPEATS }}
        />
        {answers.repeat !== 0 && (
          <TextField
            id="pause"
            label="Minutes before each"
            said={said["pause"]}
            value={shown(answers.pause)}
            write={(text) => change({ pause: typed(text) })}
            more={{ type: "number", inputMode: "numeric", min: 1, max: LONGEST_WAIT }}
          />
        )}
      </div>
      <section class="setup-words" aria-labelledby="night-title">
        <h3 id="night-title">While nobody acts</h3>
        <ol>
          {night(answers).map((line) => (
            <li>
              <bdi>{line}</bdi>
            </li>
          ))}
        </ol>
      </section>
    </Frame>
  );
}

/** What a field of numbers has; NaN for nothing, which is a mistake. */
function typed(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

function shown(number: number): string {
  return Number.isFinite(number) ? String(number) : "";
}
