import { useEffect, useState, type ReactNode } from "react";
import { act } from "~/acting/act";
import { Field, INPUT, Select } from "~/acting/Field";
import { FormDialog } from "~/acting/FormDialog";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Command } from "~/design/Command";
import { useLive } from "~/live/LiveContext";
import { ask } from "~/live/wire/ask";
import { SET, type Provider, type Standing } from "./documents";
import { draftOf, fieldOf, inputOf, PRESETS, type Draft, type JoinsAs } from "./terms";
import * as texts from "~/texts";

interface TermsFormProps {
  owns: boolean;
  provider: Provider | null;
  onSaved: (standing: Standing) => void;
}

interface Problem {
  /** Null: of nothing that is filled in. */
  readonly field: keyof Draft | null;
  readonly words: string;
}

/** What is agreed with the identity provider. The broker asks it before anything is saved. */
export function TermsForm({ owns, provider, onSaved }: TermsFormProps) {
  const { queries } = useLive();
  const [draft, setDraft] = useState(() => draftOf(provider));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const secrets = useSecretNames();
  const change = (changed: Partial<Draft>) => setDraft((before) => ({ ...before, ...changed }));
  const save = async (): Promise<void> => {
    setBusy(true);
    const done = await act(queries, SET, inputOf(draft));
    setBusy(false);
    if (!done.done) {
      setProblem({ field: fieldOf(done.code, done.message), words: done.message });
      return;
    }
    setProblem(null);
    if ("singleSignOn" in done.result) onSaved(done.result.singleSignOn);
    toast(texts.singleSignOn.saved);
  };
  const of = (field: keyof Draft) => (problem?.field === field ? problem.words : null);
  return (
    <>
      <form
        className="contents"
        onSubmit={(event) => {
          event.preventDefault();
          if (draft.required && !provider?.required) setConfirming(true);
          else void save();
        }}
      >
        <fieldset disabled={!owns} className="flex min-w-0 flex-col gap-3">
          <legend className="sr-only">{texts.singleSignOn.terms}</legend>
          {owns && (
            <Field id="sso-preset" label={texts.singleSignOn.preset} hint={texts.singleSignOn.presetHint}>
              <Select
                id="sso-preset"
                value=""
                onChange={({ target }) => {
                  const chosen = PRESETS.find(({ name }) => name === target.value);
                  if (chosen) change({ issuer: chosen.issuer });
                }}
              >
                <option value="">{texts.singleSignOn.presetNone}</option>
                {PRESETS.map(({ name }) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </Select>
            </Field>
          )}
          <Asked
            field="issuer"
            label={texts.singleSignOn.issuer}
            hint={texts.singleSignOn.issuerHint}
            problem={of("issuer")}
          >
            <input
              {...asked("issuer", of("issuer"))}
              type="url"
              required
              spellCheck={false}
              placeholder="https://id.example.com"
              value={draft.issuer}
              onChange={({ target }) => change({ issuer: target.value })}
            />
          </Asked>
          <Asked field="clientId" label={texts.singleSignOn.clientId} problem={of("clientId")}>
            <input
              {...asked("clientId", of("clientId"))}
              required
              maxLength={255}
              autoComplete="off"
              spellCheck={false}
              value={draft.clientId}
              onChange={({ target }) => change({ clientId: target.value })}
            />
          </Asked>
          <Asked
            field="secret"
            label={texts.singleSignOn.secret}
            hint={texts.singleSignOn.secretHint}
            problem={of("secret")}
          >
            <Select
              {...asked("secret", of("secret"))}
              value={draft.secret}
              onChange={({ target }) => change({ secret: target.value })}
            >
              <option value="">{texts.singleSignOn.secretNone}</option>
              {[...new Set([...secrets, ...(draft.secret ? [draft.secret] : [])])].map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </Select>
          </Asked>
          {owns && secrets.length === 0 && (
            <div className="flex flex-col gap-1">
              <p className="text-xs text-faint">{texts.singleSignOn.secretHow}</p>
              <Command text="relaycast secrets set single-sign-on" />
            </div>
          )}
          <Asked
            field="domains"
            label={texts.singleSignOn.domains}
            hint={texts.singleSignOn.domainsHint}
            problem={of("domains")}
          >
            <input
              {...asked("domains", of("domains"))}
              spellCheck={false}
              placeholder="example.com, example.org"
              value={draft.domains}
              onChange={({ target }) => change({ domains: target.value })}
            />
          </Asked>
          <Asked field="joinsAs" label={texts.singleSignOn.joinsAs} problem={of("joinsAs")}>
            <Select
              {...asked("joinsAs", of("joinsAs"))}
              value={draft.joinsAs}
              onChange={({ target }) => change({ joinsAs: target.value as JoinsAs })}
            >
              <option value="">{texts.singleSignOn.nobodyNew}</option>
              <option value="MEMBER">{texts.singleSignOn.asMember}</option>
              <option value="VIEWER">{texts.singleSignOn.asViewer}</option>
            </Select>
          </Asked>
          <Asked
            field="hours"
            label={texts.singleSignOn.hours}
            hint={texts.singleSignOn.hoursHint}
            problem={of("hours")}
          >
            <input
              {...asked("hours", of("hours"))}
              type="number"
              required
              min={1}
              max={720}
              step={1}
              value={draft.hours}
              onChange={({ target }) => change({ hours: target.value })}
            />
          </Asked>
          <label className="flex gap-2">
            <input
              type="checkbox"
              className="mt-0.5 size-4 shrink-0 accent-accent"
              checked={draft.required}
              onChange={({ target }) => change({ required: target.checked })}
            />
            <span>
              {texts.singleSignOn.required}
              <span className="block text-xs text-faint">{texts.singleSignOn.requiredHint}</span>
            </span>
          </label>
          <p role="alert" className="break-words text-bad empty:hidden">
            {problem?.field === null && problem.words}
          </p>
          {owns && (
            <Button type="submit" look="primary" disabled={busy} className="self-start">
              {busy ? texts.singleSignOn.asking : texts.singleSignOn.save}
            </Button>
          )}
        </fieldset>
      </form>
      {confirming && (
        <ConfirmRequired
          submit={async () => {
            await save();
            setConfirming(false);
            return null;
          }}
          onClose={() => setConfirming(false)}
        />
      )}
    </>
  );
}

interface ConfirmRequiredProps {
  submit: () => Promise<null>;
  onClose: () => void;
}

function ConfirmRequired({ submit, onClose }: ConfirmRequiredProps) {
  return (
    <FormDialog
      title={texts.singleSignOn.requireTitle}
      doIt={texts.singleSignOn.requireIt}
      isDanger
      submit={submit}
      onClose={onClose}
    >
      <p className="text-soft">{texts.singleSignOn.requireMeans}</p>
    </FormDialog>
  );
}

interface AskedProps {
  field: keyof Draft;
  label: string;
  hint?: string;
  problem: string | null;
  children: ReactNode;
}

/** A field with what the broker says is wrong with it. */
function Asked({ field, label, hint, problem, children }: AskedProps) {
  return (
    <Field id={`sso-${field}`} label={label} {...(hint && { hint })}>
      {children}
      <p id={`sso-${field}-problem`} role="alert" className="text-xs break-words text-bad empty:hidden">
        {problem}
      </p>
    </Field>
  );
}

/** What an input of such a field has. */
function asked(field: keyof Draft, problem: string | null) {
  return {
    id: `sso-${field}`,
    className: INPUT,
    "aria-invalid": problem !== null,
    "aria-describedby": `sso-${field}-problem`,
  };
}

/** The workspace's secrets, by name; none where they cannot be read. */
function useSecretNames(): readonly string[] {
  const [names, setNames] = useState<readonly string[]>([]);
  useEffect(() => {
    void ask<{ secrets: readonly { name: string }[] }>("/v1/secrets").then((answer) => {
      if ("value" in answer) setNames(answer.value.secrets.map(({ name }) => name));
    });
  }, []);
  return names;
}
