import { Field, INPUT, Select } from "~/acting/Field";
import type { Draft } from "./rule";
import * as texts from "~/texts";

interface RequiredFieldsProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
}

const MOST_PEOPLE = 5;
const RISKS = ["LOW", "MEDIUM", "HIGH"] as const;
const ROLES = ["OWNER", "ADMIN", "MEMBER"] as const;

/** Whom a rule requires, and from which risk on. */
export function RequiredFields({ draft, onChange }: RequiredFieldsProps) {
  return (
    <div className="grid grid-cols-1 items-end gap-3 sm:grid-cols-2 lg:grid-cols-4">
      <Field id="rule-risk" label={texts.rules.fromRisk}>
        <Select
          id="rule-risk"
          value={draft.risk}
          onChange={({ target }) => onChange({ ...draft, risk: target.value as Draft["risk"] })}
        >
          <option value="">{texts.rules.anyRisk}</option>
          {RISKS.map((risk) => (
            <option key={risk} value={risk}>
              {texts.rules.risks[risk]}
            </option>
          ))}
        </Select>
      </Field>
      <Field id="rule-people" label={texts.rules.people}>
        <Select
          id="rule-people"
          value={draft.people}
          onChange={({ target }) => onChange({ ...draft, people: Number(target.value) })}
        >
          {Array.from({ length: MOST_PEOPLE }, (_, place) => place + 1).map((people) => (
            <option key={people} value={people}>
              {people}
            </option>
          ))}
        </Select>
      </Field>
      <Field id="rule-whom" label={texts.rules.whom}>
        <Select
          id="rule-whom"
          value={draft.whom}
          onChange={({ target }) => onChange({ ...draft, whom: target.value as Draft["whom"] })}
        >
          <option value="people">{texts.rules.anybody}</option>
          <option value="group">{texts.rules.aGroup}</option>
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {texts.rules.withRole(role.toLowerCase())}
            </option>
          ))}
        </Select>
      </Field>
      {draft.whom === "group" && (
        <Field id="rule-group" label={texts.rules.group}>
          <input
            id="rule-group"
            value={draft.group}
            maxLength={100}
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) => onChange({ ...draft, group: target.value })}
            className={INPUT}
          />
        </Field>
      )}
    </div>
  );
}
