/** One act on all that are chosen. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import type { Acts } from "../acts";
import type { Listed } from "../api/client";
import { refused } from "../api/load";
import { MOST } from "./places";

const SNOOZES = [
  [30, "30 min"],
  [60, "1 h"],
  [240, "4 h"],
] as const;

interface BulkProps {
  acts: Acts;
  chosen: readonly string[];
  all: readonly Listed[];
  choose: (ids: ReadonlySet<string>) => void;
  off: boolean;
  /** All that match, also those that are not shown. */
  everything: () => Promise<Listed[]>;
}

export function Bulk({ acts, chosen, all, choose, off, everything }: BulkProps): JSX.Element {
  const [note, setNote] = useState("");
  const [said, setSaid] = useState("");
  const act = (wanted: "acknowledge" | "resolve" | "snooze", minutes?: number): void => {
    const more = { ...(note.trim() ? { note: note.trim() } : {}), ...(minutes ? { minutes } : {}) };
    void acts.act(chosen, wanted, more).then((left) => {
      // What failed stays chosen, with its note, for another try.
      choose(new Set(left));
      if (!left.length) setNote("");
    });
  };
  const chooseAll = async (): Promise<void> => {
    setSaid("Looking for all that match...");
    try {
      const found = await everything();
      choose(new Set(found.map((each) => each.id)));
      setSaid(found.length >= MOST ? "There are more." : "");
    } catch (error) {
      setSaid(refused(error).message);
    }
  };
  return (
    <section class="bulk" aria-label="Act on those chosen">
      <p>
        <b>{chosen.length} chosen</b>{" "}
        {chosen.length < all.length && (
          <>
            <button class="plain" onClick={() => choose(new Set(all.map((each) => each.id)))}>
              choose all {all.length} shown
            </button>{" "}
          </>
        )}
        <button class="plain" onClick={() => void chooseAll()}>
          choose all that match
        </button>{" "}
        <button class="plain" onClick={() => choose(new Set())}>
          choose none
        </button>
        <span role="status"> {said}</span>
      </p>
      <input
        aria-label="Note on each"
        placeholder="Note on each (optional)"
        maxLength={2000}
        value={note}
        onInput={(event) => setNote(event.currentTarget.value)}
      />
      <div class="buttons">
        <button class="first" disabled={off} onClick={() => act("acknowledge")}>
          Acknowledge
        </button>
        <button disabled={off} onClick={() => act("resolve")}>
          Resolve
        </button>
        <select
          aria-label="Snooze"
          disabled={off}
          value=""
          onChange={(event) => act("snooze", Number(event.currentTarget.value))}
        >
          <option value="" disabled>
            Snooze...
          </option>
          {SNOOZES.map(([minutes, label]) => (
            <option value={minutes}>{label}</option>
          ))}
        </select>
      </div>
    </section>
  );
}
