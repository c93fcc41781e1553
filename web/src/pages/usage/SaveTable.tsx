import { Button } from "~/design/Button";
import { saveAs } from "~/design/saveAs";
import { csv } from "./model/csv";
import * as texts from "~/texts";

interface SaveTableProps {
  /** Of the file, without its end. */
  name: string;
  /** The first one names the columns. */
  rows: () => readonly (readonly (string | number | null)[])[];
}

/** Saves a table as CSV. */
export function SaveTable({ name, rows }: SaveTableProps) {
  const save = () => saveAs(`${name}.csv`, csv(rows()), "text/csv");
  return (
    <Button look="quiet" size="small" onClick={save} aria-label={texts.billing.saveAs(name)}>
      {texts.billing.csv}
    </Button>
  );
}
