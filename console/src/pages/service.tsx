/** One service: its integrations and their keys, its receivers, and maintenance. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me, type ServiceDetails } from "../api/client";
import { useLoad } from "../api/load";
import { Empty, Problem, useNow } from "../parts";
import { Link, ROOT } from "../router";
import { clock } from "../times";
import { InFile, slug } from "./infile";
import { Integrations } from "./integrations";
import { Maintenance } from "./maintenance";
import { CHANNELS } from "./receipt";
import { ResolvedList } from "./resolved";

const TABS = [
  ["", "Overview"],
  ["integrations", "Integrations"],
  ["receivers", "Receivers"],
  ["maintenance", "Maintenance"],
  ["incidents", "Incidents"],
] as const;

export function ServicePage({ id, me, address }: { id: string; me: Me; address: URL }): JSX.Element {
  const { data, error, again } = useLoad(
    () => answered(api.GET("/api/services/{serviceId}", { params: { path: { serviceId: id } } })),
    id,
  );
  const now = useNow(30_000);
  const tab = address.searchParams.get("tab") ?? "";
  const service = data?.service;
  return (
    <main>
      <p class="back">
        <Link to={`${ROOT}services`}>Services</Link>
      </p>
      <h1>{service?.name ?? "Service"}</h1>
      <nav class="tabs" aria-label="Parts of the service">
        {TABS.map(([name, label]) => (
          <Link
            to={`${ROOT}services/${id}${name ? `?tab=${name}` : ""}`}
            {...(tab === name ? { "aria-current": "page" } : {})}
          >
            {label}
          </Link>
        ))}
      </nav>
      {error && <Problem error={error} again={again} />}
      {!service && !error && <div class="skeleton" aria-hidden="true" />}
      {service && tab === "" && <Overview service={service} me={me} now={now} />}
      {service && tab === "integrations" && <Integrations service={service} me={me} now={now} again={again} />}
      {service && tab === "receivers" && <Receivers service={service} me={me} now={now} />}
      {service && tab === "maintenance" && <Maintenance service={service} me={me} now={now} again={again} />}
      {service && tab === "incidents" && <Recent service={service} me={me} now={now} />}
    </main>
  );
}

interface Part {
  service: ServiceDetails;
  me: Me;
  now: number;
}

function Overview({ service, me, now }: Part): JSX.Element {
  const failing = service.receivers.filter((each) => each.failingSince);
  const live = service.integrations.flatMap((each) => each.keys).filter((each) => each.live);
  return (
    <>
      <dl class="facts">
        <dt>Team</dt>
        <dd>{service.teamName ?? service.teamId}</dd>
        <dt>Policy</dt>
        <dd>{service.policyName ?? "all of the team at once"}</dd>
        <dt>Keys</dt>
        <dd>{live.length ? `${live.length} live` : "none: no monitor can send to it"}</dd>
        <dt>Receivers</dt>
        <dd>{failing.length ? `${failing.map((each) => each.name).join(", ")} failing` : `${service.receivers.length}`}</dd>
        {service.maintenanceUntil && (
          <>
            <dt>Maintenance</dt>
            <dd>until {clock(service.maintenanceUntil, now, me.zone)}: new incidents page nobody</dd>
          </>
        )}
        {service.shadowUntil && (
          <>
            <dt>Shadow</dt>
            <dd>until {clock(service.shadowUntil, now, me.zone)}: it pages nobody</dd>
          </>
        )}
      </dl>
      <InFile path={`services.${slug(service.id)}`} me={me} />
    </>
  );
}

function Receivers({ service, me, now }: Part): JSX.Element {
  return (
    <section>
      {service.receivers.length === 0 && <Empty>No channel hears of this service. The configuration file adds them.</Empty>}
      <ul class="cards">
        {service.receivers.map((each) => (
          <li>
            <b>{each.name}</b> <span class="dim">{CHANNELS[each.channel] ?? each.channel}</span>
            <p class="dim">Hears of: {each.events.map((one) => one.replace("incident.", "")).join(", ")}</p>
            {each.failingSince ? (
              <p class="nobody">
                Failing since {clock(each.failingSince, now, me.zone)}, {each.failures} times in a row
                {each.closedUntil && `; tried again ${clock(each.closedUntil, now, me.zone)}`}
              </p>
            ) : (
              <p>It takes what is sent.</p>
            )}
            <InFile path={`services.${slug(service.id)}.receivers.${slug(each.id)}`} me={me} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Recent({ service, me, now }: Part): JSX.Element {
  const active = useLoad(() =>
    answered(api.GET("/api/incidents", { params: { query: { service: service.id, limit: 20 } } })),
  );
  const [address] = useState(() => new URL(`${ROOT}incidents?view=resolved`, location.href));
  return (
    <section>
      <h2>Active</h2>
      {active.error && <Problem error={active.error} again={active.again} />}
      {active.data?.incidents.length === 0 && <Empty>Nothing is active.</Empty>}
      <ul class="rows" aria-label="Active incidents">
        {(active.data?.incidents ?? []).map((each) => (
          <li class={`row old ${each.urgency}`}>
            <Link to={`${ROOT}incidents/${each.id}`} class="title">
              <bdi>{each.title}</bdi>
            </Link>
          </li>
        ))}
      </ul>
      <h2>Resolved</h2>
      <ResolvedList address={address} zone={me.zone} now={now} service={service.id} />
    </section>
  );
}
