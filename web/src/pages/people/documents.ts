import { graphql, type ResultOf } from "~/live/wire/graphql";

export const PEOPLE = graphql(`
  query People($search: String, $after: String) {
    workspace {
      id
      members(search: $search, first: 50, after: $after) {
        nodes {
          id
          key
          name
          role
          createdAt
          hasSignedIn
          suspendedAt
        }
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);
export type Person = ResultOf<typeof PEOPLE>["workspace"]["members"]["nodes"][number];

export const INVITATIONS = graphql(`
  query Invitations {
    workspace {
      id
      invitations(first: 100) {
        nodes {
          key
          role
          name
          groups
          madeBy
          expiresAt
        }
        totalCount
      }
    }
  }
`);
export type Invited = ResultOf<typeof INVITATIONS>["workspace"]["invitations"]["nodes"][number];

export const CREATE_INVITATION = graphql(`
  mutation CreateInvitation($input: CreateInvitationInput!) {
    createInvitation(input: $input) {
      __typename
      ... on InvitationSent {
        url
        invitation {
          expiresAt
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const RESEND_INVITATION = graphql(`
  mutation ResendInvitation($input: ResendInvitationInput!) {
    resendInvitation(input: $input) {
      __typename
      ... on InvitationSent {
        url
        invitation {
          expiresAt
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const REVOKE_INVITATION = graphql(`
  mutation RevokeInvitation($input: RevokeInvitationInput!) {
    revokeInvitation(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const SET_ROLE = graphql(`
  mutation SetMemberRole($input: SetMemberRoleInput!) {
    setMemberRole(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const SIGN_IN_LINK = graphql(`
  mutation InviteMember($input: InviteMemberInput!) {
    inviteMember(input: $input) {
      __typename
      ... on MemberInvited {
        signInUrl
        expiresAt
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const END_SIGN_INS = graphql(`
  mutation EndMemberSignIns($input: EndMemberSignInsInput!) {
    endMemberSignIns(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const SUSPEND_PERSON = graphql(`
  mutation SuspendMember($input: SuspendMemberInput!) {
    suspendMember(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const REINSTATE_PERSON = graphql(`
  mutation ReinstateMember($input: ReinstateMemberInput!) {
    reinstateMember(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const REMOVE_PERSON = graphql(`
  mutation RemoveMember($input: RemoveMemberInput!) {
    removeMember(input: $input) {
      __typename
      ... on MemberRemoved {
        ended {
          tokens
          machines
          agents
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);
