/** A text with the numbers of its lines. Tab leaves it, as anywhere else on the page. */
import type { JSX, RefObject } from "preact";

import type { ConfigurationProblem } from "../api/client";

const FEWEST = 12;

interface Props {
  text: string;
  write: (text: string) => void;
  readOnly: boolean;
  area: RefObject<HTMLTextAreaElement>;
  problems: readonly ConfigurationProblem[];
}

export function Editor({ text, write, readOnly, area, problems }: Props): JSX.Element {
  const lines = Math.max(text.split("\n").length, FEWEST);
  const wrong = new Set(problems.map((each) => each.line));
  return (
    <div class="editor">
      <pre aria-hidden="true">
        {Array.from({ length: lines }, (_, at) => (
          <span class={wrong.has(at + 1) ? "wrong" : ""}>{`${at + 1}\n`}</span>
        ))}
      </pre>
      <textarea
        ref={area}
        aria-label="Configuration, as YAML"
        rows={lines}
        wrap="off"
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        readOnly={readOnly}
        value={text}
        onInput={(event) => write(event.currentTarget.value)}
      />
    </div>
  );
}

/** The line, from 1, at which a text as the server writes it has what the path names. */
export function lineOf(text: string, path: string): number | undefined {
  const lines = text.split("\n");
  let at = -1;
  for (const [depth, name] of path.split(".").entries()) {
    const indent = "  ".repeat(depth);
    const above = at;
    at = lines.findIndex((line, number) => number > above && line.startsWith(`${indent}${name}:`));
    if (at < 0) return undefined;
    // Something else has begun in between.
    if (lines.slice(above + 1, at).some((line) => depth > 0 && line !== "" && !line.startsWith(indent))) return undefined;
  }
  return at + 1;
}

/** Selects a line, and brings it into view. */
export function lineAt(area: HTMLTextAreaElement | null, line: number): void {
  if (!area) return;
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  area.focus({ preventScroll: true });
  area.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  const top = area.getBoundingClientRect().top + window.scrollY;
  const height = area.clientHeight / Math.max(area.rows, 1);
  window.scrollTo({ top: Math.max(top + height * line - window.innerHeight / 2, 0) });
}
