/** An incident as Markdown, for a post-mortem. Pure. */
import type { Details } from "../api/client";
import { CHANNELS, marks, standing } from "./receipt";

/** Text of strangers: nothing of it is markup, and it stays on its line. */
export function escaped(text: string): string {
  return text.replace(/\s+/g, " ").replace(/([\\`*_{}[\]<>#|~!])/g, "\\$1");
}

function time(at: string, zone: string | undefined): string {
  return new Intl.DateTimeFormat("en-CA", {
    ...(zone ? { timeZone: zone } : { timeZone: "UTC" }),
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  })
    .format(new Date(at))
    .replace(",", "");
}

export function markdown(incident: Details, zone: string | undefined, now: number): string {
  const at = (each: string): string => time(each, zone);
  const facts: [string, string | undefined][] = [
    ["Service", incident.serviceName ?? incident.serviceId],
    ["Urgency", incident.urgency],
    ["Status", incident.status],
    ["Opened", at(incident.createdAt)],
    ["Acknowledged", incident.acknowledgedAt && at(incident.acknowledgedAt)],
    ["Resolved", incident.resolvedAt && at(incident.resolvedAt)],
    ["Assigned to", incident.assigneeName],
    ["Alerts", String(incident.alertCount)],
    ["Id", incident.id],
  ];
  const lines = [
    `# ${escaped(incident.title)}`,
    "",
    `Times in ${zone ?? "UTC"}.`,
    "",
    ...facts.flatMap(([name, value]) => (value ? [`- ${name}: ${escaped(value)}`] : [])),
  ];
  if (incident.details) lines.push("", "## Details", "", ...incident.details.split("\n").map((line) => `    ${line}`));
  if (incident.rollouts?.length) {
    lines.push("", "## Changed shortly before", "");
    for (const each of incident.rollouts) lines.push(`- ${at(each.at)} ${escaped(each.summary)} (${escaped(each.source)})`);
  }
  lines.push("", "## Timeline", "");
  for (const each of incident.timeline) lines.push(`- ${at(each.at)} ${escaped(each.text)}`);
  lines.push("", "## Who was told", "");
  for (const each of incident.deliveries) {
    const said = [standing(each, now, zone), ...marks(each, now, zone)].join("; ");
    const owner = each.ownerName ?? each.userId ?? each.serviceId ?? "";
    lines.push(`- ${escaped(owner)}, ${CHANNELS[each.channel] ?? each.channel}: ${escaped(said)}`);
  }
  lines.push("", "## What we learned", "", "", "## What we do about it", "", "");
  return lines.join("\n");
}
