/**
 * The set-up as far as somebody has come: kept by the browser, so that leaving, a new login or a
 * reload loses nothing. The key is not in it: that is shown once, and rests nowhere.
 */
import { useLayoutEffect, useState } from "preact/hooks";

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
  /** Whether it came in place of one that was shown before. */
  replaced?: boolean;
  /** The incident of the test event. */
  incidentId?: string | undefined;
  /** When somebody had acted on a test whose message was sent. */
  worked?: number | undefined;
  /** Whether a provider took a message of the test to a person. */
  sent?: boolean | undefined;
  /** Why none did. */
  why?: string | undefined;
}

/** A configuration on its way to the server, for when the answer never comes. */
export interface Sent {
  text: string;
  names: Names;
  /** What it was made of. */
  answers: Answers;
  /** The revision that it was made from, and what whoever sent it was called then. */
  after: number;
  who: string;
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

function place(me: Pick<Me, "id">): string {
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
    for (const store of [localStorage, sessionStorage]) {
      const all = Object.keys(store).filter((each) => each.startsWith(PLACE) && each !== `${PLACE}${me}`);
      for (const each of all) store.removeItem(each);
    }
  } catch {
    // A browser that keeps nothing has none.
  }
}

export function forget(me: Pick<Me, "id">): void {
  try {
    localStorage.removeItem(place(me));
  } catch {
    // A browser that keeps nothing has forgotten it.
  }
  forgetSent(me);
}

/** Before it is sent. By the tab alone, which a reload keeps: a whole configuration may hold more than names. */
export function keepSent(me: Pick<Me, "id">, sent: Sent): void {
  try {
    sessionStorage.setItem(place(me), JSON.stringify(sent));
  } catch {
    // A browser that keeps nothing is told what is there, and whoever looks sees that it is theirs.
  }
}

export function keptSent(me: Pick<Me, "id">): Sent | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(place(me)) ?? "null") as Sent | null) ?? undefined;
  } catch {
    return undefined;
  }
}

export function forgetSent(me: Pick<Me, "id">): void {
  try {
    sessionStorage.removeItem(place(me));
  } catch {
    // A browser that keeps nothing has forgotten it.
  }
}

/** What rests in the browser: of colleagues nothing more than how many, once they are written. */
export function stored(draft: Draft): Draft {
  if (!draft.made) return draft;
  const colleagues = draft.answers.colleagues.map(({ id }) => ({ id, name: "", email: "" }));
  return { ...draft, answers: { ...draft.answers, colleagues } };
}

export function useDraft(me: Me): [Draft, (change: Partial<Draft>) => void] {
  const [draft, setDraft] = useState<Draft>(() => kept(me) ?? begin(me, here(), Date.now()));
  // At once, and not after the next picture: a reload may come before that.
  useLayoutEffect(() => {
    try {
      localStorage.setItem(place(me), JSON.stringify(stored(draft)));
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
