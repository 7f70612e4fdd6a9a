/** The fourth step: the service, and what sends its events. From here all answers are written, as one revision. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { answered, api, type Configuration, type Me, Refused } from "../api/client";
import { refused } from "../api/load";
import { Copies } from "../pages/configuration";
import { Problem } from "../parts";
import { Link, ROOT } from "../router";
import type { StepProps } from "./asking";
import { type Answers, compose, type Composed, fieldAt, type Mistakes, type Names } from "./compose";
import { keepSent, keptSent, SERVICE } from "./draft";
import { Frame, TextField, useTried } from "./fields";
import { completed, landed, type Made } from "./landed";
import { keys } from "./yaml";

const SENDERS = ["Prometheus", "Grafana", "CloudWatch", "Datadog", "Sentry", "Uptime Kuma", "Zabbix", "Own scripts"];

/** What came of a try to write it. */
type Tried =
  | Made
  | { mistakes: Mistakes }
  | { owner: "file"; added: string; names: Names }
  | { others: readonly string[] };

interface Props extends StepProps {
  zones: ReadonlySet<string>;
  found: Configuration;
  /** It is written: these are its keys, and what it was made of. */
  done: (names: Names, revision: number, answers: Answers) => void;
  /** What the server, or the configuration as it is by now, says of fields of any step. */
  refuse: (mistakes: Mistakes) => void;
}

export async function write(answers: Answers, zones: ReadonlySet<string>, me: Me, beside: boolean): Promise<Tried> {
  const before = await completed(me, answers);
  if (before) return before;
  const now = await answered(api.GET("/api/configuration/text", {}));
  const composed = compose(answers, zones, me, now.text);
  const others = [...keys(now.text, "services")];
  if (others.length && !beside) return { others };
  if (Object.keys(composed.mistakes).length) return { mistakes: composed.mistakes };
  if (now.owner && now.owner.by !== "console") return { owner: "file", added: composed.added, names: composed.names };
  const { text } = composed;
  const checked = await answered(api.POST("/api/configuration/validate", { body: { text } }));
  if (!checked.valid) return { mistakes: told(checked.problems, composed) };
  const plan = await answered(api.POST("/api/configuration/plan", { body: { text, prune: false } }));
  // Written for the revision that the text was made from: what came after it must not be undone.
  const body = { text, prune: false, force: false, takeOver: false, revision: now.revision, digest: plan.digest };
  if (plan.revision !== now.revision) return write(answers, zones, me, beside);
  keepSent(me, { text, names: composed.names, answers, after: now.revision, who: me.name });
  const applied = await answered(api.POST("/api/configuration/apply", { body }));
  return { made: composed.names, revision: applied.revision, answers };
}

function told(problems: readonly { path?: string; message: string; severity: string }[], composed: Composed): Mistakes {
  const wrong = problems.filter((each) => each.severity === "error");
  return Object.fromEntries(wrong.map((each) => [fieldAt(each.path ?? "", composed.places) ?? "service", each.message]));
}

export function ServiceStep(props: Props): JSX.Element {
  const { me, answers, change, back, zones, found, done, refuse, refusals } = props;
  const { said, clear } = useTried(props, (field) => field === "service" || field === "integration");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Refused>();
  const [others, setOthers] = useState<readonly string[]>();
  const [file, setFile] = useState<{ added: string; names: Names }>();
  const composed = compose(answers, zones, me, found.text);
  const create = async (beside: boolean): Promise<void> => {
    setBusy(true);
    setError(undefined);
    setOthers(undefined);
    try {
      const tried = await write(answers, zones, me, beside);
      if ("made" in tried) done(tried.made, tried.revision, tried.answers);
      else if ("mistakes" in tried) refuse(tried.mistakes);
      else if ("owner" in tried) setFile(tried);
      else setOthers(tried.others);
    } catch (cause) {
      setError(refused(cause));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    // After a reload, too: what is there already may be what was sent.
    landed(me).then(
      (found) => found && done(found.made, found.revision, found.answers),
      (cause: unknown) => setError(refused(cause)),
    );
  }, []);
  const look = async (names: Names): Promise<void> => {
    setError(undefined);
    try {
      const { services } = await answered(api.GET("/api/services", {}));
      const now = await answered(api.GET("/api/configuration/text", {}));
      if (services.some((each) => each.id === `svc_${names.service}`)) done(names, now.revision, answers);
      else setError(new Refused("The service is not there yet: apply the file first.", 404, ""));
    } catch (cause) {
      setError(refused(cause));
    }
  };
  return (
    <Frame
      step={SERVICE}
      title="Your first service"
      lead="What can break, and the tool that notices. All of your answers are written together now."
      // What was sent may be what the mistakes are about: that is looked for first.
      next={() => (keptSent(me) !== undefined || clear()) && void create(false)}
      back={back}
      refusals={refusals}
      label={busy ? "Writing..." : "Create all of it"}
      busy={busy}
    >
      <div class="two">
        <TextField
          id="service"
          label="Name of the service"
          said={said["service"]}
          value={answers.service}
          write={(service) => change({ service })}
          more={{ placeholder: "Checkout", autoComplete: "off", maxLength: 200 }}
        />
        <TextField
          id="integration"
          label="What sends its events"
          said={said["integration"]}
          value={answers.integration}
          write={(integration) => change({ integration })}
          more={{ placeholder: "Prometheus", list: "senders", autoComplete: "off", maxLength: 200 }}
        />
      </div>
      <datalist id="senders">
        {SENDERS.map((each) => (
          <option value={each} />
        ))}
      </datalist>
      <details>
        <summary>What is added to the configuration</summary>
        <pre class="details" tabIndex={0}>
          {composed.added}
        </pre>
      </details>
      {error && <Overtaken error={error} />}
      {others && (
        <div class="problem" role="alert">
          <p>
            Somebody has set up {others.length === 1 ? "a service" : `${others.length} services`} meanwhile:{" "}
            <b>
              <bdi>{others.join(", ")}</bdi>
            </b>
            . Your answers are kept.
          </p>
          <div class="form-acts">
            <button type="button" onClick={() => void create(true)} disabled={busy}>
              Create mine as well
            </button>
            <Link to={`${ROOT}services`} class="button">
              Look at the services
            </Link>
          </div>
        </div>
      )}
      {file && (
        <section class="card" aria-labelledby="file-title">
          <h3 id="file-title">A file owns the configuration</h3>
          <p>
            Nothing was written. Add these lines to {found.owner?.source ? <code>{found.owner.source}</code> : "the file"}, and run{" "}
            <code>opsknight apply</code>.
          </p>
          <pre class="details" tabIndex={0}>
            {file.added}
          </pre>
          <Copying text={file.added} />
          <div class="form-acts">
            <button type="button" class="first" onClick={() => void look(file.names)}>
              It is applied: go on
            </button>
          </div>
        </section>
      )}
    </Frame>
  );
}

/** A refusal of the apply: whoever was faster has not undone anything here. */
function Overtaken({ error }: { error: Refused }): JSX.Element {
  if (error.code !== "overtaken") return <Problem error={error} />;
  return (
    <p class="problem" role="alert">
      Somebody has changed the configuration in the same moment. Nothing of yours was written, and your answers are kept: create it
      again.
    </p>
  );
}

export function Copying({ text }: { text: string }): JSX.Element {
  const [said, setSaid] = useState("");
  return (
    <>
      <div class="form-acts">
        <Copies text={text} tell={setSaid} />
      </div>
      <p role="status">{said}</p>
    </>
  );
}
