/** The first two steps: who you are and how you are reached, and who is with you. */
import type { JSX } from "preact";

import type { Me } from "../api/client";
import { Methods } from "../pages/methods";
import { useNow } from "../parts";
import { type Answers, type Colleague, type Mistakes, MOST_COLLEAGUES } from "./compose";
import { TEAM, YOU } from "./draft";
import { Frame, TextField, useTried } from "./fields";

export interface StepProps {
  me: Me;
  answers: Answers;
  mistakes: Mistakes;
  refusals: number;
  change: (answers: Partial<Answers>) => void;
  next: () => void;
  back: (() => void) | undefined;
}

export function YouStep(props: StepProps & { zones: readonly string[]; again: () => void }): JSX.Element {
  const { me, answers, change, next, back, zones, again, refusals } = props;
  const now = useNow(30_000);
  const { said, clear } = useTried(props, (field) => field === "name" || field === "zone");
  return (
    <Frame
      step={YOU}
      title="You"
      lead="The first person to be paged. Others join you in a moment."
      next={() => clear() && next()}
      back={back}
      refusals={refusals}
      beside={
        <section class="setup-beside" aria-labelledby="reached-title">
          <h3 id="reached-title">How you are reached</h3>
          <Methods me={me} now={now} again={again} />
        </section>
      }
    >
      <div class="two">
        <TextField
          id="name"
          label="Your name"
          said={said["name"]}
          value={answers.name}
          write={(name) => change({ name })}
          more={{ autoComplete: "name", maxLength: 200 }}
        />
        <TextField
          id="zone"
          label="Time zone"
          said={said["zone"]}
          value={answers.zone}
          write={(zone) => change({ zone })}
          more={{ list: "zones", autoComplete: "off", spellcheck: false }}
        />
      </div>
      <datalist id="zones">
        {zones.map((each) => (
          <option value={each} />
        ))}
      </datalist>
    </Frame>
  );
}

export function TeamStep(props: StepProps): JSX.Element {
  const { answers, change, next, back, refusals } = props;
  const { said, clear } = useTried(props, (field) => field === "team" || field.startsWith("colleague-"));
  const { colleagues } = answers;
  const add = (): void => {
    const id = 1 + Math.max(0, ...colleagues.map((each) => each.id));
    change({ colleagues: [...colleagues, { id, name: "", email: "" }] });
    setTimeout(() => document.getElementById(`colleague-${id}-name`)?.focus());
  };
  const set = (id: number, field: Partial<Colleague>): void =>
    change({ colleagues: colleagues.map((each) => (each.id === id ? { ...each, ...field } : each)) });
  const remove = (id: number): void =>
    change({
      colleagues: colleagues.filter((each) => each.id !== id),
      // Whom a step paged is not there any more.
      steps: answers.steps.map((each) => (each.whom === id ? { ...each, whom: "team" } : each)),
    });
  return (
    <Frame
      step={TEAM}
      title="Your team"
      lead="A team looks after services. You lead it; colleagues can be paged, and see its incidents."
      next={() => clear() && next()}
      back={back}
      refusals={refusals}
    >
      <TextField
        id="team"
        label="Name of the team"
        said={said["team"]}
        value={answers.team}
        write={(team) => change({ team })}
        more={{ placeholder: "Payments", autoComplete: "off", maxLength: 200 }}
      />
      {colleagues.length > 0 && (
        <ul class="setup-people">
          {colleagues.map((each, number) => (
            <li key={each.id}>
              <fieldset>
                <legend>Colleague {number + 1}</legend>
                <div class="two">
                  <TextField
                    id={`colleague-${each.id}-name`}
                    label="Name"
                    said={said[`colleague-${each.id}-name`]}
                    value={each.name}
                    write={(name) => set(each.id, { name })}
                    more={{ autoComplete: "off", maxLength: 200 }}
                  />
                  <TextField
                    id={`colleague-${each.id}-email`}
                    label="E-mail address"
                    said={said[`colleague-${each.id}-email`]}
                    value={each.email}
                    write={(email) => set(each.id, { email })}
                    more={{ type: "email", inputMode: "email", autoComplete: "off", maxLength: 254 }}
                  />
                </div>
                <button type="button" class="plain" onClick={() => remove(each.id)}>
                  Remove {each.name.trim() || `colleague ${number + 1}`}
                </button>
              </fieldset>
            </li>
          ))}
        </ul>
      )}
      {colleagues.length < MOST_COLLEAGUES && (
        <button type="button" class="small" onClick={add}>
          Add a colleague
        </button>
      )}
    </Frame>
  );
}
