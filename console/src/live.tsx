/** How old the data on the screen is. Never hidden: a calm list that is ten minutes old is a lie. */
import type { JSX } from "preact";

import { type Live, STALE_AFTER } from "./api/pulse";
import { useNow } from "./parts";
import { door } from "./session";
import { span } from "./times";

export function isStale(live: Live): boolean {
  return live.missed >= STALE_AFTER || live.loggedOut;
}

export function Age({ live }: { live: Live }): JSX.Element {
  const now = useNow();
  if (!live.at) return <span class="age">{live.missed ? "not connected" : "connecting"}</span>;
  return (
    <span class={live.missed ? "age old" : "age"}>
      {live.missed ? "as of" : "live,"} {span(now - live.at)} ago
    </span>
  );
}

export function StaleBar({ live }: { live: Live }): JSX.Element | null {
  const now = useNow();
  if (live.loggedOut)
    return (
      <p class="stale" role="alert">
        You are logged out. <a href={door("renew")}>Log in</a>. The link in your page works without login.
      </p>
    );
  if (!isStale(live)) return null;
  return (
    <p class="stale" role="alert">
      {live.why} {live.at ? `What you see is ${span(now - live.at)} old, and nothing can be done from here now.` : ""} The
      link in your page and a reply to your text message still work. <button onClick={live.again}>Try again</button>
    </p>
  );
}
