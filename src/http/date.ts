const TIME = '(\\d{2}:\\d{2}:\\d{2})';
const IMF_FIXDATE = new RegExp(`^[A-Z][a-z]{2}, (\\d{2}) ([A-Z][a-z]{2}) (\\d{4}) ${TIME} GMT$`);
/** Obsolete forms: they are not to be sent, and MUST be accepted. */
const RFC850 = new RegExp(`^[A-Z][a-z]{5,8}, (\\d{2})-([A-Z][a-z]{2})-(\\d{2}) ${TIME} GMT$`);
const ASCTIME = new RegExp(`^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \\d]\\d) ${TIME} (\\d{4})$`);

/** HTTP-date in its three forms (RFC 9110 section 5.6.7), as milliseconds of the time of day; undefined for what is none. */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  const imf = IMF_FIXDATE.exec(text);
  if (imf !== null) return msOf(imf[1], imf[2], imf[3], imf[4]);
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) return msOf(asctime[2], asctime[1], asctime[4], asctime[3]);
  const rfc850 = RFC850.exec(text);
  return rfc850 === null
    ? undefined
    : msOf(rfc850[1], rfc850[2], String(fullYear(Number(rfc850[3]), nowMs)), rfc850[4]);
}

/** Of a year in two digits: one that would be more than 50 years ahead is the last one that ended so. */
function fullYear(digits: number, nowMs: number): number {
  const now = new Date(nowMs).getUTCFullYear();
  const year = now - (now % 100) + digits;
  if (year > now + 50) return year - 100;
  return year <= now - 50 ? year + 100 : year;
}

function msOf(
  day: string | undefined,
  month: string | undefined,
  year: string | undefined,
  time: string | undefined,
): number | undefined {
  const ms = Date.parse(`${day} ${month} ${year} ${time} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}
