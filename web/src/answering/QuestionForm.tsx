import { useState } from "react";
import { INPUT, TextArea } from "~/acting/Field";
import { Button } from "~/design/Button";
import type { Asked } from "./documents";
import { EMPTY, missing, replies, withChoice, withWords, type Draft, type Prompt } from "./model/replies";
import * as texts from "~/texts";

interface QuestionFormProps {
  question: NonNullable<Asked["question"]>;
  locked: boolean;
  mayAnswer: boolean;
  onReply: (answers: { prompt: string; texts: string[] }[]) => void;
  onDecline: () => void;
}

/** What an agent asks in words, with a place for each answer. */
export function QuestionForm({ question, locked, mayAnswer, onReply, onDecline }: QuestionFormProps) {
  const [drafts, setDrafts] = useState<Readonly<Record<string, Draft>>>({});
  const { prompts } = question;
  const lacking = missing(prompts, drafts);
  const answers = prompts
    .map((prompt) => ({ prompt: prompt.key, texts: replies(drafts[prompt.key] ?? EMPTY) }))
    .filter((answer) => answer.texts.length > 0);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!locked && lacking.length === 0) onReply(answers);
      }}
    >
      {prompts.map((prompt) => (
        <PromptFields
          key={prompt.key}
          id={`${question.key}-${prompt.key}`}
          prompt={prompt}
          draft={drafts[prompt.key] ?? EMPTY}
          disabled={locked || !mayAnswer}
          onChange={(draft) => setDrafts((before) => ({ ...before, [prompt.key]: draft }))}
        />
      ))}
      {mayAnswer ? (
        <div className="flex flex-wrap items-center gap-2">
          <Button type="submit" look="primary" disabled={locked || lacking.length > 0}>
            {texts.inbox.answer}
          </Button>
          <Button disabled={locked} onClick={onDecline}>
            {texts.inbox.declineEllipsis}
          </Button>
        </div>
      ) : (
        <p className="text-faint">{texts.inbox.readOnly}</p>
      )}
    </form>
  );
}

interface PromptFieldsProps {
  id: string;
  prompt: Prompt;
  draft: Draft;
  disabled: boolean;
  onChange: (draft: Draft) => void;
}

function PromptFields({ id, prompt, draft, disabled, onChange }: PromptFieldsProps) {
  return (
    <fieldset disabled={disabled} className="flex min-w-0 flex-col gap-2">
      <legend className="mb-1 max-w-full break-words">
        {prompt.header !== "" && <span className="mr-2 text-xs text-faint">{prompt.header}</span>}
        <span className="whitespace-pre-wrap">{prompt.text}</span>
        {!prompt.required && <span className="text-xs text-faint"> {texts.inbox.optional}</span>}
      </legend>
      {prompt.choices.map((choice) => (
        <label key={choice.label} className="flex items-baseline gap-2">
          <input
            type={prompt.multiSelect ? "checkbox" : "radio"}
            name={id}
            checked={draft.chosen.includes(choice.label)}
            onChange={(event) => onChange(withChoice(prompt, draft, choice.label, event.target.checked))}
          />
          <span className="min-w-0 break-words">
            {choice.label}
            {choice.description !== "" && <span className="text-soft"> · {choice.description}</span>}
          </span>
        </label>
      ))}
      {prompt.freeText && <Words id={id} prompt={prompt} draft={draft} onChange={onChange} />}
    </fieldset>
  );
}

/** Own words: beside the choices, or in place of any. */
function Words({ id, prompt, draft, onChange }: Omit<PromptFieldsProps, "disabled">) {
  const change = (words: string) => onChange(withWords(prompt, draft, words));
  const label = prompt.choices.length > 0 ? texts.inbox.ownWords : texts.inbox.yourAnswer;
  const common = { id: `${id}-words`, value: draft.words, maxLength: 20_000 };
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={common.id} className="text-xs text-soft">
        {label}
        {prompt.secret && <span className="text-faint"> {texts.inbox.secret}</span>}
        {prompt.number && <span className="text-faint"> {texts.inbox.number}</span>}
      </label>
      {prompt.secret || prompt.number || prompt.choices.length > 0 ? (
        <input
          {...common}
          type={prompt.secret ? "password" : "text"}
          autoComplete="off"
          inputMode={prompt.number ? "decimal" : undefined}
          className={INPUT}
          onChange={(event) => change(event.target.value)}
        />
      ) : (
        <TextArea {...common} rows={2} onChange={(event) => change(event.target.value)} />
      )}
    </div>
  );
}
