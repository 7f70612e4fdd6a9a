/**
 * The set-up as far as somebody has come: kept by the browser, so that leaving, a new login or a
 * reload loses nothing. The key is not in it: that is shown once, and rests nowhere.
 */
import { useEffect, useState } from "preact/hooks";

import type { Me } from "../api/client";
import type { Answers, Names } from "./compose";

export const STEPS = ["You", "Team", "Paging", "Service", "Key", "Test", "Done"] as const;
export const [YOU, TEAM, PAGING, SERVICE, KEY, TEST, DONE] = [0, 1, 2, 3, 4, 5, 6] as const;

export interface Draft {
  step: number;
  answers: Answers;
  /** Milliseconds since 1970. */
  began: number;
  /** What was written, once it was: the answers are past changing here then. */
  made?: { names: Names; revision: number };
  /** The key that was shown, by its id. */
  keyId?: string;
  /** The incident of the test event. */
  incidentId?: string;
  /** When all of it worked. */
  worked?: number;
}

export function begin(me: Me, zone: string, now: number): Draft {
  const answers: Answers = {
    name: me.name,
    zone: me.zone ?? zone,
    team: "",
    colleagues: [],
    steps: [{ after: 0, whom: "me" }],
    repeat: 3,
    pause: 5,
    service: "",
    integration: "",
  };
  return { step: YOU, answers, began: now };
}

const PLACE = "opsknight:setup:";

function place(me: Me): string {
  return `${PLACE}${me.id}`;
}

/** What is kept; undefined for nothing, or for what an older console kept. */
export function kept(me: Me): Draft | undefined {
  try {
    const found = JSON.parse(localStorage.getItem(place(me)) ?? "null") as Draft | null;
    return found && typeof found.step === "number" && Array.isArray(found.answers?.steps) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** What somebody else wrote in this browser is theirs: it names colleagues. */
export function forgetAnswersOfOthers(me: string): void {
  try {
    const all = Object.keys(localStorage).filter((each) => each.startsWith(PLACE) && each !== `${PLACE}${me}`);
    for (const each of all) localStorage.removeItem(each);
  } catch {
    // A browser that keeps nothing has none.
  }
}

export function forget(me: Me): void {
  try {
    localStorage.removeItem(place(me));
  } catch {
    // A browser that keeps nothing has forgotten it.
  }
}

export function useDraft(me: Me): [Draft, (change: Partial<Draft>) => void] {
  const [draft, setDraft] = useState<Draft>(() => kept(me) ?? begin(me, here(), Date.now()));
  useEffect(() => {
    try {
      localStorage.setItem(place(me), JSON.stringify(draft));
    } catch {
      // A browser that keeps nothing forgets it with the page.
    }
  }, [draft]);
  return [draft, (change) => setDraft((was) => ({ ...was, ...change }))];
}

/** The browser's time zone. */
function here(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

export function allZones(): readonly string[] {
  return [...new Set([here(), ...Intl.supportedValuesOf("timeZone"), "UTC"])].sort();
}
