import { useQuery } from "urql";
import { Badge } from "~/design/Badge";
import { Dialog, DialogBody } from "~/design/Dialog";
import { Seen } from "~/design/Seen";
import { whole } from "~/design/time";
import { said } from "~/live/wire/http";
import { RULE_TRIAL, type RuleTrial, type TriedRequest } from "./documents";
import { Patterns } from "./Patterns";
import { ruleOf, type Rule } from "./rule";
import { countsOf } from "./trial";
import { OUTCOMES } from "./words";
import * as texts from "~/texts";

const DAYS = 7;

/** Which requests of the last week a rule would have answered. Nothing is changed by looking. */
export function TrialDialog({ rule, onClose }: { rule: Rule; onClose: () => void }) {
  const [{ data, error, fetching }] = useQuery({
    query: RULE_TRIAL,
    variables: { ...ruleOf(rule), days: DAYS },
    requestPolicy: "network-only",
  });
  return (
    <Dialog open wide onClose={onClose} title={texts.rules.trial} description={texts.rules.trialMeans}>
      <DialogBody>
        <Patterns rule={rule} />
        {error ? (
          <p role="alert" className="mt-3 text-bad">
            {said(error)}
          </p>
        ) : fetching || !data ? (
          <p className="mt-3 text-faint">{texts.shared.loading}</p>
        ) : (
          <Found trial={data.ruleTrial} />
        )}
      </DialogBody>
    </Dialog>
  );
}

function Found({ trial }: { trial: RuleTrial }) {
  const { lookedAt, matched, whole: all, requests } = trial;
  return (
    <>
      <p className="mt-3">{texts.rules.matches(matched, lookedAt, DAYS)}</p>
      {!all && <p className="text-xs text-warn">{texts.rules.notAll}</p>}
      {matched > 0 && (
        <ul aria-label={texts.rules.counts} className="mt-2 flex flex-wrap gap-2">
          {countsOf(trial).map(([outcome, count]) => (
            <li key={outcome}>
              <Badge tone={OUTCOMES[outcome].tone}>
                {OUTCOMES[outcome].title}: {count}
              </Badge>
            </li>
          ))}
        </ul>
      )}
      {requests.length < matched && (
        <p className="mt-2 text-xs text-faint">{texts.rules.newest(requests.length)}</p>
      )}
      {matched > 0 && (
        <ul aria-label={texts.rules.requests} className="mt-3 rounded-lg border border-line">
          {requests.map((tried) => (
            <Tried key={tried.approval.key} tried={tried} />
          ))}
        </ul>
      )}
    </>
  );
}

function Tried({ tried: { approval, outcome, by } }: { tried: TriedRequest }) {
  const { title, tone } = OUTCOMES[outcome];
  return (
    <li className="flex flex-col gap-1 border-b border-line px-3 py-2 last:border-0">
      <span className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <Badge tone={tone}>{title}</Badge>
        <code className="min-w-0 flex-1 text-xs break-words">
          <Seen text={approval.command ?? approval.title} />
        </code>
      </span>
      <span className="text-xs text-faint">
        {approval.agent}
        {" · "}
        <time dateTime={approval.askedAt} className="tabular-nums">
          {whole(Date.parse(approval.askedAt))}
        </time>
      </span>
      {outcome === "OVERRULED" && (
        <span className="flex flex-wrap items-baseline gap-2 text-xs">
          <span className="text-faint">{texts.rules.overruledBy}</span>
          <Patterns rule={by} />
        </span>
      )}
    </li>
  );
}
