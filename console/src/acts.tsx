/**
 * What people do to incidents. An act is shown as done only once the server has said so: there is no
 * guess before, and no queue that acts later.
 */
import type { JSX } from "preact";
import { useCallback, useRef, useState } from "preact/hooks";

import { answered, api } from "./api/client";
import { refused } from "./api/load";

export type Act = "acknowledge" | "resolve" | "snooze" | "escalate" | "note";

/** What became of an act on one incident. */
export interface Outcome {
  state: "pending" | "done" | "refused";
  said: string;
}

const PAST: Record<Act, string> = {
  acknowledge: "acknowledged",
  resolve: "resolved",
  snooze: "snoozed",
  escalate: "escalated",
  note: "noted",
};
const DOING: Record<Act, string> = {
  acknowledge: "acknowledging...",
  resolve: "resolving...",
  snooze: "snoozing...",
  escalate: "escalating...",
  note: "noting...",
};
export const AT_ONCE = 200;

export interface Acts {
  outcomes: ReadonlyMap<string, Outcome>;
  /** Gives those that it failed for though they are as they were: the same may be tried again. */
  act: (ids: readonly string[], act: Act, more?: { minutes?: number; note?: string }) => Promise<string[]>;
}

/** Acts on many, and what became of each. `after` is called when the server has answered. */
export function useActs(after: () => void): Acts {
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, Outcome>>(new Map());
  const then = useRef(after);
  then.current = after;
  const mark = (found: Iterable<readonly [string, Outcome]>): void =>
    setOutcomes((was) => new Map([...was, ...found]));

  // The same function for as long as the page is there, so that rows that have it stay as they are.
  const act = useCallback<Acts["act"]>(async (ids, wanted, more = {}) => {
    mark(ids.map((id) => [id, { state: "pending", said: DOING[wanted] }]));
    const left: string[] = [];
    for (let first = 0; first < ids.length; first += AT_ONCE) {
      const some = ids.slice(first, first + AT_ONCE);
      const body = {
        incidentIds: some,
        action: wanted,
        ...(more.minutes ? { snooze: { minutes: more.minutes } } : {}),
        ...(more.note ? { note: more.note } : {}),
      };
      try {
        const { results } = await answered(api.POST("/api/incidents/actions", { body }));
        left.push(...results.filter((each) => each.status !== 200 && !each.incidentStatus).map((each) => each.id));
        mark(
          results.map((each) => [
            each.id,
            each.status === 200
              ? { state: "done", said: each.action ?? PAST[wanted] }
              : { state: "refused", said: why(each.error, each.incidentStatus) },
          ]),
        );
      } catch (error) {
        left.push(...some);
        mark(some.map((id) => [id, { state: "refused", said: refused(error).message }]));
      }
    }
    then.current();
    return left;
  }, []);
  return { outcomes, act };
}

/** Why one act was refused: most often somebody was faster. */
export function why(error: string | undefined, status: string | undefined): string {
  if (status) return `not done: it is ${status} by now`;
  return `not done: ${(error ?? "the server did not say why").replace(/\.$/, "")}`;
}

export function OutcomeNote({ of }: { of: Outcome | undefined }): JSX.Element | null {
  return of ? <span class={`outcome ${of.state}`}>{of.said}</span> : null;
}
