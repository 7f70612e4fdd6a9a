/**
 * Logging in again: by itself where the identity provider still knows who this is, and by hand for
 * what asks for a recent login. Both lead away and back to the same page.
 */

const TRIED = "opsknight:renewed";
const PAUSE = 60_000;

/** `renew` asks nobody anything if it can; `again` asks who it is, as keys and configuration want. */
export function door(way: "renew" | "again"): string {
  return `/auth/${way}?next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** Whether somebody has written something that would be lost. */
export function isWriting(fields: Iterable<{ value: string; defaultValue: string; type: string }>): boolean {
  for (const each of fields) {
    const isText = !["checkbox", "radio", "search", "hidden", "date", "datetime-local"].includes(each.type);
    if (isText && each.value.trim() !== "" && each.value !== each.defaultValue) return true;
  }
  return false;
}

/** The session is over. Leaves the page, unless that was tried a moment ago, or something would be lost. */
export function renew(now: number): void {
  const tried = Number(sessionStorage.getItem(TRIED) ?? 0);
  const fields = document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input, textarea");
  if (now - tried < PAUSE || isWriting(fields)) return;
  sessionStorage.setItem(TRIED, String(now));
  location.replace(door("renew"));
}
