/** What stands beside an incident: changes of its service before it, and a copy for later. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import type { Details } from "../api/client";
import { href } from "../parts";
import { clock, span } from "../times";
import { markdown } from "./export";

interface Props {
  incident: Details;
  now: number;
  zone: string | undefined;
}

export function Rollouts({ incident, now, zone }: Props): JSX.Element | null {
  if (!incident.rollouts?.length) return null;
  return (
    <section>
      <h2>Changed shortly before</h2>
      <ul class="rollouts">
        {incident.rollouts.map((each) => (
          <li>
            <b>{span(Date.parse(incident.createdAt) - Date.parse(each.at))} before</b> <bdi>{each.summary}</bdi>{" "}
            <span class="dim">
              {clock(each.at, now, zone)}, by <bdi>{each.source}</bdi>
            </span>
            {(each.links ?? []).map((link) =>
              href(link.href) ? (
                <>
                  {" "}
                  <a href={link.href} rel="noopener noreferrer">
                    <bdi>{link.text}</bdi>
                  </a>
                </>
              ) : null,
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Export({ incident, now, zone }: Props): JSX.Element {
  const [said, setSaid] = useState("");
  const text = (): string => markdown(incident, zone, now);
  const save = (): void => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text()], { type: "text/markdown" }));
    link.download = `${incident.id}.md`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const copy = (): void =>
    void navigator.clipboard.writeText(text()).then(
      () => setSaid("Copied."),
      () => setSaid("The browser does not let it be copied: save it."),
    );
  return (
    <section class="export">
      <h2>For the post-mortem</h2>
      <div class="buttons">
        <button onClick={save}>Save as Markdown</button>
        <button onClick={copy}>Copy as Markdown</button>
        <button onClick={() => print()}>Print</button>
      </div>
      <p role="status">{said}</p>
    </section>
  );
}
