/** Services: who looks after them, and maintenance. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me, type Service } from "../api/client";
import { refused, useLoad } from "../api/load";
import { Empty, Problem, useNow } from "../parts";
import { Link, ROOT } from "../router";
import { clock } from "../times";
import { StatusPages } from "./statuspages";

const LENGTHS = [30, 60, 120, 240] as const;

export function ServicesPage({ me }: { me: Me }): JSX.Element {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/services", {})));
  const now = useNow(30_000);
  return (
    <main>
      <h1 class="quiet">Services</h1>
      {error && <Problem error={error} again={again} />}
      {data && data.services.length === 0 && (
        <Empty>
          {me.role === "ADMIN" ? (
            <>
              There are no services yet. <Link to={`${ROOT}setup`}>Set one up</Link>
            </>
          ) : (
            "You see the services of your teams. There are none yet."
          )}
        </Empty>
      )}
      <ul class="services">
        {(data?.services ?? []).map((each) => (
          <One key={each.id} service={each} me={me} now={now} again={again} />
        ))}
      </ul>
      <StatusPages />
    </main>
  );
}

function One({ service, me, now, again }: { service: Service; me: Me; now: number; again: () => void }): JSX.Element {
  const [reason, setReason] = useState("");
  const [minutes, setMinutes] = useState<number>(60);
  const [said, setSaid] = useState("");
  const params = { path: { serviceId: service.id } };

  async function tell(doing: string, act: () => Promise<string>): Promise<void> {
    setSaid(doing);
    try {
      setSaid(await act());
      again();
    } catch (error) {
      setSaid(refused(error).message);
    }
  }

  const begin = (): Promise<void> =>
    tell("Beginning...", async () => {
      const end = new Date(Date.now() + minutes * 60_000).toISOString();
      await answered(api.POST("/api/services/{serviceId}/maintenance", { params, body: { end, reason } }));
      return "Maintenance has begun: incidents that open now page nobody.";
    });
  const finish = (): Promise<void> =>
    tell("Ending...", async () => {
      const { maintenance } = await answered(api.GET("/api/services/{serviceId}/maintenance", { params }));
      for (const window of maintenance.filter((each) => Date.parse(each.start) <= Date.now())) {
        const path = { serviceId: service.id, windowId: window.id };
        await answered(api.DELETE("/api/services/{serviceId}/maintenance/{windowId}", { params: { path } }));
      }
      return "Maintenance is over.";
    });
  return (
    <li class="service">
      <p class="name">
        <Link to={`${ROOT}services/${service.id}`}>{service.name}</Link>
        {service.disabled && <span class="tag"> disabled</span>}
      </p>
      <p class="dim">
        Team {service.teamName ?? service.teamId}, policy {service.policyName ?? "all of the team at once"}
      </p>
      {service.shadowUntil && (
        <p class="in-maintenance">
          In shadow until {clock(service.shadowUntil, now, me.zone)}: another system pages, and nobody is paged from here.
        </p>
      )}
      {service.maintenanceUntil ? (
        <p class="in-maintenance">
          In maintenance until {clock(service.maintenanceUntil, now, me.zone)}: new incidents page nobody.{" "}
          <button onClick={() => void finish()}>End it now</button>
        </p>
      ) : (
        <details>
          <summary>Begin maintenance</summary>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void begin();
            }}
          >
            <label>
              For
              <select value={minutes} onChange={(event) => setMinutes(Number(event.currentTarget.value))}>
                {LENGTHS.map((each) => (
                  <option value={each}>{each < 60 ? `${each} min` : `${each / 60} h`}</option>
                ))}
              </select>
            </label>
            <label>
              Reason
              <input required maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
            </label>
            <button>Begin</button>
          </form>
        </details>
      )}
      <p role="status">{said}</p>
    </li>
  );
}
