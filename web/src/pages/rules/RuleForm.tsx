import { useState } from "react";
import { Field, INPUT, Select } from "~/acting/Field";
import { Button } from "~/design/Button";
import {
  allowsEverything,
  drafted,
  namesSomebody,
  NO_DRAFT,
  type Draft,
  type Effect,
  type Rule,
} from "./rule";
import { RequiredFields } from "./RequiredFields";
import { EFFECTS } from "./words";
import * as texts from "~/texts";

interface RuleFormProps {
  mayAdd: boolean;
  busy: boolean;
  onTry: (rule: Rule) => void;
  /** Whether it was added. */
  onAdd: (rule: Rule) => Promise<boolean>;
}

/** A rule that is not there yet. Enter only tries it: that changes nothing. */
export function RuleForm({ mayAdd, busy, onTry, onAdd }: RuleFormProps) {
  const [draft, setDraft] = useState<Draft>(NO_DRAFT);
  const rule = drafted(draft);
  const add = async () => {
    if (await onAdd(rule)) setDraft(NO_DRAFT);
  };
  const field = (name: "tool" | "command" | "path", label: string, hint: string, most: number) => (
    <Field id={`rule-${name}`} label={label} hint={hint}>
      <input
        id={`rule-${name}`}
        value={draft[name]}
        maxLength={most}
        autoComplete="off"
        spellCheck={false}
        onChange={({ target }) => setDraft({ ...draft, [name]: target.value })}
        className={`${INPUT} font-mono`}
      />
    </Field>
  );
  return (
    <form
      aria-label={texts.rules.newRule}
      className="flex flex-col gap-3 rounded-xl border border-line p-4"
      onSubmit={(event) => {
        event.preventDefault();
        onTry(rule);
      }}
    >
      <h2 className="text-xs text-faint">{texts.rules.newRule}</h2>
      <div className="grid grid-cols-1 items-end gap-3 sm:grid-cols-2 lg:grid-cols-[7rem_3fr_4fr_4fr]">
        <Field id="rule-effect" label={texts.rules.effect}>
          <Select
            id="rule-effect"
            value={draft.effect}
            onChange={({ target }) => setDraft({ ...draft, effect: target.value as Effect })}
          >
            {Object.entries(EFFECTS).map(([effect, { title }]) => (
              <option key={effect} value={effect}>
                {title}
              </option>
            ))}
          </Select>
        </Field>
        {field("tool", texts.rules.tool, texts.rules.toolHint, 100)}
        {field("command", texts.rules.command, texts.rules.commandHint, 1000)}
        {field("path", texts.rules.path, texts.rules.pathHint, 4096)}
      </div>
      {draft.effect === "REQUIRE" && <RequiredFields draft={draft} onChange={setDraft} />}
      {!namesSomebody(rule) && <p className="text-xs text-warn">{texts.rules.namesNobody}</p>}
      {allowsEverything(rule) && <p className="text-xs text-warn">{texts.rules.allowsEverything}</p>}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" disabled={!namesSomebody(rule)}>
          {texts.rules.tryOnRequests}
        </Button>
        {mayAdd && (
          <Button
            look={allowsEverything(rule) ? "danger" : "primary"}
            disabled={busy || !namesSomebody(rule)}
            onClick={() => void add()}
          >
            {texts.rules.add}
          </Button>
        )}
      </div>
    </form>
  );
}
