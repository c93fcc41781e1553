import { CST, isAlias, parse, Scalar, visit, type Document } from "yaml";

/** Where a part of a text stands: the names and numbers that lead to it. */
export type Path = readonly (string | number)[];

/**
 * The text with another word in the place of one, and no other character changed; undefined where the new one does not
 * fit there. `old`: of that text.
 */
export function replaceScalar(text: string, old: Scalar, value: string): string | undefined {
  const [from, to] = old.range ?? [];
  const type = old.type === Scalar.PLAIN && !staysText(value) ? Scalar.QUOTE_DOUBLE : old.type;
  const inLine = type === Scalar.PLAIN || type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE;
  if (from === undefined || to === undefined || !inLine || value.includes("\n")) return undefined;
  // What may stand plain in a flow collection may do so everywhere.
  const token = CST.createScalarToken(value, {
    type,
    inFlow: true,
    indent: -1,
    end: [],
  });
  const written = CST.stringify(token);
  return written.includes("\n") ? undefined : text.slice(0, from) + written + text.slice(to);
}

function staysText(value: string): boolean {
  if (value === "") return false;
  try {
    return parse(value) === value;
  } catch {
    return false;
  }
}

/** As it was written, as far as that can be known: its depth of indentation, and lists below a key or beside it. */
export function writeDocument(document: Document, text: string): string {
  const indent = /^( +)\S/m.exec(text)?.[1]?.length ?? 2;
  return document.toString({
    lineWidth: 0,
    // Not `{{ name }}`, which is a word of the text.
    flowCollectionPadding: /(^|[^{])\{ /m.test(text),
    indent: Math.min(Math.max(indent, 1), 8),
    indentSeq: !/^( *)[^\s#-][^\n]*:[ ]*\n\1- /m.test(text),
  });
}

/** Whether a part of it stands elsewhere in the text, or stands for something elsewhere. */
export function refersElsewhere(node: unknown): boolean {
  let refers = false;
  visit(node as Parameters<typeof visit>[0], {
    Node: (_, each) => {
      if (isAlias(each) || each.anchor !== undefined) refers = true;
    },
  });
  return refers;
}
