/** What the configuration file has: changed there, by these lines. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import type { Me } from "../api/client";
import { useNow, When } from "../parts";
import { slug } from "./infile";

export type Part = "contactMethods" | "rules";

export function Locked({ what, part, me, yaml }: { what: string; part: Part; me: Me; yaml: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const now = useNow(30_000);
  const place = me.inFile?.[part];
  return (
    <details class="locked">
      <summary>
        {what} are in{" "}
        {place ? (
          <bdi class="place">
            {place.file}:{place.line}
          </bdi>
        ) : (
          "the configuration file"
        )}
      </summary>
      {place && me.inFile && (
        <p>
          Applied <When at={me.inFile.appliedAt} now={now} zone={me.zone} /> by <bdi>{me.inFile.appliedBy}</bdi>, revision{" "}
          {me.inFile.revision}
        </p>
      )}
      <p class="dim">Change these lines there. Without them they are yours, and you change them here.</p>
      <pre class="details">{yaml}</pre>
      <button
        class="small"
        onClick={() => void navigator.clipboard.writeText(yaml).then(() => setCopied(true))}
      >
        Copy
      </button>{" "}
      <span role="status">{copied && "Copied."}</span>
    </details>
  );
}

export function methodsAsYaml(me: Me): string {
  const lines = me.contactMethods.map((each) => {
    const to = each.address ? `, to: ${JSON.stringify(each.address)}` : "";
    return `      ${slug(each.id)}: {channel: ${each.channel}${to}}`;
  });
  return under(me, ["    contact_methods:", ...lines]);
}

export function rulesAsYaml(me: Me): string {
  const lines: string[] = [];
  for (const urgency of ["HIGH", "MEDIUM", "LOW"]) {
    const rules = me.rules.filter((each) => each.urgency === urgency);
    if (rules.length === 0) continue;
    lines.push(`      ${urgency}:`);
    for (const each of rules) {
      const after = each.afterSeconds ? `, after: ${each.afterSeconds / 60}m` : "";
      lines.push(`        - {method: ${slug(each.methodId)}${after}}`);
    }
  }
  return under(me, ["    rules:", ...lines]);
}

function under(me: Me, lines: string[]): string {
  return ["users:", `  ${slug(me.id)}:`, ...lines, ""].join("\n");
}
