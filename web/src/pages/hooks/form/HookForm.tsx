import { useId, useMemo, useState } from "react";
import { Choice, Field, INPUT, Select } from "~/acting/Field";
import { Button } from "~/design/Button";
import { add, changeAction, fillIn, move, remove } from "./changing";
import { FormField } from "./FormField";
import { ACTIONS, EVENTS, nameOf, type ActionName, type FieldSpec, type Filled } from "./fields";
import { readForm, type Form, type Row } from "./reading";
import type { Path } from "~/yaml/text";
import * as texts from "~/texts";

interface HookFormProps {
  text: string;
  busy: boolean;
  onChange: (text: string) => void;
}

/** The hooks of a text, one at a time. It keeps nothing of its own but which one is shown: the text is the truth. */
export function HookForm({ text, busy, onChange }: HookFormProps) {
  const form = useMemo(() => readForm(text), [text]);
  const heading = useId();
  return (
    <section aria-labelledby={heading} className="flex min-w-0 flex-col gap-3">
      <h2 id={heading} className="text-base font-semibold">
        {texts.hooks.form}
      </h2>
      {"broken" in form ? (
        <p className="text-warn">{texts.hooks.formBroken(form.broken)}</p>
      ) : (
        <fieldset disabled={busy} className="contents">
          <Rows form={form} text={text} onChange={onChange} />
        </fieldset>
      )}
    </section>
  );
}

function Rows({ form, text, onChange }: { form: Form; text: string; onChange: (text: string) => void }) {
  const id = useId();
  const [chosen, setChosen] = useState<string>();
  const row = form.rows.find(({ path }) => keyOf(path) === chosen) ?? form.rows[0];
  const begin = () => {
    const added = add(text);
    setChosen(keyOf(added.path));
    onChange(added.text);
  };
  return (
    <>
      <p className="text-xs text-faint">{texts.hooks.formHow}</p>
      {form.elsewhere.length > 0 && (
        <p className="text-warn">{texts.hooks.formElsewhere(form.elsewhere.join(", "))}</p>
      )}
      {row ? (
        <Field id={id} label={texts.hooks.chooseHook}>
          <Select id={id} value={keyOf(row.path)} onChange={({ target }) => setChosen(target.value)}>
            {form.rows.map((each) => (
              <option key={keyOf(each.path)} value={keyOf(each.path)}>
                {texts.hooks.rowName(titleOf(each), each.selector, each.event)}
              </option>
            ))}
          </Select>
        </Field>
      ) : (
        <p className="text-soft">{texts.hooks.formEmpty}</p>
      )}
      {row && (
        <OneHook key={keyOf(row.path)} row={row} text={text} onChange={onChange} onChoose={setChosen} />
      )}
      <div className="flex flex-wrap gap-2">
        <Button onClick={begin}>{texts.hooks.addHook}</Button>
        {row && (
          <Button look="quiet" onClick={() => onChange(remove(text, row))}>
            {texts.hooks.removeHook}
          </Button>
        )}
      </div>
    </>
  );
}

interface OneHookProps {
  row: Row;
  text: string;
  onChange: (text: string) => void;
  onChoose: (key: string) => void;
}

function OneHook({ row, text, onChange, onChoose }: OneHookProps) {
  const [opened, setOpened] = useState(() => row.more.some((spec) => row.filled.has(nameOf(spec))));
  const field = (spec: FieldSpec) => (
    <FormField
      key={nameOf(spec)}
      spec={spec}
      value={row.filled.get(nameOf(spec))}
      onChange={(value) => onChange(fillIn(text, row, spec, value ?? whenCleared(spec)))}
    />
  );
  return (
    <>
      <div className="grid items-end gap-3 sm:grid-cols-2">
        <WhenAndWhat row={row} text={text} onChange={onChange} onChoose={onChoose} />
        {row.first.map(field)}
      </div>
      <details open={opened} onToggle={({ currentTarget }) => setOpened(currentTarget.open)}>
        <summary className="cursor-pointer py-1 text-soft hover:text-text">{texts.hooks.moreFields}</summary>
        <div className="mt-2 grid gap-3 sm:grid-cols-2">{row.more.map(field)}</div>
      </details>
      {row.unshown.length > 0 && (
        <p className="text-warn">{texts.hooks.formUnshown(row.unshown.join(", "))}</p>
      )}
    </>
  );
}

/** For whom it waits, for what, and which kind of thing it does. */
function WhenAndWhat({ row, text, onChange, onChoose }: OneHookProps) {
  const id = useId();
  const [selector, setSelector] = useState(row.selector);
  const go = (to: { selector?: string; event?: string }) => {
    const moved = move(text, row, to);
    onChoose(keyOf(moved.path));
    onChange(moved.text);
  };
  return (
    <>
      <Field id={id} label={texts.hooks.whose} hint={texts.hooks.selectorHint}>
        <input
          id={id}
          className={INPUT}
          value={selector}
          onChange={({ target }) => setSelector(target.value)}
          // Not while it is typed: half a name would be other agents' hooks.
          onBlur={() => {
            if (selector.trim() === "") setSelector(row.selector);
            else if (selector.trim() !== row.selector) go({ selector: selector.trim() });
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") event.currentTarget.blur();
          }}
        />
      </Field>
      <Choice
        label={texts.hooks.event}
        value={row.event}
        options={EVENTS}
        onChange={(event) => go({ event })}
      />
      <Choice
        label={texts.hooks.does}
        value={row.action ?? ""}
        options={ACTIONS}
        words={(action) => (action === "" ? texts.hooks.doesNothing : action)}
        onChange={(action) => onChange(changeAction(text, row, action as ActionName))}
      />
    </>
  );
}

const NEEDED = ["command", "relay.to", "webhook.url", "webhook.secret"];

/** What a hook cannot be without stays, empty: it is what is wrong with it then. */
const whenCleared = (spec: FieldSpec): Filled | undefined => (NEEDED.includes(nameOf(spec)) ? "" : undefined);

const titleOf = ({ id, action }: Row): string =>
  id === "" ? texts.hooks.unnamed(action ?? texts.hooks.doesNothing) : id;

const keyOf = (path: Path): string => JSON.stringify(path);
