/** Which services page nobody, as they are in shadow: a quiet list would otherwise look like a quiet night. */
import type { JSX } from "preact";

import { answered, api } from "../api/client";
import { useLoad } from "../api/load";
import { Link, ROOT } from "../router";
import { clock } from "../times";

export function ShadowBanner({ now, zone }: { now: number; zone: string | undefined }): JSX.Element | null {
  const { data } = useLoad(() => answered(api.GET("/api/services", {})));
  const shadows = (data?.services ?? []).filter((each) => each.shadowUntil && Date.parse(each.shadowUntil) > now);
  if (!shadows.length) return null;
  return (
    <p class="shadows">
      In shadow, and paging nobody:{" "}
      {shadows.map((each, number) => (
        <>
          {number > 0 && ", "}
          <Link to={`${ROOT}services/${each.id}`}>{each.name}</Link>{" "}
          <span>until {clock(each.shadowUntil ?? "", now, zone)}</span>
        </>
      ))}
      .
    </p>
  );
}
