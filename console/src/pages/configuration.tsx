/** The configuration as a file: read, edit, check, plan and apply it; and who has applied what. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { answered, api, type Configuration, type ConfigurationPlan, type Me, type ConfigurationProblem, type Refused } from "../api/client";
import { refused, useLoad } from "../api/load";
import { Empty, Problem, useNow, When } from "../parts";
import { Editor, lineAt, lineOf } from "./editor";
import { PlanView } from "./plan";
import { Revisions } from "./revisions";

/** To log in again leads away: what somebody has written is there when they come back. */
const DRAFT = "opsknight:configuration";

interface Draft {
  /** Whose it is: in the same tab somebody else may log in next. */
  of: string;
  text: string;
  /** The revision of the text that it was made from. */
  from: number;
}

function kept(of: string): Draft | undefined {
  try {
    const found = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null") as Draft | null;
    return found?.of === of ? found : undefined;
  } catch {
    return undefined;
  }
}

function keep(draft: Draft | undefined): void {
  try {
    if (draft) sessionStorage.setItem(DRAFT, JSON.stringify(draft));
    else sessionStorage.removeItem(DRAFT);
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}

/** Whoever looks now: what somebody else has written in this tab is gone. */
export function forgetOthers(me: string): void {
  if (!kept(me)) keep(undefined);
}

/** They log out, and whoever comes next may not. */
export function forgetDraft(): void {
  keep(undefined);
}

interface Page {
  me: Me;
  address: URL;
}

export function ConfigurationPage({ me, address }: Page): JSX.Element {
  const { zone } = me;
  const { data, error, again } = useLoad(() => answered(api.GET("/api/configuration/text", {})));
  const now = useNow(30_000);
  return (
    <main class="wide">
      <h1>Configuration</h1>
      {error?.status === 403 && <Empty>This page is for the roles ADMIN and RESPONDER.</Empty>}
      {error && error.status !== 403 && <Problem error={error} again={again} />}
      {!data && !error && <div class="skeleton" aria-hidden="true" />}
      {data && <Owned found={data} now={now} zone={zone} />}
      {data && <Text found={data} again={again} me={me} at={address.searchParams.get("at")} />}
      {data && <Revisions of={data.revision} now={now} zone={zone} />}
    </main>
  );
}

function Owned({ found, now, zone }: { found: Configuration; now: number; zone: string | undefined }): JSX.Element {
  const { owner } = found;
  if (!owner) return <p class="owner">Nothing has been applied yet. Whoever applies first owns the configuration: this page, or a file.</p>;
  const file = owner.by !== "console";
  return (
    <div class={`owner ${file ? "is-file" : ""}`}>
      <p>
        <b>{file ? "A file owns the configuration" : "The console owns the configuration"}</b>
        {owner.source && (
          <>
            : <code>{owner.source}</code>
          </>
        )}
        .
      </p>
      {owner.at && (
        <p class="dim">
          Last applied by <bdi>{owner.who}</bdi>, <When at={owner.at} now={now} zone={zone} />, as revision {owner.revision}.
        </p>
      )}
      <p class="dim">
        {file
          ? "Change it there, and apply it by opsknight apply. Here you can check a text, plan it and copy it."
          : "A file is applied only by opsknight apply --take-over."}
      </p>
    </div>
  );
}

interface TextProps {
  found: Configuration;
  again: () => void;
  me: Me;
  /** The path of what somebody came for. */
  at: string | null;
}

function Text({ found, again, me, at }: TextProps): JSX.Element {
  const [draft, setDraft] = useState<Draft | undefined>(() => (found.mayApply ? kept(me.id) : undefined));
  const text = draft?.text ?? found.text;
  const [said, setSaid] = useState("");
  const [problems, setProblems] = useState<readonly ConfigurationProblem[]>();
  const [plan, setPlan] = useState<ConfigurationPlan>();
  const [prune, setPrune] = useState(false);
  const [error, setError] = useState<Refused>();
  const [busy, setBusy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  // An answer is about the text that was sent, not about what was typed meanwhile.
  const latest = useRef(text);
  latest.current = text;
  useEffect(() => keep(draft), [draft]);

  const forget = (): void => {
    setPlan(undefined);
    setProblems(undefined);
    setError(undefined);
    setSaid("");
  };
  const write = (wanted: string): void => {
    forget();
    setDraft(wanted === found.text ? undefined : { of: me.id, text: wanted, from: draft?.from ?? found.revision });
  };
  const ask = async (act: (sent: string) => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(undefined);
    setSaid("");
    try {
      await act(text);
    } catch (failed) {
      setError(refused(failed));
    } finally {
      setBusy(false);
    }
  };
  const check = async (sent: string): Promise<boolean> => {
    const checked = await answered(api.POST("/api/configuration/validate", { body: { text: sent } }));
    if (latest.current !== sent) return false;
    setProblems(checked.problems);
    setSaid(checked.valid ? "The text is valid." : "The text cannot be applied yet.");
    return checked.valid;
  };
  const make = async (sent: string): Promise<void> => {
    setPlan(undefined);
    if (!(await check(sent))) return;
    const made = await answered(api.POST("/api/configuration/plan", { body: { text: sent, prune } }));
    if (latest.current === sent) setPlan(made);
    setSaid("");
  };
  const apply = async (force: boolean, takeOver: boolean): Promise<void> => {
    if (!plan) return;
    const sent = text;
    const body = { text: sent, prune, force, takeOver, revision: plan.revision, digest: plan.digest };
    const applied = await answered(api.POST("/api/configuration/apply", { body }));
    forget();
    // What was typed meanwhile is not applied, and stays.
    if (latest.current === sent) {
      setDraft(undefined);
      keep(undefined);
    } else setDraft({ of: me.id, text: latest.current, from: applied.revision });
    setSaid(`Applied: revision ${applied.revision}.`);
    again();
  };
  const show = (line: number): void => lineAt(area.current, line);
  useEffect(() => {
    const line = at === null ? undefined : lineOf(latest.current, at);
    if (line !== undefined) show(line);
  }, [at]);

  return (
    <section aria-labelledby="text-title">
      <h2 id="text-title">The text, at revision {found.revision}</h2>
      {found.masked && <p class="dim">Addresses of people are masked. ADMINs see them, and may apply the configuration.</p>}
      {draft && draft.from !== found.revision && (
        <p class="problem" role="alert">
          Somebody has changed the configuration since you began, at revision {draft.from}. The plan shows what your text would undo.
        </p>
      )}
      <Editor text={text} write={write} readOnly={!found.mayApply} area={area} problems={problems ?? []} />
      <div class="buttons">
        {found.mayApply && (
          <>
            <button disabled={busy} onClick={() => void ask(async (sent) => void (await check(sent)))}>
              Check
            </button>
            <button class="first" disabled={busy} onClick={() => void ask(make)}>
              Plan
            </button>
          </>
        )}
        <Copies text={text} tell={setSaid} />
        {draft && (
          <button
            onClick={() => {
              forget();
              setDraft(undefined);
            }}
          >
            Discard my changes
          </button>
        )}
      </div>
      {found.mayApply && (
        <label class="check">
          <input
            type="checkbox"
            checked={prune}
            onChange={(event) => {
              setPrune(event.currentTarget.checked);
              setPlan(undefined);
            }}
          />
          <span>Remove what the text does not name</span>
        </label>
      )}
      <p role="status">{said}</p>
      {problems && problems.length > 0 && (
        <ul class="problems" aria-label="Findings">
          {problems.map((each) => (
            <li class={each.severity}>
              <button class="plain" onClick={() => show(each.line)}>
                Line {each.line}
              </button>{" "}
              <b>{each.severity}</b> <bdi>{each.message}</bdi>
              {each.path && (
                <>
                  {" "}
                  <code class="dim">{each.path}</code>
                </>
              )}
            </li>
          ))}
        </ul>
      )}
      {plan && <PlanView plan={plan} busy={busy} apply={(force, takeOver) => void ask(() => apply(force, takeOver))} />}
      {error && <Failed error={error} />}
    </section>
  );
}

/** What the refusals of an apply say, in place of their titles. */
const REFUSALS: Record<string, string> = {
  "another-plan":
    "The text is not the one that was planned, or an incident has ended that needed something. Plan it again, and look at it.",
  overtaken:
    "The configuration has changed since this plan was made, perhaps by an earlier try of yours. Plan it again, and look at it.",
  "owned-elsewhere": "A file owns the configuration since you looked. Plan it again to take it over.",
  "needs-force": "It ends keys in use, or removes much. Plan it again.",
};

function Failed({ error }: { error: Refused }): JSX.Element {
  const words = REFUSALS[error.code];
  return words ? (
    <p class="problem" role="alert">
      {words}
    </p>
  ) : (
    <Problem error={error} />
  );
}

export function Copies({ text, tell }: { text: string; tell: (said: string) => void }): JSX.Element {
  const save = (): void => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
    link.download = "opsknight.yaml";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const copy = (): void =>
    void navigator.clipboard.writeText(text).then(
      () => tell("Copied."),
      () => tell("The browser does not let it be copied: download it."),
    );
  return (
    <>
      <button type="button" onClick={copy}>
        Copy
      </button>
      <button type="button" onClick={save}>
        Download
      </button>
    </>
  );
}
