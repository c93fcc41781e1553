/**
 * What the broker closes a socket with, as `broker/protocol/close_codes.py` has it: a test there holds this against
 * that. A client comes back after those with `comesBack`.
 */
export const CLOSE_CODES = {
  RESTARTING: { code: 1012, comesBack: true },
  INVALID_MESSAGE: { code: 4400, comesBack: false },
  UNAUTHORIZED: { code: 4401, comesBack: false },
  FORBIDDEN: { code: 4403, comesBack: true },
  NOT_ACCEPTABLE: { code: 4406, comesBack: false },
  TOO_LATE: { code: 4408, comesBack: true },
  DUPLICATE: { code: 4409, comesBack: false },
  INITIALISED_TWICE: { code: 4429, comesBack: false },
  SLOW_CONSUMER: { code: 4508, comesBack: true },
} as const;

const COMES_BACK = new Map<number, boolean>(
  Object.values(CLOSE_CODES).map(({ code, comesBack }) => [code, comesBack]),
);
/** Numbers that are not in the table: from here on a client does not come back. */
const FIRST_FINAL = 4500;
const LAST_FINAL = 4599;

/** Whether to reconnect after a socket was closed with `code`. */
export const mayReturn = (code: number): boolean =>
  COMES_BACK.get(code) ?? !(code >= FIRST_FINAL && code <= LAST_FINAL);
