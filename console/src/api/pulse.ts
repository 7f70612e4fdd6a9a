/**
 * What is active now, asked for again and again: often while somebody looks and something is open,
 * seldom in a hidden tab. A page always knows how old its data is, and is told when it is too old to
 * act on.
 */
import { useEffect, useRef, useState } from "preact/hooks";

import { renew } from "../session";
import { type Pulse, sentence } from "./client";

export interface Live {
  pulse: Pulse | undefined;
  /** When the server last answered, in milliseconds since 1970; 0 for never. */
  at: number;
  /** How many polls in a row had no answer. */
  missed: number;
  loggedOut: boolean;
  /** Why the last poll failed, if it did. */
  why: string;
  again: () => void;
}

export const STALE_AFTER = 3;
const USED_WITHIN = 120_000;

/** Milliseconds until the next poll. */
export function pause(hidden: boolean, open: number, sinceUsed: number): number {
  if (hidden) return 60_000;
  return open > 0 && sinceUsed < USED_WITHIN ? 5_000 : 15_000;
}

export function usePulse(query: string): Live {
  const [live, setLive] = useState<Omit<Live, "again">>({
    pulse: undefined,
    at: 0,
    missed: 0,
    loggedOut: false,
    why: "",
  });
  const again = useRef(() => {});
  useEffect(() => {
    let timer = 0;
    let used = Date.now();
    let asked: AbortController | undefined;
    let tag = "";
    let open = 0;
    let over = false;

    async function poll(): Promise<void> {
      clearTimeout(timer);
      // An older question must not answer after a newer one.
      asked?.abort();
      const mine = new AbortController();
      asked = mine;
      const limit = setTimeout(() => mine.abort("late"), 10_000);
      try {
        const headers: HeadersInit = tag ? { "If-None-Match": tag } : {};
        const response = await fetch(`/api/pulse${query}`, { headers, signal: mine.signal, cache: "no-store" });
        if (response.status === 304) {
          setLive((was) => ({ ...was, at: Date.now(), missed: 0, why: "" }));
        } else if (response.ok) {
          const pulse = (await response.json()) as Pulse;
          tag = response.headers.get("etag") ?? "";
          open = pulse.counts.open;
          setLive({ pulse, at: Date.now(), missed: 0, loggedOut: false, why: "" });
        } else {
          const body: unknown = await response.json().catch(() => undefined);
          const why = sentence(body, response.status);
          setLive((was) => ({ ...was, missed: was.missed + 1, loggedOut: response.status === 401, why }));
          if (response.status === 401) renew(Date.now());
        }
      } catch {
        if (mine.signal.aborted && mine.signal.reason !== "late") return;
        setLive((was) => ({ ...was, missed: was.missed + 1, why: "There is no connection to the server." }));
      } finally {
        clearTimeout(limit);
      }
      if (over) return;
      timer = window.setTimeout(poll, pause(document.hidden, open, Date.now() - used));
    }

    const use = (): void => {
      used = Date.now();
    };
    const now = (): void => {
      if (!document.hidden) void poll();
    };
    again.current = () => void poll();
    void poll();
    document.addEventListener("visibilitychange", now);
    window.addEventListener("focus", now);
    window.addEventListener("online", now);
    window.addEventListener("pointerdown", use);
    window.addEventListener("keydown", use);
    return () => {
      over = true;
      clearTimeout(timer);
      asked?.abort();
      document.removeEventListener("visibilitychange", now);
      window.removeEventListener("focus", now);
      window.removeEventListener("online", now);
      window.removeEventListener("pointerdown", use);
      window.removeEventListener("keydown", use);
    };
  }, [query]);
  return { ...live, again: () => again.current() };
}
