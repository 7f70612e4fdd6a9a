/** Public status pages: what customers see now, each a step away. */
import type { JSX } from "preact";

import { answered, api } from "../api/client";
import { useLoad } from "../api/load";
import { useNow } from "../parts";
import { ago } from "../times";

const STATES = {
  none: "Operational",
  maintenance: "In maintenance",
  degraded: "Degraded",
  partial: "Partly down",
  down: "Down",
} as const;

export function StatusPages(): JSX.Element | null {
  const { data } = useLoad(() => answered(api.GET("/api/status-pages", {})));
  const now = useNow(30_000);
  if (!data?.statusPages.length) return null;
  return (
    <section>
      <h2>Public status pages</h2>
      <ul class="services">
        {data.statusPages.map((page) => (
          <li class="service" key={page.id}>
            <p class="name">
              <a href={page.path}>{page.name}</a>
            </p>
            <p>
              {page.services.map((each) => (
                <span class="shown">
                  <bdi>{each.name}</bdi> <span class={`tag ${each.state}`}>{STATES[each.state]}</span>
                </span>
              ))}
            </p>
            <p class="dim">{page.renderedAt ? `Written ${ago(page.renderedAt, now)}` : "Not written yet"}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
