import { graphql } from "~/live/wire/graphql";

export const ANSWER = graphql(`
  mutation AnswerApproval($input: AnswerApprovalInput!) {
    answerApproval(input: $input) {
      __typename
      ... on ApprovalAnswered {
        approval {
          id
          key
          status
          answeredBy
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const ANSWER_QUESTION = graphql(`
  mutation AnswerQuestion($input: AnswerQuestionInput!) {
    answerQuestion(input: $input) {
      __typename
      ... on QuestionAnswered {
        question {
          id
          key
          status
          answeredBy
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const SPAWN = graphql(`
  mutation SpawnAgent($input: SpawnAgentInput!) {
    spawnAgent(input: $input) {
      __typename
      ... on AgentSpawned {
        agent {
          id
          key
          name
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const SEND = graphql(`
  mutation SendMessage($input: SendMessageInput!) {
    sendMessage(input: $input) {
      __typename
      ... on MessageSent {
        sent {
          id
          key
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const INTERRUPT = graphql(`
  mutation InterruptAgent($input: InterruptAgentInput!) {
    interruptAgent(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const RELEASE = graphql(`
  mutation ReleaseAgent($input: ReleaseAgentInput!) {
    releaseAgent(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const RESUME = graphql(`
  mutation ResumeAgent($input: ResumeAgentInput!) {
    resumeAgent(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const DISMISS = graphql(`
  mutation DismissAgent($input: DismissAgentInput!) {
    dismissAgent(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const RENAME_SESSION = graphql(`
  mutation RenameSession($input: RenameSessionInput!) {
    renameSession(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const ARCHIVE_SESSION = graphql(`
  mutation ArchiveSession($input: ArchiveSessionInput!) {
    archiveSession(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const DELETE_SESSION = graphql(`
  mutation DeleteSession($input: DeleteSessionInput!) {
    deleteSession(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const CREATE_SESSION = graphql(`
  mutation CreateSession($input: CreateSessionInput!) {
    createSession(input: $input) {
      __typename
      ... on SessionCreated {
        session {
          id
          key
        }
      }
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const STOP_ALL = graphql(`
  mutation StopAll($input: StopAllInput!) {
    stopAll(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

export const RESUME_ALL = graphql(`
  mutation ResumeAll($input: ResumeAllInput!) {
    resumeAll(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);
