/** The set-up of an empty deployment: a person, a team, who is paged, a service, its key, and a test. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";

import { answered, api, type Configuration, type Me } from "../api/client";
import { useLoad } from "../api/load";
import { Empty, Problem } from "../parts";
import { go, Link, ROOT } from "../router";
import { TeamStep, YouStep } from "./asking";
import { type Answers, type Mistakes, mistakes } from "./compose";
import { ServiceStep } from "./creating";
import { DoneStep } from "./done";
import { allZones, DONE, forget, forgetSent, KEY, PAGING, SERVICE, STEPS, TEAM, TEST, useDraft, YOU } from "./draft";
import { leave } from "./offered";
import { PagingStep } from "./paging";
import { KeyStep, TestStep } from "./trying";

export function SetupPage({ me, again }: { me: Me; again: () => void }): JSX.Element {
  const { data, error, again: retry } = useLoad(() => answered(api.GET("/api/configuration/text", {})));
  return (
    <main class="setup">
      <h1 class="quiet">Set up OpsKnight</h1>
      {me.role !== "ADMIN" ? (
        <Empty>
          The set-up is for the role ADMIN. <Link to={`${ROOT}incidents`}>To the incidents</Link>
        </Empty>
      ) : (
        <>
          {error && <Problem error={error} again={retry} />}
          {!data && !error && <div class="skeleton" aria-hidden="true" />}
          {data && <Steps me={me} again={again} found={data} reload={retry} />}
        </>
      )}
    </main>
  );
}

function Steps(props: { me: Me; again: () => void; found: Configuration; reload: () => void }): JSX.Element {
  const { me, again, found, reload } = props;
  const [draft, change] = useDraft(me);
  const [secret, setSecret] = useState("");
  /** What the server said of an answer, as long as that is the answer. */
  const [refused, setRefused] = useState<{ of: Answers; said: Mistakes; times: number }>();
  const zones = useMemo(() => allZones(), []);
  const known = useMemo(() => new Set(zones), [zones]);
  const { answers, made, step } = draft;
  const wrong = useMemo(() => mistakes(answers, known, me, found.text), [answers, known, me, found.text]);
  const all = refused?.of === answers ? { ...wrong, ...refused.said } : wrong;
  const to = (next: number): void => change({ step: next });
  const asked = {
    me,
    answers,
    mistakes: all,
    refusals: refused?.times ?? 0,
    change: (more: Partial<Answers>) => change({ answers: { ...answers, ...more } }),
    next: () => to(step + 1),
    back: step > YOU ? () => to(step - 1) : undefined,
  };
  const finish = async (): Promise<void> => {
    const { incidentId } = draft;
    if (incidentId) {
      const params = { path: { incidentId } };
      // It is only a test: whoever resolved it already was right.
      await answered(api.POST("/api/incidents/{incidentId}/resolve", { params, body: {} })).catch(() => undefined);
    }
    to(DONE);
  };
  const end = (): void => {
    forget(me);
    again();
    go(`${ROOT}incidents`);
  };
  const file = found.owner !== undefined && found.owner.by !== "console";
  return (
    <>
      <Progress step={step} open={(number) => (made ? false : number < step)} to={to} />
      {file && !made && (
        <p class="owner is-file">
          <b>A file owns the configuration</b>
          {found.owner?.source && (
            <>
              : <code>{found.owner.source}</code>
            </>
          )}
          . The set-up writes the lines for it, and you apply them.
        </p>
      )}
      {step === YOU && <YouStep {...asked} zones={zones} again={again} />}
      {step === TEAM && <TeamStep {...asked} />}
      {step === PAGING && <PagingStep {...asked} />}
      {step === SERVICE && (
        <ServiceStep
          {...asked}
          zones={known}
          found={found}
          done={(names, revision, of) => {
            forgetSent(me);
            change({ made: { names, revision }, answers: of, step: KEY });
            again();
          }}
          refuse={(said) => {
            setRefused((was) => ({ of: answers, said, times: 1 + (was?.times ?? 0) }));
            reload();
            to(stepOf(Object.keys(said)));
          }}
        />
      )}
      {step === KEY && <KeyStep me={me} draft={draft} change={change} secret={secret} show={setSecret} />}
      {step === TEST && (
        <TestStep me={me} draft={draft} change={change} secret={secret} again={again} finish={() => void finish()} />
      )}
      {step === DONE && <DoneStep draft={draft} end={end} />}
      {step < DONE && (
        <p class="setup-leave">
          <button class="plain" onClick={leave}>
            Leave it for now
          </button>{" "}
          <span class="dim">What you have written stays, under "Set up" above.</span>
        </p>
      )}
    </>
  );
}

/** The first step that has one of these fields. */
export function stepOf(fields: readonly string[]): number {
  if (fields.some((each) => each === "name" || each === "zone")) return YOU;
  if (fields.some((each) => each === "team" || each.startsWith("colleague-"))) return TEAM;
  return fields.some((each) => /^(step|repeat|pause)/.test(each)) ? PAGING : SERVICE;
}

function Progress({ step, open, to }: { step: number; open: (step: number) => boolean; to: (step: number) => void }): JSX.Element {
  return (
    <nav aria-label="Steps of the set-up">
      <ol class="setup-steps">
        {STEPS.map((name, number) => (
          <li class={number < step ? "is-past" : ""} {...(number === step ? { "aria-current": "step" as const } : {})}>
            {open(number) ? (
              <button class="plain" onClick={() => to(number)}>
                {name}
              </button>
            ) : (
              <span>{name}</span>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
