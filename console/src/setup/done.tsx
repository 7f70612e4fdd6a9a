/** The last step: what there is now, as a file, and what comes next. */
import type { JSX } from "preact";

import { answered, api } from "../api/client";
import { useLoad } from "../api/load";
import { Problem } from "../parts";
import { Link, ROOT } from "../router";
import { span } from "../times";
import { Copying } from "./creating";
import { DONE, type Draft } from "./draft";
import { Frame } from "./fields";

/** What has been seen to work, and no more. */
export function outcome({ answers, worked, began, sent, why }: Draft): string {
  const service = answers.service.trim();
  if (worked) {
    return `A test event went all the way, ${span(worked - began)} after you began. What ${service} reports from now on pages your team.`;
  }
  if (sent) return `A message of the test was sent, but nobody has acknowledged it. What ${service} reports from now on pages your team.`;
  return `What ${service} reports from now on opens incidents, but no message has reached anybody: ${why ?? "none was sent while you looked"}.`;
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
          This is the whole configuration{data ? `, at revision ${data.revision}` : ""}. The console owns it. To keep it in git, save
          it as a file and run <code class="whole">opsknight apply --take-over</code>.
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
