/** Where something of the configuration is changed, with its lines as they stand there. Asked for when it is opened. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type ConfigurationPart, type Me } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, useNow, When } from "../parts";
import { Link, ROOT } from "../router";

interface Props {
  /** Its path in a file: `services.checkout`. */
  path: string;
  me: Me;
}

export function InFile({ path, me }: Props): JSX.Element | null {
  const [open, setOpen] = useState(false);
  // The configuration names people and receivers of all teams.
  if (me.role === "USER") return null;
  return (
    <details class="locked" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>In the configuration</summary>
      {open && <Part path={path} me={me} />}
    </details>
  );
}

function Part({ path, me }: Props): JSX.Element {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/configuration/part", { params: { query: { path } } })), path);
  const [copied, setCopied] = useState("");
  if (error) return error.status === 404 ? <p class="dim">The configuration does not have it.</p> : <Problem error={error} again={again} />;
  if (!data) return <p class="dim">Looking...</p>;
  const copy = (): void =>
    void navigator.clipboard.writeText(data.text).then(
      () => setCopied("Copied."),
      () => setCopied("The browser does not let it be copied: select it."),
    );
  return (
    <>
      <Owned of={data} me={me} />
      <pre class="details">{data.text}</pre>
      {data.masked && <p class="dim">Addresses, numbers and URLs are masked: only ADMINs see them.</p>}
      <button class="small" onClick={copy}>
        Copy
      </button>{" "}
      <span role="status">{copied}</span>
    </>
  );
}

function Owned({ of, me }: { of: ConfigurationPart; me: Me }): JSX.Element {
  const now = useNow(30_000);
  const { owner, place } = of;
  const applied = owner?.at && (
    <>
      Applied <When at={owner.at} now={now} zone={me.zone} /> by <bdi>{owner.who}</bdi>, revision {owner.revision}.
    </>
  );
  if (owner?.by === "console")
    return (
      <p>
        <Link to={`${ROOT}configuration?at=${encodeURIComponent(of.path)}`}>
          {of.mayApply ? "Change it in the configuration" : "See it in the configuration"}
        </Link>
        . {applied}
      </p>
    );
  return (
    <p>
      {place ? (
        <bdi class="place">
          {place.file}:{place.line}
        </bdi>
      ) : (
        "The configuration file"
      )}{" "}
      has it: change these lines there, and apply them by opsknight apply. {applied}
    </p>
  );
}

/** The name in a file that an id was made from. */
export function slug(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}
