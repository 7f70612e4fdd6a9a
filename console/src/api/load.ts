/** One answer of the API for a page, with what went wrong, and a way to ask again. */
import { useCallback, useEffect, useState } from "preact/hooks";

import { Refused } from "./client";

export interface Loaded<T> {
  data: T | undefined;
  error: Refused | undefined;
  again: () => void;
}

export function useLoad<T>(ask: () => Promise<T>, ...about: unknown[]): Loaded<T> {
  const [found, setFound] = useState<{ data: T | undefined; error: Refused | undefined }>({
    data: undefined,
    error: undefined,
  });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    let over = false;
    ask().then(
      (data) => !over && setFound({ data, error: undefined }),
      // What was there stays: it says more than an error alone.
      (error: unknown) => !over && setFound((was) => ({ data: was.data, error: refused(error) })),
    );
    return () => {
      over = true;
    };
  }, [asked, ...about]);
  return { ...found, again: useCallback(() => setAsked((was) => was + 1), []) };
}

export function refused(error: unknown): Refused {
  return error instanceof Refused ? error : new Refused(String(error), 0, "");
}
