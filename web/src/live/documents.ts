import { graphql, type ResultOf } from "./graphql";

/** What every page knows of an agent. */
export const AGENT = graphql(`
  fragment AgentFields on Agent {
    id
    key
    name
    cli
    state
    paused
    reason
    machine
    proxyKey
    version
    model
    transport
    cwd
    generation
    spawner
    spawnerKey
    turn
    waitingApprovals
    spawnedAt
    since
    ended
    sessionKey
  }
`);
export type Agent = ResultOf<typeof AGENT>;

/** What lists and counts know of an approval; the inbox asks for more. */
export const WAITING = graphql(`
  fragment WaitingFields on Approval {
    id
    key
    agent
    agentKey
    sessionKey
    status
    tool
    title
    askedAt
    deadline
  }
`);
export type Waiting = ResultOf<typeof WAITING>;

export const AGENTS = graphql(
  `
    subscription Agents($session: ID) {
      agents(session: $session) {
        __typename
        ... on AgentsSnapshot {
          agents {
            ...AgentFields
          }
        }
        ... on AgentChanged {
          agent {
            ...AgentFields
          }
        }
      }
    }
  `,
  [AGENT],
);

export const APPROVALS = graphql(
  `
    subscription Approvals($session: ID) {
      approvals(session: $session) {
        __typename
        ... on ApprovalsSnapshot {
          approvals {
            ...WaitingFields
          }
        }
        ... on ApprovalChanged {
          approval {
            ...WaitingFields
          }
        }
      }
    }
  `,
  [WAITING],
);

export const ACTIVITY = graphql(`
  subscription Activity {
    activity {
      __typename
      ... on ActivityEvent {
        session {
          key
        }
        event {
          kind
          at
        }
      }
    }
  }
`);

export const VIEWER = graphql(`
  query Viewer {
    viewer {
      permissions
    }
  }
`);

export const OVERVIEW = graphql(`
  query Overview($machines: Boolean!) {
    viewer {
      kind
      name
      memberKey
      role
      permissions
      sessionKey
      workspaces {
        key
        slug
        name
      }
    }
    workspace {
      id
      key
      name
      slug
      plan
      stops {
        key
        scope
        ofKey
        name
        how
        by
        note
        at
        agents
        finished
      }
      sessions(first: 100) {
        nodes {
          id
          key
          name
          createdAt
        }
      }
      proxies(first: 100) @include(if: $machines) {
        nodes {
          id
          key
          name
          labels
          online
          version
          agents
          ownerName
          ownerKey
          orphaned
          adoption {
            byKey
          }
          clis {
            cli
            dialect
            version
            supported
            transport
            problem
          }
        }
      }
    }
  }
`);
export type Overview = ResultOf<typeof OVERVIEW>;
export type Session = Overview["workspace"]["sessions"]["nodes"][number];
/** What is stopped, by whom and why. */
export type Stop = Overview["workspace"]["stops"][number];
export type Proxy = NonNullable<Overview["workspace"]["proxies"]>["nodes"][number];

export const SESSION_AGENTS = graphql(
  `
    query SessionAgents($key: String!) {
      session(key: $key) {
        id
        agents(first: 100) {
          nodes {
            ...AgentFields
          }
        }
      }
    }
  `,
  [AGENT],
);
