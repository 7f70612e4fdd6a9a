/** The frame of the console: who looks, how old the data is, and which page the address names. */
import type { JSX } from "preact";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { answered, api, type Me } from "./api/client";
import { useLoad } from "./api/load";
import { type Live, usePulse } from "./api/pulse";
import { Age, StaleBar } from "./live";
import { AnalyticsPage } from "./pages/analytics";
import { AuditPage } from "./pages/audit";
import { ConfigurationPage, forgetOthers } from "./pages/configuration";
import { HealthPage } from "./pages/health";
import { HeartbeatsPage } from "./pages/heartbeats";
import { IncidentPage } from "./pages/incident";
import { Incidents } from "./pages/incidents";
import { MePage } from "./pages/me";
import { OnCallPage } from "./pages/oncall";
import { PeoplePage } from "./pages/people";
import { PoliciesPage } from "./pages/policies";
import { SchedulePage } from "./pages/schedule";
import { ServicePage } from "./pages/service";
import { ServicesPage } from "./pages/services";
import { Empty, Problem } from "./parts";
import { go, Link, ROOT, useAddress } from "./router";
import { forgetAnswersOfOthers } from "./setup/draft";
import { useOffered } from "./setup/offered";
import { SetupPage } from "./setup/page";
import "./style.css";

const PAGES = [
  ["incidents", "Incidents"],
  ["oncall", "On call"],
  ["services", "Services"],
  ["policies", "Policies"],
  ["people", "People"],
  ["heartbeats", "Heartbeats"],
  ["analytics", "Analytics"],
  ["audit", "Audit"],
  ["health", "Health"],
  ["configuration", "Configuration"],
] as const;
/** Of the whole deployment, so for those who see all of it. */
const WHOLE = new Set(["audit", "configuration"]);

function App(): JSX.Element {
  const address = useAddress();
  const [page = "", id = ""] = address.pathname.slice(ROOT.length).split("/");
  useEffect(() => {
    if (page === "") go(`${ROOT}incidents`, true);
  }, [page]);
  const pages = useRef<HTMLElement>(null);
  const me = useLoad(() => answered(api.GET("/api/me", {})));
  const offered = useOffered(me.data?.me, page, id);
  // On a phone there are more pages than fit; which there are follows from the role.
  useEffect(() => {
    const nav = pages.current;
    const open = nav?.querySelector<HTMLElement>("[aria-current]");
    if (nav && open) nav.scrollLeft = open.offsetLeft - (nav.clientWidth - open.offsetWidth) / 2;
  }, [page, me.data?.me.role, offered]);
  const whose = me.data?.me.id;
  useEffect(() => {
    if (!whose) return;
    forgetOthers(whose);
    forgetAnswersOfOthers(whose);
  }, [whose]);
  const live = usePulse("");
  useEffect(() => {
    const high = live.pulse?.counts.high;
    document.title = high ? `(${high}) OpsKnight` : "OpsKnight";
  }, [live.pulse]);
  return (
    <>
      <header class="frame">
        <Link to={`${ROOT}incidents`} class="brand">
          OpsKnight
        </Link>
        <nav aria-label="Pages" ref={pages}>
          {offered && (
            <Link to={`${ROOT}setup`} {...(page === "setup" ? { "aria-current": "page" } : {})}>
              Set up
            </Link>
          )}
          {PAGES.filter(([name]) => !WHOLE.has(name) || (me.data && me.data.me.role !== "USER")).map(([name, label]) => (
            <Link to={`${ROOT}${name}`} {...(page === name ? { "aria-current": "page" } : {})}>
              {label}
            </Link>
          ))}
        </nav>
        <Age live={live} />
        {me.data && (
          <Link to={`${ROOT}me`} class="who" {...(page === "me" ? { "aria-current": "page" } : {})}>
            {me.data.me.name}
          </Link>
        )}
      </header>
      <StaleBar live={live} />
      {me.data ? (
        <Page page={page} id={id} me={me.data.me} again={me.again} live={live} address={address} />
      ) : (
        <main>{me.error && !live.loggedOut && <Problem error={me.error} again={me.again} />}</main>
      )}
    </>
  );
}

function Page(props: { page: string; id: string; me: Me; again: () => void; live: Live; address: URL }): JSX.Element {
  const { page, id, me, again, live, address } = props;
  switch (page) {
    case "":
    case "incidents":
      return id ? <IncidentPage key={id} id={id} live={live} me={me} /> : <Incidents live={live} me={me} address={address} />;
    case "oncall":
      return id ? <SchedulePage key={id} id={id} me={me} address={address} /> : <OnCallPage me={me} />;
    case "services":
      return id ? <ServicePage key={id} id={id} me={me} address={address} /> : <ServicesPage me={me} />;
    case "people":
      return <PeoplePage me={me} />;
    case "policies":
      return <PoliciesPage me={me} />;
    case "heartbeats":
      return <HeartbeatsPage zone={me.zone} />;
    case "analytics":
      return <AnalyticsPage address={address} />;
    case "audit":
      return <AuditPage address={address} zone={me.zone} />;
    case "health":
      return <HealthPage zone={me.zone} />;
    case "configuration":
      return <ConfigurationPage me={me} address={address} />;
    case "setup":
      return <SetupPage me={me} again={again} />;
    case "me":
      return <MePage me={me} again={again} />;
    default:
      return (
        <main>
          <Empty>
            There is no such page. <Link to={`${ROOT}incidents`}>To the incidents</Link>
          </Empty>
        </main>
      );
  }
}

const root = document.getElementById("app");
if (root) render(<App />, root);
