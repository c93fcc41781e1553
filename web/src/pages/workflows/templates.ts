import * as texts from "~/texts";

/** A workflow file to begin with. */
export interface Template {
  readonly title: string;
  readonly text: string;
}

export const TEMPLATES: readonly Template[] = [
  {
    title: texts.workflows.templates.one,
    text: `version: "1.0"
name: hello
swarm: {pattern: pipeline}
agents:
  - {name: Writer, cli: claude, preset: worker}
workflows:
  - name: hello
    steps:
      - {name: write, agent: Writer, task: Say hello in one sentence.}
`,
  },
  {
    title: texts.workflows.templates.review,
    text: `version: "1.0"
name: build
vars:
  task: {description: What is to be built}
swarm: {pattern: review-loop}
agents:
  - {name: Builder, cli: codex, preset: worker, role: implementer}
  - {name: Reviewer, cli: claude, preset: reviewer, role: reviewer}
workflows:
  - name: build
    steps:
      - name: implement
        agent: Builder
        task: "{{task}}"
      - name: test
        type: deterministic
        command: make test
        dependsOn: [implement]
      - name: review
        agent: Reviewer
        dependsOn: [test]
        task: |
          Review the change in this folder. Answer APPROVED, or what has to change.
          What the builder says of it: {{steps.implement.output}}
        verification: {type: output_contains, value: APPROVED}
        # Without it, the builder begins again, with what the reviewer said.
        maxIterations: 3
        repeatFrom: implement
      - name: accept
        type: approval
        dependsOn: [review]
        message: Merge what was built?
`,
  },
  {
    title: texts.workflows.templates.beside,
    text: `version: "1.0"
name: survey
swarm: {pattern: map-reduce, maxConcurrency: 3}
agents:
  - {name: Front, cli: gemini, preset: worker, role: mapper of the front end}
  - {name: Back, cli: codex, preset: worker, role: mapper of the back end}
  - {name: Writer, cli: claude, preset: worker, role: reducer}
workflows:
  - name: survey
    steps:
      - {name: read-front, agent: Front, task: List what should be better in the front end.}
      - {name: read-back, agent: Back, task: List what should be better in the back end.}
      - name: write
        agent: Writer
        dependsOn: [read-front, read-back]
        task: |
          Write PLAN.md, the most important first, out of both lists.
          {{steps.read-front.output}}
          {{steps.read-back.output}}
        verification: {type: file_exists, value: PLAN.md}
`,
  },
  {
    title: texts.workflows.templates.competition,
    text: `version: "1.0"
name: competition
vars:
  task: {description: What is to be built}
swarm: {pattern: competitive}
agents:
  - {name: A, cli: claude, preset: worker}
  - {name: B, cli: codex, preset: worker}
  - {name: Judge, cli: claude, preset: reviewer, role: judge}
workflows:
  - name: competition
    steps:
      # Each has a working copy and a branch of its own.
      - {name: tree-a, type: worktree, branch: try-a, path: .worktrees/a}
      - {name: tree-b, type: worktree, branch: try-b, path: .worktrees/b}
      - {name: build-a, agent: A, task: "{{task}}", cwd: .worktrees/a, dependsOn: [tree-a]}
      - {name: build-b, agent: B, task: "{{task}}", cwd: .worktrees/b, dependsOn: [tree-b]}
      - name: judge
        agent: Judge
        dependsOn: [build-a, build-b]
        task: Compare the branches try-a and try-b. Which is better, and why?
      - name: accept
        type: approval
        dependsOn: [judge]
        message: Keep the better one?
`,
  },
];
