import { useState } from "react";
import { act } from "~/acting/act";
import { Field, Select } from "~/acting/Field";
import { FormDialog } from "~/acting/FormDialog";
import { useLive } from "~/live/LiveContext";
import { ROTATE, type OneToken } from "./documents";
import { SecretShown } from "./SecretShown";
import * as texts from "~/texts";

const HOUR_S = 3600;
const OVERLAPS = [0, 1, 24, 7 * 24, 30 * 24];

interface RotateDialogProps {
  token: OneToken;
  onRotated: () => void;
  onClose: () => void;
}

/** Puts another token in the place of one, which works on for a while. */
export function RotateDialog({ token, onRotated, onClose }: RotateDialogProps) {
  const { queries } = useLive();
  const [secret, setSecret] = useState<string | null>(null);
  const rotate = async (given: FormData) => {
    const overlapS = Number(given.get("overlap")) * HOUR_S;
    const done = await act(queries, ROTATE, { token: token.key, overlapS });
    if (!done.done) return done.message;
    if (done.result.__typename === "TokenMinted") setSecret(done.result.secret);
    return null;
  };
  const close = () => {
    onRotated();
    onClose();
  };
  if (secret !== null) return <SecretShown secret={secret} onClose={close} />;
  return (
    <FormDialog
      title={texts.accessTokens.rotateAsk(token.name)}
      description={texts.accessTokens.rotateMeans}
      doIt={texts.accessTokens.makeToken}
      submit={rotate}
      onClose={onClose}
    >
      <Field id="overlap" label={texts.accessTokens.overlap}>
        <Select id="overlap" name="overlap" defaultValue={24}>
          {OVERLAPS.map((hours) => (
            <option key={hours} value={hours}>
              {texts.accessTokens.hours(hours)}
            </option>
          ))}
        </Select>
      </Field>
    </FormDialog>
  );
}
