/** The HTTP API, typed by its own description. */
import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Listed = Schemas["ListedIncident"];
export type Details = Schemas["IncidentDetails"];
export type Alert = Schemas["AlertAnswer"];
export type Delivery = Schemas["DeliveryAnswer"];
export type TimelineEntry = Schemas["TimelineEntry"];
export type Pulse = Schemas["Pulse"];
export type Me = Schemas["MeAnswer"];
export type Code = Schemas["CodeAnswer"];
export type User = Schemas["UserAnswer"];
export type Service = Schemas["ServiceAnswer"];
export type OnCall = Schemas["OnCallSchedule"];
export type ScheduleShifts = Schemas["ScheduleShifts"];
export type Shift = Schemas["ShiftAnswer"];
export type OverridePreview = Schemas["OverridePreview"];
export type StatusPage = Schemas["StatusPageAnswer"];
export type StatusPost = Schemas["PostAnswer"];
export type ServiceDetails = Schemas["ServiceDetails"];
export type IntegrationKey = Schemas["KeyAnswer"];
export type NewKey = Schemas["NewKey"];
export type Policy = Schemas["PolicyAnswer"];
export type Simulated = Schemas["Simulated"];
export type Figures = Schemas["Figures"];
export type FigureRow = Schemas["FigureRow"];
export type Heartbeat = Schemas["HeartbeatAnswer"];
export type AuditEntry = Schemas["AuditEntryAnswer"];
export type Finding = Schemas["FindingAnswer"];
export type Configuration = Schemas["ConfigurationAnswer"];
export type ConfigurationPart = Schemas["PartAnswer"];
export type ConfigurationPlan = Schemas["PlanAnswer"];
export type ConfigurationProblem = Schemas["ProblemAnswer"];
export type ConfigurationRevision = Schemas["RevisionAnswer"];
export type Status = Schemas["Status"];
export type Urgency = Schemas["Urgency"];

export const api = createClient<paths>({ baseUrl: "" });

/** The server refused, or could not be reached; its text is for the person who looks. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly requestId: string,
    /** Stable, unlike the words. */
    readonly code = "",
  ) {
    super(message);
  }
}

/** A change by a session has to name the console: no page of another origin can send this. */
api.use({
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("X-OpsKnight-Console", "1");
    return request;
  },
});

type Answered<T> = { data?: T; error?: unknown; response: Response };

/** What the server answered. Throws Refused. */
export async function answered<T>(asked: Promise<Answered<T>>): Promise<T> {
  let found: Answered<T>;
  try {
    found = await asked;
  } catch {
    throw new Refused("There is no connection to the server.", 0, "");
  }
  const { data, error, response } = found;
  if (response.ok && data !== undefined) return data;
  const { code } = (error ?? {}) as { code?: string };
  const requestId = response.headers.get("x-request-id") ?? "";
  throw new Refused(sentence(error, response.status), response.status, requestId, code ?? "");
}

/** What an error says to a person. */
export function sentence(error: unknown, status: number): string {
  const { error: said, message, issues } = (error ?? {}) as {
    error?: string;
    message?: string;
    issues?: { path: string; message: string }[];
  };
  const first = issues?.[0];
  if (first) return `${first.path} ${first.message}.`;
  switch (status) {
    case 403:
      return message ?? (said ? `${said}.` : "You may not do that.");
    case 401:
      return "You are logged out.";
    case 429:
      return "Too many requests. It goes on by itself within a minute.";
    case 503:
      return "OpsKnight cannot reach its store just now.";
    default:
      return said ? `${said.replace(/\.$/, "")}.` : `The server answered ${status}.`;
  }
}
