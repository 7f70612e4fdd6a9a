/** When the set-up opens by itself, and where it is found again. */
import { useEffect, useState } from "preact/hooks";

import { answered, api, type Me } from "../api/client";
import { go, ROOT } from "../router";
import { kept } from "./draft";

const SET_UP = "opsknight:set-up";
const OPENED = "opsknight:setup-opened";

function remembered(store: Storage, name: string): boolean {
  try {
    return store.getItem(name) !== null;
  } catch {
    return false;
  }
}

function remember(store: Storage, name: string): void {
  try {
    store.setItem(name, "1");
  } catch {
    // A browser that keeps nothing is asked again.
  }
}

/** By the address: whoever has just gone on to another page is not taken away from it. */
function landed(): boolean {
  return [ROOT, ROOT.slice(0, -1), `${ROOT}incidents`].includes(location.pathname);
}

/** What is written stays. It is found again under its own name. */
export function leave(): void {
  go(`${ROOT}incidents`);
}

/**
 * Whether to offer it: to an administrator of a deployment without any service, or who is in the middle of
 * it. From the list of incidents it opens by itself, once for each tab.
 */
export function useOffered(me: Me | undefined, page: string, id: string): boolean {
  const [empty, setEmpty] = useState(false);
  const admin = me?.role === "ADMIN";
  useEffect(() => {
    // A deployment that has services is never without again, as far as this is about.
    if (!admin || remembered(localStorage, SET_UP)) {
      setEmpty(false);
      return;
    }
    let over = false;
    answered(api.GET("/api/services", {})).then(
      ({ services }) => {
        if (services.length) remember(localStorage, SET_UP);
        if (over) return;
        setEmpty(services.length === 0);
        if (services.length || !landed() || remembered(sessionStorage, OPENED)) return;
        remember(sessionStorage, OPENED);
        go(`${ROOT}setup`, true);
      },
      () => undefined,
    );
    return () => {
      over = true;
    };
  }, [admin, page, id]);
  return me !== undefined && admin && (empty || (kept(me)?.made !== undefined && !kept(me)?.worked));
}
