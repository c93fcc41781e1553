import {
  ACTIVITY,
  AGENTS,
  APPROVALS,
  OVERVIEW,
  VIEWER,
  type Agent,
  type Overview,
  type Waiting,
} from "./documents";
import { addressInWorkspace, said, wantsWorkspace } from "./http";
import type { Live } from "./live";
import { Store, type Readable } from "./store";

/** Something that is asked for: not there yet, there, or refused. What is there stays while it is asked for anew. */
export type Loading<T> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "failed"; readonly message: string };

const LOADING = { state: "loading" } as const;
/** Events of sessions come in bursts; the overview is asked for once after each. */
const SETTLE_MS = 400;

/** Sessions, machines, agents and waiting approvals of the whole workspace, for as long as the page is open. */
export class Workspace {
  readonly #overview = new Store<Loading<Overview>>(LOADING);
  readonly #agents = new Store<Loading<readonly Agent[]>>(LOADING);
  readonly #waiting = new Store<Loading<readonly Waiting[]>>(LOADING);
  #refreshing = false;

  readonly #live: Live;

  constructor(live: Live) {
    this.#live = live;
    live.connection.state.subscribe(() => {
      if (live.connection.state.get().state === "live") this.refreshSoon();
    });
    void this.#load();
  }

  /** The viewer, the sessions and the machines. */
  get overview(): Readable<Loading<Overview>> {
    return this.#overview;
  }

  /** All agents the viewer sees, ended ones too. */
  get agents(): Readable<Loading<readonly Agent[]>> {
    return this.#agents;
  }

  /** The approvals that wait for an answer. */
  get waiting(): Readable<Loading<readonly Waiting[]>> {
    return this.#waiting;
  }

  /** Ask for sessions and machines anew, soon. */
  refreshSoon(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    setTimeout(() => {
      this.#refreshing = false;
      void this.#ask();
    }, SETTLE_MS);
  }

  async #load(): Promise<void> {
    const overview = await this.#ask();
    if (!overview) return;
    // A share link sees one session, and must name it.
    const session = overview.viewer.sessionKey;
    this.#followAgents(session);
    this.#followApprovals(session);
    if (session === null) this.#followActivity();
  }

  async #ask(): Promise<Overview | undefined> {
    const machines = await this.#maySeeMachines();
    const { data, error } = await this.#live.queries
      .query(OVERVIEW, { machines }, { requestPolicy: "network-only" })
      .toPromise();
    if (data) this.#overview.set({ state: "ready", value: data });
    else if (wantsWorkspace(error)) await goToWorkspace();
    else if (this.#overview.get().state !== "ready")
      this.#overview.set({ state: "failed", message: said(error) });
    return data;
  }

  /** A share of one session does not show the machines. */
  async #maySeeMachines(): Promise<boolean> {
    const { data } = await this.#live.queries
      .query(VIEWER, {}, { requestPolicy: "network-only" })
      .toPromise();
    return data?.viewer.permissions.includes("READ_WORKSPACE") ?? false;
  }

  #followAgents(session: string | null): void {
    this.#live.subscribe(AGENTS, () => ({ session }), {
      next: ({ agents }) => {
        if (agents.__typename === "AgentsSnapshot") this.#agents.set(ready(agents.agents));
        else this.#agents.update(merged(agents.agent));
      },
      failed: (message) => this.#agents.set({ state: "failed", message }),
    });
  }

  #followApprovals(session: string | null): void {
    this.#live.subscribe(APPROVALS, () => ({ session }), {
      next: ({ approvals }) => {
        if (approvals.__typename === "ApprovalsSnapshot") this.#waiting.set(ready(approvals.approvals));
        else {
          const { approval } = approvals;
          this.#waiting.update((all) =>
            approval.status === "PENDING" ? merged(approval)(all) : without(approval, all),
          );
        }
      },
      failed: (message) => this.#waiting.set({ state: "failed", message }),
    });
  }

  #followActivity(): void {
    this.#live.subscribe(ACTIVITY, () => ({}), {
      next: ({ activity }) => {
        if (activity.__typename !== "ActivityEvent") this.refreshSoon();
        else if (/^(session|proxy|stop)\./.test(activity.event.kind)) this.refreshSoon();
      },
      failed: () => undefined,
    });
  }
}

/** The page is loaded anew where its address says which workspace it shows. */
async function goToWorkspace(): Promise<void> {
  const address = await addressInWorkspace(location);
  if (address !== null) location.replace(address);
}

function ready<T>(value: T): Loading<T> {
  return { state: "ready", value };
}

function merged<T extends { key: string }>(
  changed: T,
): (all: Loading<readonly T[]>) => Loading<readonly T[]> {
  return (all) => {
    const before = all.state === "ready" ? all.value : [];
    const known = before.some((one) => one.key === changed.key);
    return ready(
      known ? before.map((one) => (one.key === changed.key ? changed : one)) : [...before, changed],
    );
  };
}

function without<T extends { key: string }>(gone: T, all: Loading<readonly T[]>): Loading<readonly T[]> {
  return all.state === "ready" ? ready(all.value.filter((one) => one.key !== gone.key)) : all;
}
