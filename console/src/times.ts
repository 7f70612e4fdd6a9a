/** Times as people read them: how long ago, and at what o'clock in their own zone. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "4 min" for what was four minutes ago. */
export function span(milliseconds: number): string {
  const length = Math.max(0, milliseconds);
  if (length < MINUTE) return `${Math.floor(length / 1000)} s`;
  if (length < HOUR) return `${Math.floor(length / MINUTE)} min`;
  if (length < DAY) {
    const minutes = Math.floor((length % HOUR) / MINUTE);
    return `${Math.floor(length / HOUR)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  const days = Math.floor(length / DAY);
  return days === 1 ? "1 day" : `${days} days`;
}

export function ago(at: string, now: number): string {
  return `${span(now - Date.parse(at))} ago`;
}

/** "03:01" of today, "Mon 03:01" of this week, "23 Nov 03:01" of another one. */
export function clock(at: string, now: number, zone: string | undefined): string {
  const time = new Date(at);
  const words = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat("en-GB", { ...options, ...(zone ? { timeZone: zone } : {}) }).format(time);
  const hour = words({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = (of: Date): string =>
    new Intl.DateTimeFormat("en-CA", zone ? { timeZone: zone } : {}).format(of);
  if (day(time) === day(new Date(now))) return hour;
  const near = Math.abs(now - time.getTime()) < 6 * DAY;
  return `${words(near ? { weekday: "short" } : { day: "numeric", month: "short" })} ${hour}`;
}
