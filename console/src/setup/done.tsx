/** The last step: what there is now, as a file, and what comes next. */
import type { JSX } from "preact";

import { answered, api, type Configuration } from "../api/client";
import { useLoad } from "../api/load";
import { Problem } from "../parts";
import { Link, ROOT } from "../router";
import { span } from "../times";
import type { Answers, Whom } from "./compose";
import { Copying } from "./creating";
import { DONE, type Draft } from "./draft";
import { Frame } from "./fields";

/** Whom the policy pages, in the order of its steps. */
export function paged({ steps, colleagues }: Answers): string {
  const named = (whom: Whom): string => {
    if (whom === "me") return "you";
    if (whom === "team") return "your team";
    // Their names are gone after a reload.
    return colleagues.find(({ id }) => id === whom)?.name.trim() || "a colleague";
  };
  const people = [...new Set(steps.map(({ whom }) => whom))].map(named);
  const others = people.filter((each) => each === "a colleague").length;
  const said = [...new Set(people)].map((each) => (each === "a colleague" && others > 1 ? `${others} colleagues` : each));
  return said.length > 1 ? `${said.slice(0, -1).join(", ")} and ${said.at(-1)}` : (said[0] ?? "nobody");
}

/** What has been seen to work, and no more. */
export function outcome({ answers, worked, began, sent, why }: Draft): string {
  const service = answers.service.trim();
  const pages = `What ${service} reports from now on pages ${paged(answers)}.`;
  if (worked) return `A test event went all the way, ${span(worked - began)} after you began. ${pages}`;
  if (sent) return `A message of the test was sent, but nobody has acknowledged it. ${pages}`;
  return `What ${service} reports from now on opens incidents, but no message has reached anybody: ${why ?? "none was sent while you looked"}.`;
}

/** Whoever owns it, and how it is kept in git. */
function Owned({ of: { owner } }: { of: Configuration }): JSX.Element {
  if (owner?.by === "file") {
    return (
      <>
        A file owns it{owner.source && <>: <code>{owner.source}</code></>}. Change it there, and apply it by{" "}
        <code class="whole">opsknight apply</code>.
      </>
    );
  }
  return (
    <>
      The console owns it. To keep it in git, save it as a file and run <code class="whole">opsknight apply --take-over</code>.
    </>
  );
}

export function DoneStep({ draft, end }: { draft: Draft; end: () => void }): JSX.Element {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/configuration/text", {})));
  const { answers, made, worked, sent } = draft;
  const service = `${ROOT}services/svc_${made?.names.service ?? ""}`;
  const others = answers.colleagues.map((each) => each.name.trim());
  // Their names are gone after a reload.
  const named = others.every((each) => each) ? others.join(", ") : "your colleagues";
  return (
    <Frame
      step={DONE}
      title={worked ? "It works" : "It is set up"}
      lead={outcome(draft)}
      next={end}
      back={undefined}
      label="To the incidents"
    >
      <section aria-labelledby="next-title">
        <h3 id="next-title">What comes next</h3>
        <ul class="setup-next">
          {!worked && !sent && (
            <li>
              <b>See to it that pages arrive</b>: add or mend <Link to={`${ROOT}me`}>how you are reached</Link>, look at{" "}
              <Link to={`${ROOT}health`}>Health</Link>, and send another event until a message has come.
            </li>
          )}
          <li>
            <b>Connect {answers.integration.trim()}</b> with the key and the address <code>{location.origin}/api/events</code>. Further
            tools get keys of their own at <Link to={`${service}?tab=integrations`}>the service's integrations</Link>.
          </li>
          {others.length > 0 && (
            <li>
              <b>Let {named} in</b>: at the address of this page, by your identity provider or a code by e-mail; or
              make a link by <code class="whole">opsknight login --user</code>.
            </li>
          )}
          <li>
            <b>Take turns</b>: write a schedule into <Link to={`${ROOT}configuration`}>the configuration</Link>, and name it in the
            policy.
          </li>
          <li>
            <b>Look at <Link to={`${ROOT}health`}>Health</Link></b>, and run <code class="whole">opsknight doctor</code>: both say what is still missing.
          </li>
        </ul>
      </section>
      <section aria-labelledby="yaml-title">
        <h3 id="yaml-title">What was written</h3>
        <p class="dim">
          This is the whole configuration{data ? `, at revision ${data.revision}` : ""}. {data && <Owned of={data} />}
        </p>
        {error && <Problem error={error} again={again} />}
        {data && (
          <>
            <pre class="details" tabIndex={0} aria-label="The configuration, as YAML">
              {data.text}
            </pre>
            <Copying text={data.text} />
          </>
        )}
      </section>
    </Frame>
  );
}
