/** Who was told of an incident: each message, and as much of its fate as is known. */
import type { JSX } from "preact";

import type { Delivery, Details } from "../api/client";
import { Empty } from "../parts";
import { clock } from "../times";

export const CHANNELS: Partial<Record<Delivery["channel"], string>> = {
  email: "E-mail",
  sms: "SMS",
  voice: "Call",
  slack: "Slack",
  slack_webhook: "Slack",
  webhook: "Webhook",
  teams: "Teams",
  discord: "Discord",
  google_chat: "Google Chat",
  telegram: "Telegram",
  ntfy: "ntfy",
  pushover: "Pushover",
};

/** How a message stands, in words that do not promise more than is known. */
export function standing(each: Delivery, now: number, zone: string | undefined): string {
  const last = each.attempts.at(-1);
  switch (each.state) {
    case "SENT":
      return last ? `taken by the provider ${clock(last.at, now, zone)}` : "sent";
    case "PENDING":
      if (last) return `tried ${each.attempts.length} times, tries again${last.why ? `: ${last.why}` : ""}`;
      return Date.parse(each.notBefore) > now ? `leaves ${clock(each.notBefore, now, zone)}` : "on its way";
    case "CANCELLED":
      return "not sent: no longer needed";
    case "COLLAPSED":
      return "a newer message went instead";
    case "BOUNCED":
      return `came back${each.why ? `: ${each.why}` : ""}`;
    case "GIVEN_UP":
      return `not sent: it failed for 48 hours${each.why ? `: ${each.why}` : ""}`;
    default:
      return `not sent${each.why ? `: ${each.why}` : ""}`;
  }
}

/** What came after it was sent, in the order in which people ask for it. */
export function marks(each: Delivery, now: number, zone: string | undefined): string[] {
  const found: string[] = [];
  if (each.reported && each.state !== "BOUNCED") found.push(each.reported);
  if (each.openedAt) found.push(`link opened ${clock(each.openedAt, now, zone)}`);
  else if (each.fetchedAt) found.push(`link fetched ${clock(each.fetchedAt, now, zone)} (may be a scanner)`);
  for (const act of each.acts ?? []) found.push(`${act.what} from it by ${act.by.name} ${clock(act.at, now, zone)}`);
  return found;
}

export function Receipt({ incident, now, zone }: { incident: Details; now: number; zone: string | undefined }): JSX.Element {
  const owners = new Map<string, Delivery[]>();
  for (const each of incident.deliveries) {
    const owner = each.userId ?? each.serviceId ?? each.statusPageId ?? "";
    owners.set(owner, [...(owners.get(owner) ?? []), each]);
  }
  return (
    <section>
      <h2>Who was told</h2>
      {owners.size === 0 && <Empty>Nobody yet.</Empty>}
      <ul class="receipt">
        {[...owners].map(([owner, messages]) => (
          <li>
            <b>{messages[0]?.ownerName ?? owner}</b>
            {messages[0]?.serviceId && <span class="dim"> (places of the service)</span>}
            <ul>
              {messages.map((each) => (
                <li class={each.state}>
                  <span class="channel">{CHANNELS[each.channel] ?? each.channel}</span>
                  <span>
                    {standing(each, now, zone)}
                    {marks(each, now, zone).map((mark) => (
                      <span class="mark"> {mark}</span>
                    ))}
                  </span>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}
