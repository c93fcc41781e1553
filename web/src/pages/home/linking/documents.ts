import { graphql, type ResultOf } from "~/live/wire/graphql";

export const MACHINE_CODES = graphql(`
  query MachineCodes {
    workspace {
      id
      machineCodes {
        key
        name
        expiresAt
      }
    }
  }
`);
export type OpenCode = ResultOf<typeof MACHINE_CODES>["workspace"]["machineCodes"][number];

export const CREATE_MACHINE_CODE = graphql(`
  mutation CreateMachineCode($input: CreateMachineCodeInput!) {
    createMachineCode(input: $input) {
      __typename
      ... on MachineCodeMade {
        secret
        machineCode {
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

export const REVOKE_MACHINE_CODE = graphql(`
  mutation RevokeMachineCode($input: RevokeMachineCodeInput!) {
    revokeMachineCode(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);
