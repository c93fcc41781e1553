import { Button } from "~/design/Button";
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
  const save = () => {
    const url = URL.createObjectURL(new Blob([csv(rows())], { type: "text/csv" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${name}.csv`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Button look="quiet" size="small" onClick={save} aria-label={texts.billing.saveAs(name)}>
      {texts.billing.csv}
    </Button>
  );
}
