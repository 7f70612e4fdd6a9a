/** Which incidents the list shows, and where: by its address, and by what somebody looks at. */
import { useEffect, useState } from "preact/hooks";

import { answered, api, type Listed, type Urgency } from "../api/client";
import { refused } from "../api/load";
import type { Live } from "../api/pulse";

/** As many as the pulse has. */
export const PRESSING = 50;
/** How many of all that match can be chosen at once. */
export const MOST = 2000;

/** Those that the page shows, by its address. */
export function shown(all: readonly Listed[], address: URL, me: string): Listed[] {
  const words = (address.searchParams.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const view = address.searchParams.get("view");
  const urgency = address.searchParams.get("urgency");
  return all.filter((each) => {
    const text = `${each.title} ${each.serviceName ?? ""} ${each.id}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) return false;
    if (urgency && each.urgency !== urgency) return false;
    if (view === "mine") return each.assigneeId === me;
    if (view === "open") return each.status === "OPEN";
    return true;
  });
}

/** All active incidents that the page's address asks for, from the server: the pulse has but fifty. */
export async function allThatMatch(address: URL, me: string): Promise<Listed[]> {
  const found: Listed[] = [];
  const view = address.searchParams.get("view");
  const q = address.searchParams.get("q");
  const urgency = address.searchParams.get("urgency") as Urgency | null;
  let cursor: string | undefined;
  do {
    const query = {
      limit: 100,
      ...(view === "open" ? { status: "OPEN" } : {}),
      ...(q ? { q } : {}),
      ...(urgency ? { urgency } : {}),
      ...(cursor ? { cursor } : {}),
    };
    const answer = await answered(api.GET("/api/incidents", { params: { query } }));
    found.push(...answer.incidents.filter((each) => view !== "mine" || each.assigneeId === me));
    cursor = answer.cursor;
  } while (cursor && found.length < MOST);
  return found;
}

/** The rows in their places, and what the server has that is not among them yet. */
export interface Places {
  rows: readonly Listed[];
  fresh: Listed[];
  gone: ReadonlySet<string>;
  settle: () => void;
}

/**
 * Rows stay where they are while somebody reads, points or chooses: what is new waits to be shown,
 * and what is over stays as it was.
 */
export function usePlaces(arrived: readonly Listed[] | undefined, at: number, busy: () => boolean): Places {
  const [rows, setRows] = useState<readonly Listed[]>([]);
  useEffect(() => {
    if (!arrived) return;
    const now = new Map(arrived.map((each) => [each.id, each]));
    setRows((was) => (was.length && busy() ? was.map((each) => now.get(each.id) ?? each) : arrived));
    // Also at an answer that says nothing new: somebody may have looked away since.
  }, [arrived, at]);
  const here = new Set(rows.map((each) => each.id));
  const there = new Set((arrived ?? []).map((each) => each.id));
  return {
    rows,
    fresh: (arrived ?? []).filter((each) => !here.has(each.id)),
    gone: new Set(rows.filter((each) => !there.has(each.id)).map((each) => each.id)),
    settle: () => setRows(arrived ?? []),
  };
}

interface Wide {
  rows: Listed[] | undefined;
  reading: boolean;
  error: string;
}

const NOT_ASKED: Wide = { rows: undefined, reading: false, error: "" };

/** All that match instead of the most pressing: with a filter, or when somebody asks. */
export function useWide(address: URL, me: string, many: boolean, pulse: Live["pulse"]): Wide & { ask: () => void } {
  const [asked, setAsked] = useState(false);
  const [found, setFound] = useState(NOT_ASKED);
  const wanted = many && (asked || address.search !== "") && address.searchParams.get("view") !== "resolved";
  useEffect(() => {
    if (!wanted) {
      setFound(NOT_ASKED);
      return;
    }
    let over = false;
    setFound((was) => ({ ...was, reading: true }));
    // Not at every key that is pressed.
    const timer = setTimeout(() => {
      allThatMatch(address, me).then(
        (rows) => !over && setFound({ rows, reading: false, error: "" }),
        (error: unknown) => !over && setFound((was) => ({ ...was, reading: false, error: refused(error).message })),
      );
    }, 250);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [wanted, address.search, pulse]);
  return { ...found, ask: () => setAsked(true) };
}
