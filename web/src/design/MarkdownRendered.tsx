import { lexer, type Token, type Tokens } from "marked";
import { Fragment, memo, type ReactNode } from "react";
import "./markdown.css";
import * as texts from "~/texts";

/** Boards, trees and tables made of line-drawing characters mean nothing unless they stand as they were drawn. */
const DRAWN = /[\u2500-\u257f]/;
const SAFE_LINK = /^(https?:|mailto:)/i;

/**
 * Markdown drawn as elements from the parser's tokens. No HTML of an author ever becomes HTML of ours, and while
 * text streams in, what stands already is left as it is.
 */
export const MarkdownRendered = memo(function MarkdownRendered({ text }: { text: string }) {
  return <div className="markdown">{blocks(lexer(text, { gfm: true, breaks: true }))}</div>;
});

function blocks(tokens: readonly Token[]): ReactNode {
  // Tokens have no identity of their own; text only grows at the end, so a token's place is as good.
  return tokens.map((token, place) => <Fragment key={place}>{block(token)}</Fragment>);
}

function block(token: Token): ReactNode {
  switch (token.type) {
    case "heading":
      return <Heading depth={(token as Tokens.Heading).depth}>{inline(token.tokens)}</Heading>;
    case "paragraph":
      if (DRAWN.test(token.raw)) return <pre className="drawn">{token.raw}</pre>;
      return <p>{inline(token.tokens)}</p>;
    case "code":
      return (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- long lines are scrolled by keyboard too
        <pre tabIndex={0}>
          <code>{(token as Tokens.Code).text}</code>
        </pre>
      );
    case "blockquote":
      return <blockquote>{blocks(token.tokens ?? [])}</blockquote>;
    case "list":
      return <List list={token as Tokens.List} />;
    case "table":
      return <MarkdownTable table={token as Tokens.Table} />;
    case "hr":
      return <hr />;
    case "space":
    case "def":
      return null;
    case "text":
      return token.tokens ? inline(token.tokens) : (token as Tokens.Text).text;
    default:
      return token.raw;
  }
}

/** An author's first heading stands below ours. */
function Heading({ depth, children }: { depth: number; children: ReactNode }) {
  const Level = (["h3", "h4", "h5", "h6"] as const)[Math.min(depth, 4) - 1] ?? "h6";
  return <Level>{children}</Level>;
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, place) => (
    <li key={place} className={item.task ? "task" : undefined}>
      {item.task && (
        <input type="checkbox" checked={item.checked ?? false} disabled aria-label={texts.design.done} />
      )}
      {blocks(item.tokens.filter((token) => token.type !== "checkbox"))}
    </li>
  ));
  return list.ordered ? <ol start={list.start === "" ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
}

function MarkdownTable({ table }: { table: Tokens.Table }) {
  return (
    <div className="table" tabIndex={0} role="group" aria-label={texts.design.table}>
      <table>
        <thead>
          <tr>
            {table.header.map((cell, place) => (
              <th key={place} scope="col">
                {inline(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, line) => (
            <tr key={line}>
              {row.map((cell, place) => (
                <td key={place}>{inline(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inline(tokens: readonly Token[] | undefined): ReactNode {
  return (tokens ?? []).map((token, place) => <Fragment key={place}>{span(token)}</Fragment>);
}

function span(token: Token): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token.tokens)}</strong>;
    case "em":
      return <em>{inline(token.tokens)}</em>;
    case "del":
      return <del>{inline(token.tokens)}</del>;
    case "codespan":
      return <code>{(token as Tokens.Codespan).text}</code>;
    case "br":
      return <br />;
    case "link":
      return <Anchor href={(token as Tokens.Link).href}>{inline(token.tokens)}</Anchor>;
    case "image":
      // Nothing is fetched from elsewhere because an agent said so.
      return <Anchor href={(token as Tokens.Image).href}>{(token as Tokens.Image).text || "picture"}</Anchor>;
    case "escape":
      return (token as Tokens.Escape).text;
    case "text":
      return token.tokens ? inline(token.tokens) : (token as Tokens.Text).text;
    default:
      return token.raw;
  }
}

function Anchor({ href, children }: { href: string; children: ReactNode }) {
  if (!SAFE_LINK.test(href)) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}
