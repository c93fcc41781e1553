import { useState, type ReactNode, type SubmitEvent } from "react";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import * as texts from "~/texts";

interface FormDialogProps {
  title: string;
  description?: string;
  /** What the button says that submits. */
  doIt: string;
  isDanger?: boolean;
  isReady?: boolean;
  /** Do it with what was filled in; what is wrong, in words, or null when it is done. */
  submit: (given: FormData) => Promise<string | null>;
  onClose: () => void;
  children: ReactNode;
}

/** Asks for something, and says what is wrong with it below what was filled in. */
export function FormDialog(props: FormDialogProps) {
  const { title, description, doIt, isDanger = false, isReady = true, submit, onClose, children } = props;
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const onSubmit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    const found = await submit(new FormData(event.currentTarget));
    setBusy(false);
    setProblem(found);
  };
  return (
    <Dialog open onClose={onClose} title={title} {...(description && { description })}>
      <form className="contents" onSubmit={(event) => void onSubmit(event)}>
        <DialogBody>
          {children}
          <p role="alert" className="mt-2 text-bad empty:hidden">
            {problem}
          </p>
        </DialogBody>
        <DialogFoot>
          <Button look="quiet" onClick={onClose}>
            {texts.shared.cancel}
          </Button>
          <Button type="submit" look={isDanger ? "danger" : "primary"} disabled={busy || !isReady}>
            {doIt}
          </Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
