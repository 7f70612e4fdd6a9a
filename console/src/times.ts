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

/** How far a zone's clock is ahead of UTC at an instant, in milliseconds. */
function ahead(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(new Date(at));
  const of = (type: string): number => Number(parts.find((each) => each.type === type)?.value);
  const wall = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
  return wall - Math.floor(at / 1000) * 1000;
}

/** "2026-11-23T18:00" by the zone's wall clock, as an instant. One that the clock skips is after the gap. */
export function instant(text: string, zone: string): string {
  const wall = Date.parse(`${text}Z`);
  const guess = wall - ahead(wall, zone);
  return new Date(wall - ahead(guess, zone)).toISOString();
}

/** The reverse, for a form. */
export function local(at: string, zone: string): string {
  const time = Date.parse(at);
  return new Date(time + ahead(time, zone)).toISOString().slice(0, 16);
}

/** The beginnings of as many days by the zone's clock, from the day of `at` on. */
export function midnights(at: number, count: number, zone: string): number[] {
  const first = Date.parse(`${local(new Date(at).toISOString(), zone).slice(0, 10)}T00:00Z`);
  return Array.from({ length: count }, (_, number) => {
    const date = new Date(first + number * DAY).toISOString().slice(0, 10);
    return Date.parse(instant(`${date}T00:00`, zone));
  });
}

/** "Mon 23", or "Monday 23 November". */
export function day(at: number, zone: string, long = false): string {
  const options: Intl.DateTimeFormatOptions = long
    ? { weekday: "long", day: "numeric", month: "long" }
    : { weekday: "short", day: "numeric" };
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }).format(new Date(at));
}

const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["SamsungBrowser", "Samsung Internet"], ["Firefox", "Firefox"], ["FxiOS", "Firefox"], ["Chrome", "Chrome"], ["CriOS", "Chrome"], ["Safari", "Safari"]] as const;
const SYSTEMS = [["iPhone", "an iPhone"], ["iPad", "an iPad"], ["Android", "Android"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["CrOS", "ChromeOS"], ["Linux", "Linux"]] as const;

/** `Firefox on Android`, from what a browser says it is. */
export function browser(agent: string): string {
  const name = BROWSERS.find(([sign]) => agent.includes(sign))?.[1] ?? "A browser";
  const system = SYSTEMS.find(([sign]) => agent.includes(sign))?.[1];
  return system ? `${name} on ${system}` : name;
}
