/** What is wrong with the deployment and nobody has noticed yet: as `opsknight doctor` says it. */
import type { JSX } from "preact";

import { answered, api, type Finding } from "../api/client";
import { useLoad } from "../api/load";
import { Empty, Problem, useNow, When } from "../parts";
import { Link, ROOT } from "../router";

/** Where in the console it can be mended. */
const MENDED: Record<string, [path: string, label: string]> = {
  shifts: ["oncall", "To the schedules"],
  confirmed: ["me", "To your contact methods"],
};

export function HealthPage({ zone }: { zone: string | undefined }): JSX.Element {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/health", {})));
  const now = useNow(30_000);
  const wrong = (data?.findings ?? []).filter((each) => each.verdict === "warning" || each.verdict === "failed");
  const fine = (data?.findings ?? []).filter((each) => !wrong.includes(each));
  return (
    <main>
      <h1>Health</h1>
      {error?.status === 403 && <Empty>This page is for the roles ADMIN and RESPONDER.</Empty>}
      {error && error.status !== 403 && <Problem error={error} again={again} />}
      {data && (
        <p class="dim">
          As of <When at={data.checkedAt} now={now} zone={zone} />.{" "}
          <button class="small" onClick={again}>
            Look again
          </button>{" "}
          <code>opsknight doctor</code> also looks at what only AWS knows.
        </p>
      )}
      {data && wrong.length === 0 && <Empty>Nothing is wrong.</Empty>}
      <ul class="findings" aria-label="What is wrong">
        {wrong.map((each) => (
          <One finding={each} />
        ))}
      </ul>
      {fine.length > 0 && (
        <details>
          <summary>{fine.length} are fine</summary>
          <ul class="findings">
            {fine.map((each) => (
              <One finding={each} />
            ))}
          </ul>
        </details>
      )}
    </main>
  );
}

function One({ finding }: { finding: Finding }): JSX.Element {
  const mended = MENDED[finding.check];
  return (
    <li class="service">
      <p class="name">{finding.check}</p>
      <p>
        <Words of={finding.text} />
      </p>
      {finding.mend && (
        <p class="dim">
          <Words of={finding.mend} />
        </p>
      )}
      {finding.mend && mended && (
        <p>
          <Link to={`${ROOT}${mended[0]}`}>{mended[1]}</Link>
        </p>
      )}
    </li>
  );
}

/** Text between backquotes is a command. */
function Words({ of }: { of: string }): JSX.Element {
  return (
    <bdi>{of.split("`").map((part, number) => (number % 2 ? <code>{part}</code> : part))}</bdi>
  );
}
