import type { Plan } from "./files";
import * as texts from "~/texts";

/** What a run would do: which steps after which, by whom, how many at once, and what machines are asked for. */
export function PlanView({ plan }: { plan: Plan }) {
  const steps = new Map(plan.steps.map((each) => [each.name, each]));
  return (
    <section aria-labelledby="plan" className="flex min-w-0 flex-col gap-3 rounded-xl border border-line p-4">
      <h2 id="plan" className="text-base font-semibold">
        {texts.workflows.planOf(plan.workflow)}
      </h2>
      <p className="text-soft">{texts.workflows.order(plan.pattern, plan.rule)}</p>
      <ol className="flex flex-col gap-1">
        {plan.waves.map((wave, index) => (
          <li key={index} className="flex flex-wrap gap-x-3">
            <span className="w-6 text-right text-faint tabular-nums">{index + 1}</span>
            {wave.map((name) => (
              <span key={name}>
                {name}
                <span className="text-faint"> · {steps.get(name)?.agent ?? steps.get(name)?.kind}</span>
              </span>
            ))}
          </li>
        ))}
      </ol>
      <p className="text-faint">{texts.workflows.atOnce(plan.peak, plan.cap)}</p>
      <ul className="flex flex-col gap-1 text-soft empty:hidden">
        {plan.agents.map((each) => (
          <li key={each.name}>{texts.workflows.plannedAgent(each.name, each.cli, each.access)}</li>
        ))}
        {plan.extra.map((each) => (
          <li key={`${each.what} ${each.step}`}>
            {texts.workflows.plannedExtra(each.at_most, each.what, each.step, each.agent)}
          </li>
        ))}
      </ul>
      {plan.consents.map((each) => (
        <div key={`${each.place.machine} ${each.place.folder}`} className="min-w-0">
          <p className="text-soft">{texts.workflows.consentIn(each.place.machine, each.place.folder)}</p>
          <pre
            role="region"
            tabIndex={0}
            aria-label={texts.workflows.consentIn(each.place.machine, each.place.folder)}
            className="mt-1 max-h-40 overflow-auto rounded-lg bg-code p-3 font-mono text-xs whitespace-pre-wrap text-soft"
          >
            {each.templates.join("\n")}
          </pre>
        </div>
      ))}
      {plan.notes.map((each) => (
        <p key={each} className="text-faint">
          {each}
        </p>
      ))}
    </section>
  );
}
